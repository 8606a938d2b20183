#pragma once
/* How long each phase of a request took, and the three places that show it: the result, the Server-Timing header and
 * the log. One table of phases in times.c. */
#include "codecs/json/json_writer.h"

#include <stdint.h>

/* All in nanoseconds. Phases follow one another without gaps. */
struct times {
    uint64_t opened;   /* clock: request line parsed */
    uint64_t received; /* clock: body complete */
    uint64_t receive;
    uint64_t queue;
    uint64_t decode;
    uint64_t compute;
    uint64_t encode;
    uint64_t total;
    uint64_t cpu;
};

enum { TIMES_HEADER_BYTES = 320 };

/* Adds phases that a stage took; `opened` and `received` stay. */
void times_add(struct times *times, const struct times *spent);

/* "receive_ms": 0.012, … into an object that is open. */
void times_write(struct json_writer *writer, const struct times *times);

/* "receive;dur=0.012, …", zero-terminated (the value of a Server-Timing header). */
void times_print(const struct times *times, char out[TIMES_HEADER_BYTES]);
