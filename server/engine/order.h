#pragma once
/* What was asked: filled in by whoever takes the request in (an HTTP exchange, a journal, a batch), never changed once
 * the run is open. */
#include "codecs/coding/content_coding.h"
#include "codecs/text.h"
#include "codecs/trace_context.h"
#include "server/engine/media.h"
#include "server/engine/payload.h"
#include "server/engine/scheduler.h"

struct endpoint;

enum { ORDER_ID_MAX = 64 };

/* Header fields that say how the order is meant, as they came, repeated ones joined by ", ". The bytes end with a zero
 * and live as long as the run; NULL: the field wasn't there. */
struct order_fields {
    struct text_view if_match;
    struct text_view if_none_match;
    struct text_view range; /* of GET alone */
    struct text_view if_range;
    struct text_view prefer;
    struct text_view idempotency_key;
    struct text_view last_event_id;
};

struct order {
    const struct endpoint *endpoint;
    const struct endpoint *deferred; /* what a job is to run, whose submission `endpoint` is; NULL: this is none */
    struct text_view part; /* of the path: what stands for the braces in the endpoint's, as it was sent; else empty */
    struct order_fields fields;
    enum media body_media;
    enum media reply_media;
    enum media reply_choices[MEDIA_CHOICES_MAX]; /* of orders without a body: what the asker takes of what the endpoint
                                                    produces, what it likes best first; 0 behind the last */
    struct text_view query; /* of the URL, without '?', as it came; where the body isn't JSON the options are there */
    enum content_coding body_coding;
    enum content_coding reply_coding; /* what the asker would like … */
    bool reply_must_be_coded;         /* … and whether it takes nothing else */
    bool changes_nothing;             /* asked for by a method that says so: the answer is all that comes of it */
    enum work_class class;            /* of whole bodies; a stream's windows are WORK_STREAM */
    uint64_t principal;               /* whose it is */
    uint64_t declared_bytes;          /* the body's length, where is_declared */
    bool is_declared;
    struct payload pins; /* what names stand for, whatever has become of them (server/data/data_pins.h); owner NULL:
                            what they stand for when they are looked up. A run's is its reference */
    char id[ORDER_ID_MAX + 1];  /* names the request in its answer and in the log */
    struct trace_context trace; /* what it is a part of, and its own span; no trace_id: it isn't said, or a job's */
};
