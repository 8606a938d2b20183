#include "codecs/text.h"

#include <string.h>

/* The usual small reply with its "threads" and "timing" takes about half of it. */
enum { FIRST_BYTES = 1024 };

void text_init(struct text *text, struct memory *memory, size_t limit_bytes) {
    *text = (struct text){.memory = memory, .limit_bytes = limit_bytes};
}

void text_deinit(struct text *text) {
    if (text->data) {
        memory_give(text->memory, text->data, text->capacity);
    }
    text->data = NULL;
    text->length = 0;
    text->capacity = 0;
}

static void text_grow(struct text *text, size_t capacity) {
    char *data = text->data ? memory_resize(text->memory, text->data, text->capacity, capacity)
                            : memory_take(text->memory, capacity);
    if (!data) {
        text->state = TEXT_OUT_OF_MEMORY;
        text->refused_bytes = capacity;
        return;
    }
    text->data = data;
    text->capacity = capacity;
}

char *text_make_room(struct text *text, size_t bytes) {
    if (text_failed(text)) {
        return NULL;
    }
    if (bytes > text->limit_bytes - text->length) {
        text->state = TEXT_OVER_LIMIT;
        text->refused_bytes = text->length + bytes;
        return NULL;
    }
    size_t capacity = text->capacity > 0 ? text->capacity : FIRST_BYTES / 2;
    capacity = capacity > text->limit_bytes / 2 ? text->limit_bytes : capacity * 2;
    size_t needed = text->length + bytes;
    text_grow(text, capacity > needed ? capacity : needed);
    return text_failed(text) ? NULL : text->data + text->length;
}

void text_put(struct text *text, const char *bytes, size_t length) {
    char *out = length > 0 ? text_room(text, length) : NULL;
    if (out) {
        memcpy(out, bytes, length);
        text->length += length;
    }
}

void text_reserve(struct text *text, size_t bytes) {
    size_t allowed = text->limit_bytes - text->length;
    bytes = bytes < allowed ? bytes : allowed; /* only what is really written must keep within the limit */
    if (!text_failed(text) && bytes > text->capacity - text->length) {
        text_grow(text, text->length + bytes);
    }
}
