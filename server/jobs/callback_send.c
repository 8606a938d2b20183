#include "server/jobs/callback_send.h"

#include "codecs/json/json_writer.h"
#include "server/jobs/callback_rules.h"
#include "server/system/allowed_hosts.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* What is read of an answer, head included; a receiver that answers more is hung up on. */
enum { ANSWER_MAX_BYTES = 64 * 1024 }; /* say_why says so */

enum { FIELD_BYTES = WEBHOOK_SIGNATURE_BYTES + 64, CONNECT_MAX_MS = 10000 };

static size_t take_head(const char *bytes, size_t size, size_t count, void *context) {
    struct callback_send *send = context;
    long status = 0;
    (void)size; /* 1 */
    send->answer_bytes += count;
    if (count <= 2 && (*bytes == '\r' || *bytes == '\n')) {
        (void)curl_easy_getinfo(send->easy, CURLINFO_RESPONSE_CODE, &status);
        send->is_answered |= status >= 200;
    }
    return send->answer_bytes <= ANSWER_MAX_BYTES ? count : 0;
}

static size_t drop_body(const char *bytes, size_t size, size_t count, void *context) {
    struct callback_send *send = context;
    (void)bytes;
    (void)size;
    send->answer_bytes += count;
    return send->answer_bytes <= ANSWER_MAX_BYTES ? count : 0;
}

static unsigned port_of(const struct sockaddr *address) {
    struct sockaddr_in v4; /* where the port is, IPv6's have it as well */
    static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port), "");
    memcpy(&v4, address, sizeof v4);
    return ntohs(v4.sin_port);
}

/* Each address that the name has is looked at when it is about to be connected to: what was found out before may have
 * changed. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    struct callback_send *send = context;
    struct ip_address ip;
    const char *class = "an unknown kind of";
    if (purpose == CURLSOCKTYPE_IPCXN && ip_address_of(&address->addr, &ip)) {
        class = allowed_hosts_refuse(send->allow, &ip, port_of(&address->addr));
    }
    if (class) {
        send->refused_class = class;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool add_field(struct callback_send *send, const char *name, const char *value) {
    char line[FIELD_BYTES];
    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(send->fields, line);
    send->fields = longer ? longer : send->fields;
    return longer;
}

static bool write_fields(struct callback_send *send, const struct webhook_keys *keys, const struct job *job,
                         const struct text_view *body) {
    char id[CALLBACK_ID_BYTES], seconds[24], signature[WEBHOOK_SIGNATURE_BYTES];
    long long now_s = (long long)time(NULL);
    (void)snprintf(seconds, sizeof seconds, "%lld", now_s);
    callback_message_id(job, id);
    bool is_good = add_field(send, "Content-Type", "application/json") && add_field(send, "webhook-id", id) &&
                   add_field(send, "webhook-timestamp", seconds);
    if (is_good && keys->count > 0) {
        webhook_sign(keys, id, now_s, body->bytes, body->length, signature);
        is_good = add_field(send, "webhook-signature", signature);
    }
    return is_good;
}

static bool set_up(struct callback_send *send, const struct facts *facts, const struct text_view *body) {
    CURL *easy = send->easy;
    char agent[64];
    long timeout_ms = (long)send->timeout_ms;
    (void)snprintf(agent, sizeof agent, "forkjoin/%.40s", facts->version);
    bool is_good = curl_easy_setopt(easy, CURLOPT_CURLU, send->target.url) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, send) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK && /* so that each is looked at */
                   curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_HTTPHEADER, send->fields) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_USERAGENT, agent) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body->length) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->bytes) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_HEADERDATA, send) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_body) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_WRITEDATA, send) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PRIVATE, send) == CURLE_OK;
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_MAX_MS ? timeout_ms : CONNECT_MAX_MS);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a name's lookup that hangs isn't waited for */
    return is_good;
}

/* In the struct's own memory, which is enough for every job. */
static bool describe(struct callback_send *send, const struct host *host, const struct job *job,
                     struct text_view *body) {
    struct json_writer writer;
    fixed_memory_init(&send->body);
    json_writer_init(&writer, &send->body.base, FIXED_MEMORY_BYTES);
    host->describe_job(&writer, host, job);
    *body = (struct text_view){writer.text.data, writer.text.length};
    return !json_writer_failed(&writer);
}

