#pragma once
/* What was asked: filled in by whoever takes the request in (an HTTP exchange, a journal, a batch), never changed once
 * the run is open. */
#include "codecs/coding/content_coding.h"
#include "codecs/text.h"
#include "server/engine/media.h"
#include "server/engine/scheduler.h"

struct endpoint;

enum { ORDER_ID_MAX = 64 };

struct order {
    const struct endpoint *endpoint;
    enum media body_media;
    enum media reply_media;
    struct text_view query; /* of the URL, without '?', as it came; where the body isn't JSON the options are there */
    enum content_coding body_coding;
    enum content_coding reply_coding; /* what the asker would like … */
    bool reply_must_be_coded;         /* … and whether it takes nothing else */
    enum work_class class;            /* of whole bodies; a stream's windows are WORK_STREAM */
    uint64_t principal;               /* whose it is */
    uint64_t declared_bytes;          /* the body's length, where is_declared */
    bool is_declared;
    char id[ORDER_ID_MAX + 1]; /* names the request in its answer and in the log */
};
