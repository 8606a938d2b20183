#pragma once
/* Internal to server/tracing. One POST to a collector after the other, as libcurl makes them: no redirection followed,
 * no proxy, no other host than the one given, one connection that is kept, an answer that is read up to a bound.
 * One thread, but for otlp_post_wake. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct otlp_post;

enum otlp_outcome {
    OTLP_TAKEN,   /* answered 2xx, whatever became of the rest of that answer */
    OTLP_LATER,   /* nobody there, no answer in time, or one that says: later */
    OTLP_REFUSED, /* these will never be taken */
    OTLP_CUT      /* `until_ns` came first */
};

enum { OTLP_REASON_BYTES = 160 };

/* For <url>/v1/traces; `url` is one that collector_url_is_good likes. NULL: no memory. */
struct otlp_post *otlp_post_new(const char *url, const char *version);
/* NULL is fine. */
void otlp_post_free(struct otlp_post *post);

/* What an answer says beside the outcome. */
struct otlp_answer {
    /* A sentence's end: why they weren't taken. Of what was taken the collector's own words: why some were rejected,
     * or a warning; "": it has none. */
    char reason[OTLP_REASON_BYTES];
    uint64_t rejected_spans; /* of what was taken, as it says: possibly more than were sent */
    uint64_t asked_s;        /* how long it wants to be left alone; 0: it didn't say */
};

/* How many of `spans` that were taken it rejected: no more than there were. */
static inline uint64_t otlp_answer_rejected(const struct otlp_answer *answer, uint64_t spans) {
    return answer->rejected_spans < spans ? answer->rejected_spans : spans;
}

/* JSON; waits for the answer, 10 s at most, and until *until_ns of the clock, which may be set earlier by another
 * thread that then calls otlp_post_wake. */
enum otlp_outcome otlp_post_send(struct otlp_post *post, const char *body, size_t length,
                                 const _Atomic uint64_t *until_ns, struct otlp_answer *answer);

/* Any thread. */
void otlp_post_wake(struct otlp_post *post);
