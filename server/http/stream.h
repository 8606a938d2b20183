#pragma once
/* A body that is worked on while it arrives: the loop fills one window while a lane works on the other. When both are
 * full the connection is suspended (back-pressure) until the lane is done, so a stream takes two windows of memory
 * however long it is.
 *
 * Belongs to the loop's thread but for the window that the lane has, and for exchange.call, while `busy`. The
 * exchange's work is used for one window after the other; a client that goes away while a lane is busy is waited for (a
 * piece of a window's time, as the cancel flag is polled), since the lane has the request's memory in its hands. */
#include "codecs/problem.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct content_decoder;

/* Received at about 4 GB/s and counted at 20: large enough that handing it over (30–70 µs) costs little. */
enum { STREAM_WINDOW_BYTES = 1024 * 1024 };

struct stream {
    struct exchange *exchange;
    char *windows[2];
    size_t window_bytes; /* of each */
    unsigned filling;    /* the window that the loop has */
    size_t filled;       /* bytes in it */
    size_t lane_length;  /* bytes in the other, while busy */
    bool busy;           /* the lane has the other */
    bool begun;          /* a window has been handed over */
    bool ended;          /* the body is complete */
    bool last;           /* the window that was handed over is the last */
    char *unfolded;      /* where compressed windows are unfolded to, NULL if they aren't */
    struct content_decoder *decoder;
};

/* The head was accepted: takes memory and reads the options. */
MUST_CHECK enum problem_kind stream_open(struct exchange *exchange);
/* A piece of the body came. Takes what fits; what is left over comes again. */
void stream_take(struct exchange *exchange, const char *data, size_t *data_size);
/* The body is complete. The result is ready on return, or the connection suspended. */
void stream_end(struct exchange *exchange);
/* The lane has finished its window. */
void stream_settle(struct exchange *exchange);
/* The request is over, one way or the other: nothing of it is with a lane afterwards. */
void stream_close(struct exchange *exchange);
