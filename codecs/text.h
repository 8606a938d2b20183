#pragma once
/* A growing buffer of text, or of any bytes. It has a limit given at birth, and its memory comes from a `struct
 * memory`. Failure is sticky: after the first one nothing is written any more and text_failed says so, so that callers
 * check once, at the end. One thread at a time. */
#include "codecs/memory.h"

/* UTF-8 text of `length` bytes, not zero-terminated in general, NUL bytes allowed. Borrowed. */
struct text_view {
    const char *bytes;
    size_t length;
};

enum text_state { TEXT_GOOD, TEXT_OVER_LIMIT, TEXT_OUT_OF_MEMORY };

struct text {
    char *data; /* owned through `memory`; not zero-terminated */
    size_t length;
    size_t capacity;
    size_t limit_bytes;
    struct memory *memory;
    enum text_state state;
    size_t refused_bytes; /* the block that it failed to get */
};

/* Takes nothing yet. */
void text_init(struct text *text, struct memory *memory, size_t limit_bytes);
void text_deinit(struct text *text); /* gives the buffer back; safe after {0} and twice */

static inline bool text_failed(const struct text *text) {
    return text->state != TEXT_GOOD;
}

/* Makes room for at least `bytes` more, so that a known amount of output costs one allocation. It is an estimate:
 * beyond the limit less is reserved, and nothing fails. */
void text_reserve(struct text *text, size_t bytes);

/* text_room's way where there is no room yet. */
char *text_make_room(struct text *text, size_t bytes);

/* Where the next `bytes` bytes go, NULL once the text has failed. Whoever writes them adds to `length`. */
static inline char *text_room(struct text *text, size_t bytes) {
    bool has_room = !text_failed(text) && bytes <= text->capacity - text->length;
    return has_room ? text->data + text->length : text_make_room(text, bytes);
}

/* length may be 0. */
void text_put(struct text *text, const char *bytes, size_t length);