enum callback_begun callback_send_begin(struct callback_send *send, const struct host *host,
                                        const struct webhook_keys *keys, const struct job *job) {
    struct text_view body;
    send->allow = host->facts->config.callback_allow;
    send->timeout_ms = host->facts->config.callback_timeout_ns / NS_PER_MS;
    send->refused_class = NULL;
    send->answer_bytes = 0;
    send->is_answered = false;
    send->easy = NULL;
    send->fields = NULL;
    if (!callback_target_open(&send->target, send->allow, job->callback, send->reason)) {
        return CALLBACK_REFUSED;
    }
    if (!send->target.is_listed) {
        (void)snprintf(send->reason, sizeof send->reason, "the host isn't listed in --callback-allow any more");
        return CALLBACK_REFUSED;
    }
    send->easy = curl_easy_init();
    bool is_good = send->easy && describe(send, host, job, &body) && write_fields(send, keys, job, &body) &&
                   set_up(send, host->facts, &body);
    return is_good ? CALLBACK_BEGUN : CALLBACK_NO_MEMORY;
}

static void say_no_connection(struct callback_send *send) {
    long error = 0;
    if (send->refused_class) {
        (void)snprintf(send->reason, sizeof send->reason,
                       "the host has %s address, which --callback-allow doesn't list", send->refused_class);
        return;
    }
    (void)curl_easy_getinfo(send->easy, CURLINFO_OS_ERRNO, &error);
    (void)snprintf(send->reason, sizeof send->reason, "the host couldn't be connected to%s%s", error ? ": " : "",
                   error ? strerrordesc_np((int)error) : "");
}

/* What didn't come to an end in time: looking the name up, connecting or the answer. */
static void say_timed_out(struct callback_send *send) {
    curl_off_t looked_up_us = 0, connected_us = 0;
    (void)curl_easy_getinfo(send->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up_us);
    (void)curl_easy_getinfo(send->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    if (connected_us > 0) {
        (void)snprintf(send->reason, sizeof send->reason,
                       "timed out: there was no answer within %g s (--callback-timeout)",
                       (double)send->timeout_ms / 1000);
        return;
    }
    uint64_t limit_ms = send->timeout_ms < CONNECT_MAX_MS ? send->timeout_ms : CONNECT_MAX_MS;
    (void)snprintf(send->reason, sizeof send->reason, "timed out: the host%s within %g s",
                   looked_up_us > 0 ? " couldn't be connected to" : "'s name couldn't be resolved",
                   (double)limit_ms / 1000);
}

/* Of a try that nobody answered. */
static void say_why(struct callback_send *send, CURLcode code) {
    static const struct {
        CURLcode code;
        const char *reason;
    } reasons[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "the host's name couldn't be resolved"},
        {CURLE_SSL_CACERT_BADFILE, "this system has no trusted certificates (Debian's package ca-certificates)"},
        {CURLE_PEER_FAILED_VERIFICATION, "the peer certificate is not trusted here, or is another host's"},
        {CURLE_SSL_CONNECT_ERROR, "the TLS handshake failed: does the host speak TLS at this port?"},
        {CURLE_UNSUPPORTED_PROTOCOL, "what the host answered is not HTTP/1.1 or HTTP/1.0"},
        {CURLE_WEIRD_SERVER_REPLY, "what the host answered is not HTTP/1.1 or HTTP/1.0"},
        {CURLE_GOT_NOTHING, "the host hung up without an answer"},
        {CURLE_RECV_ERROR, "the connection broke before there was an answer"},
        {CURLE_SEND_ERROR, "the connection broke before there was an answer"},
        {CURLE_WRITE_ERROR, "the head of the answer exceeds 64 KiB"},
    };
    if (code == CURLE_COULDNT_CONNECT) {
        say_no_connection(send);
        return;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        say_timed_out(send);
        return;
    }
    const char *reason = curl_easy_strerror(code);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        reason = reasons[i].code == code ? reasons[i].reason : reason;
    }
    (void)snprintf(send->reason, sizeof send->reason, "%s", reason);
}

unsigned callback_send_end(struct callback_send *send, CURLcode code, uint64_t *asked_s) {
    long status = 0;
    curl_off_t asked = 0;
    *asked_s = 0;
    send->reason[0] = '\0';
    if (!send->is_answered) {
        say_why(send, code);
        return 0;
    }
    (void)curl_easy_getinfo(send->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(send->easy, CURLINFO_RETRY_AFTER, &asked);
    *asked_s = asked > 0 ? (uint64_t)asked : 0;
    if (status < 200 || status > 299) {
        (void)snprintf(send->reason, sizeof send->reason, "answered %ld%s", status,
                       status >= 300 && status < 400 && status != 304 ? ", which isn't followed" : "");
    }
    return (unsigned)status;
}

void callback_send_free(struct callback_send *send) {
    curl_easy_cleanup(send->easy);
    curl_slist_free_all(send->fields);
    callback_target_close(&send->target);
    send->easy = NULL;
    send->fields = NULL;
}
