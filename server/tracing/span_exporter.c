/* A ring under a lock that is held for the copying of one span: the thread takes them out one by one as it prints them,
 * so that it holds up nobody who offers one. It sleeps without a timeout while there is none, and lets a group come
 * together otherwise: who offers pays for waking it twice a group at most. */
#include "server/tracing/span_exporter.h"

#include "server/system/clock.h"
#include "server/system/log.h"
#include "server/system/sleeper.h"
#include "server/tracing/otlp_news.h"
#include "server/tracing/otlp_post.h"
#include "server/tracing/otlp_text.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

enum { QUEUE_LENGTH = 4096, GROUP_MAX = 256 };

#define GATHER_NS NS_PER_S
#define FLUSH_NS (EXPORTER_FLUSH_S * NS_PER_S)

/* The pause after the first try, which doubles, each by up to a quarter shorter or longer, so that a collector that
 * comes back isn't asked by everybody at once; and the longest that a collector may ask for. */
#define PAUSE_NS (NS_PER_S / 2)
#define PAUSE_MAX_NS (30 * NS_PER_S)

enum { TEXT_MAX_BYTES = (GROUP_MAX + 1) * OTLP_SPAN_BYTES };
static_assert(TEXT_MAX_BYTES < 1024 * 1024, "libcurl would ask first, and wait a second for an answer (Expect)");

struct span_exporter {
    const char *url;
    const char *version;
    struct otlp_post *post;
    struct sleeper sleeper; /* woken: there is something, there is enough, or it is over */
    pthread_mutex_t lock;
    _Atomic uint64_t until_ns; /* UINT64_MAX until it is stopped */
    _Atomic uint64_t counts[SPAN_FATES];
    struct otlp_news news; /* the thread's */
    size_t first, length;
    struct span ring[QUEUE_LENGTH];
};

static void count_spans(struct span_exporter *exporter, enum span_fate fate, uint64_t spans) {
    atomic_fetch_add_explicit(&exporter->counts[fate], spans, memory_order_relaxed);
}

uint64_t span_exporter_count(const struct span_exporter *exporter, enum span_fate fate) {
    return atomic_load_explicit(&exporter->counts[fate], memory_order_relaxed);
}

static bool is_stopping(const struct span_exporter *exporter) {
    return atomic_load(&exporter->until_ns) != UINT64_MAX;
}

/* --- the queue --------------------------------------------------------------------------------------------------- */

void span_exporter_offer(struct span_exporter *exporter, const struct span *span) {
    bool has_room, wakes;
    pthread_mutex_lock(&exporter->lock);
    has_room = exporter->length < QUEUE_LENGTH;
    if (has_room) {
        exporter->ring[(exporter->first + exporter->length) % QUEUE_LENGTH] = *span;
        exporter->length++;
    }
    wakes = has_room && (exporter->length == 1 || exporter->length == GROUP_MAX);
    pthread_mutex_unlock(&exporter->lock);
    if (wakes) {
        sleeper_wake(&exporter->sleeper);
    }
    if (!has_room) {
        count_spans(exporter, SPAN_DROPPED, span_count(span));
    }
}

static bool take_span(struct span_exporter *exporter, struct span *span) {
    pthread_mutex_lock(&exporter->lock);
    bool has_one = exporter->length > 0;
    if (has_one) {
        *span = exporter->ring[exporter->first];
        exporter->first = (exporter->first + 1) % QUEUE_LENGTH;
        exporter->length--;
    }
    pthread_mutex_unlock(&exporter->lock);
    return has_one;
}

