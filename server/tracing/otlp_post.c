#include "server/tracing/otlp_post.h"

#include "codecs/json/partial_success.h"
#include "server/system/clock.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEND_NS (10 * NS_PER_S)

/* What is read of an answer, head included. */
enum { ANSWER_MAX_BYTES = 64 * 1024, CONNECT_MS = 3000, URL_BYTES = 1024 };

struct otlp_post {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *fields;
    size_t answer_bytes;
    size_t body_bytes; /* of these, kept: */
    char body[ANSWER_MAX_BYTES];
    char url[URL_BYTES];
};

static size_t drop(const char *bytes, size_t size, size_t count, void *context) {
    struct otlp_post *post = context;
    (void)bytes;
    (void)size; /* 1 */
    post->answer_bytes += count;
    return post->answer_bytes <= ANSWER_MAX_BYTES ? count : 0;
}

static size_t keep(const char *bytes, size_t size, size_t count, void *context) {
    struct otlp_post *post = context;
    if (drop(bytes, size, count, post) != count) {
        return 0;
    }
    memcpy(post->body + post->body_bytes, bytes, count);
    post->body_bytes += count;
    return count;
}

static bool set_up(struct otlp_post *post, const char *version) {
    CURL *easy = post->easy;
    char agent[64];
    (void)snprintf(agent, sizeof agent, "forkjoin/%.40s", version);
    post->fields = curl_slist_append(NULL, "Content-Type: application/json");
    bool is_good = post->fields && curl_easy_setopt(easy, CURLOPT_URL, post->url) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->fields) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_USERAGENT, agent) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, drop) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_HEADERDATA, post) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_WRITEDATA, post) == CURLE_OK;
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(SEND_NS / NS_PER_MS));
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a name's lookup that hangs isn't waited for */
    return is_good;
}

struct otlp_post *otlp_post_new(const char *url, const char *version) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NULL;
    }
    struct otlp_post *post = calloc(1, sizeof *post);
    if (!post) {
        curl_global_cleanup();
        return NULL;
    }
    size_t length = strlen(url);
    length -= length > 0 && url[length - 1] == '/';
    int printed = snprintf(post->url, sizeof post->url, "%.*s/v1/traces", (int)length, url);
    post->multi = curl_multi_init();
    post->easy = curl_easy_init();
    if (!post->multi || !post->easy || printed >= (int)sizeof post->url || !set_up(post, version)) {
        otlp_post_free(post);
        return NULL;
    }
    return post;
}

void otlp_post_free(struct otlp_post *post) {
    if (!post) {
        return;
    }
    curl_easy_cleanup(post->easy);
    (void)curl_multi_cleanup(post->multi);
    curl_slist_free_all(post->fields);
    free(post);
    curl_global_cleanup();
}

void otlp_post_wake(struct otlp_post *post) {
    (void)curl_multi_wakeup(post->multi);
}

/* What the specification of OTLP/HTTP calls retryable. */
static bool may_be_later(long status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

/* Of what was taken. */
static enum otlp_outcome look_for_rejected(const struct otlp_post *post, struct otlp_answer *answer) {
    char message[PARTIAL_SUCCESS_MESSAGE_BYTES];
    answer->rejected_spans = partial_success_rejected(post->body, post->body_bytes, message);
    (void)snprintf(answer->reason, OTLP_REASON_BYTES, "%s", message);
    return OTLP_TAKEN;
}

/* Where a 2xx has come but not all of its body, that may have told of rejected spans: what was taken in part must not
 * be sent again (OTLP/HTTP, "Partial Success"), so it counts as taken, and what isn't known of it isn't said. */
static enum otlp_outcome conclude(struct otlp_post *post, CURLcode code, struct otlp_answer *answer) {
    long status = 0;
    curl_off_t asked = 0;
    (void)curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &asked);
    if (status >= 200 && status <= 299) {
        return look_for_rejected(post, answer);
    }
    if (code != CURLE_OK) {
        (void)snprintf(answer->reason, OTLP_REASON_BYTES, "%s",
                       post->answer_bytes > ANSWER_MAX_BYTES ? "its answer exceeds 64 KiB" : curl_easy_strerror(code));
        return OTLP_LATER;
    }
    answer->asked_s = asked > 0 ? (uint64_t)asked : 0;
    (void)snprintf(answer->reason, OTLP_REASON_BYTES, "it answered %ld", status);
    return may_be_later(status) ? OTLP_LATER : OTLP_REFUSED;
}

enum otlp_outcome otlp_post_send(struct otlp_post *post, const char *body, size_t length,
                                 const _Atomic uint64_t *until_ns, struct otlp_answer *answer) {
    enum otlp_outcome outcome = OTLP_CUT;
    int running = 1;
    *answer = (struct otlp_answer){.asked_s = 0};
    post->answer_bytes = post->body_bytes = 0;
    (void)snprintf(answer->reason, OTLP_REASON_BYTES, "it did not answer in time");
    if (curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE, (long)length) != CURLE_OK ||
        curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, body) != CURLE_OK ||
        curl_multi_add_handle(post->multi, post->easy) != CURLM_OK) {
        (void)snprintf(answer->reason, OTLP_REASON_BYTES, "there was no memory for it");
        return OTLP_LATER;
    }
    for (uint64_t left_ns; outcome == OTLP_CUT && (left_ns = clock_left_ns(atomic_load(until_ns))) > 0;) {
        int left;
        (void)curl_multi_perform(post->multi, &running);
        const CURLMsg *message = curl_multi_info_read(post->multi, &left);
        if (message && message->msg == CURLMSG_DONE) {
            outcome = conclude(post, message->data.result, answer);
        } else {
            uint64_t wait_ns = left_ns < NS_PER_S ? left_ns : NS_PER_S;
            (void)curl_multi_poll(post->multi, NULL, 0, (int)(wait_ns / NS_PER_MS) + 1, NULL);
        }
    }
    (void)curl_multi_remove_handle(post->multi, post->easy);
    return outcome;
}