/* Until a group has come together. False: it is over, and nothing is left, or no time. */
static bool await_group(struct span_exporter *exporter) {
    pthread_mutex_lock(&exporter->lock);
    while (exporter->length == 0 && !is_stopping(exporter)) {
        sleeper_sleep(&exporter->sleeper, &exporter->lock, UINT64_MAX);
    }
    for (uint64_t end_ns = clock_now_ns() + GATHER_NS;
         exporter->length < GROUP_MAX && !is_stopping(exporter) && clock_now_ns() < end_ns;) {
        sleeper_sleep(&exporter->sleeper, &exporter->lock, end_ns);
    }
    bool is_empty = exporter->length == 0;
    pthread_mutex_unlock(&exporter->lock);
    return !is_empty && clock_left_ns(atomic_load(&exporter->until_ns)) > 0;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

static uint64_t vary(uint64_t pause_ns) {
    uint32_t chance = UINT32_MAX / 2;
    (void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* else the middle */
    return pause_ns - pause_ns / 4 + pause_ns / 2 * chance / UINT32_MAX;
}

/* Between two tries; shorter where it is over. */
static void rest(struct span_exporter *exporter, uint64_t pause_ns) {
    uint64_t end_ns = clock_now_ns() + (pause_ns < PAUSE_MAX_NS ? pause_ns : PAUSE_MAX_NS);
    pthread_mutex_lock(&exporter->lock);
    while (!is_stopping(exporter) && clock_now_ns() < end_ns) {
        sleeper_sleep(&exporter->sleeper, &exporter->lock, end_ns);
    }
    pthread_mutex_unlock(&exporter->lock);
}

/* And counts the spans in the text. */
static void send_text(struct span_exporter *exporter, const struct text *text, uint64_t spans) {
    struct otlp_answer answer = {.rejected_spans = 0};
    enum otlp_outcome outcome = OTLP_LATER;
    uint64_t pause_ns = PAUSE_NS;
    for (unsigned tries = 0; outcome == OTLP_LATER && tries < EXPORTER_TRIES; tries++, pause_ns *= 2) {
        bool was_stopping = is_stopping(exporter);
        outcome = otlp_post_send(exporter->post, text->data, text->length, &exporter->until_ns, &answer);
        otlp_news_tell(&exporter->news, exporter->url, outcome, &answer, spans, clock_now_ns());
        if (was_stopping) {
            break; /* nobody waits for a better moment */
        }
        if (outcome == OTLP_LATER && tries + 1 < EXPORTER_TRIES) {
            uint64_t asked_ns = (answer.asked_s < 3600 ? answer.asked_s : 3600) * NS_PER_S;
            uint64_t own_ns = vary(pause_ns);
            rest(exporter, asked_ns > own_ns ? asked_ns : own_ns);
        }
    }
    uint64_t rejected = otlp_answer_rejected(&answer, spans);
    count_spans(exporter,
                outcome == OTLP_TAKEN ? SPAN_SENT
                : outcome == OTLP_CUT ? SPAN_DROPPED
                                      : SPAN_FAILED,
                spans - rejected);
    count_spans(exporter, SPAN_REJECTED, rejected);
}

static void send_group(struct span_exporter *exporter) {
    struct plain_memory memory;
    struct json_writer writer;
    struct span span;
    uint64_t spans = 0;
    plain_memory_init(&memory, TEXT_MAX_BYTES);
    json_writer_init(&writer, &memory.base, TEXT_MAX_BYTES);
    otlp_text_begin(&writer, exporter->version);
    for (unsigned i = 0; i < GROUP_MAX && take_span(exporter, &span); i++) {
        otlp_text_add(&writer, &span);
        spans += span_count(&span);
    }
    otlp_text_end(&writer);
    if (json_writer_failed(&writer)) {
        count_spans(exporter, SPAN_DROPPED, spans);
    } else {
        send_text(exporter, &writer.text, spans);
    }
    json_writer_deinit(&writer);
}

static void *export_spans(void *context) {
    struct span_exporter *exporter = context;
    while (await_group(exporter)) {
        send_group(exporter);
    }
    return NULL;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

/* Without its thread. */
static void release(struct span_exporter *exporter) {
    sleeper_deinit(&exporter->sleeper);
    pthread_mutex_destroy(&exporter->lock);
    otlp_post_free(exporter->post);
    free(exporter);
}

struct span_exporter *span_exporter_new(const char *url, const char *version) {
    struct span_exporter *exporter = calloc(1, sizeof *exporter);
    struct otlp_post *post = exporter ? otlp_post_new(url, version) : NULL;
    if (!post) {
        free(exporter);
        errno = ENOMEM;
        return NULL;
    }
    exporter->url = url;
    exporter->version = version;
    exporter->post = post;
    atomic_store(&exporter->until_ns, UINT64_MAX);
    pthread_mutex_init(&exporter->lock, NULL);
    sleeper_init(&exporter->sleeper);
    int error = sleeper_start(&exporter->sleeper, "otlp", export_spans, exporter);
    if (error != 0) {
        release(exporter);
        errno = error;
        return NULL;
    }
    return exporter;
}

void span_exporter_free(struct span_exporter *exporter) {
    if (!exporter) {
        return;
    }
    pthread_mutex_lock(&exporter->lock);
    atomic_store(&exporter->until_ns, clock_now_ns() + FLUSH_NS);
    sleeper_wake(&exporter->sleeper);
    pthread_mutex_unlock(&exporter->lock);
    otlp_post_wake(exporter->post);
    sleeper_join(&exporter->sleeper);
    for (struct span span; take_span(exporter, &span);) {
        count_spans(exporter, SPAN_DROPPED, span_count(&span));
    }
    uint64_t dropped = span_exporter_count(exporter, SPAN_DROPPED), failed = span_exporter_count(exporter, SPAN_FAILED),
             rejected = span_exporter_count(exporter, SPAN_REJECTED);
    if (dropped + failed + rejected > 0) {
        log_event(LOG_WARN, "otlp-lost", "spans that %s doesn't have: %llu dropped, %llu failed, %llu rejected",
                  exporter->url, (unsigned long long)dropped, (unsigned long long)failed, (unsigned long long)rejected);
    }
    release(exporter);
}
