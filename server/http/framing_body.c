#include "server/http/framing_body.h"

/* --- bodies ------------------------------------------------------------------------------------------------------ */

static const char *take_left(struct framing *framing, const char *at, const char *end, enum framing_state next) {
    uint64_t here = (uint64_t)(end - at);
    if (here < framing->left) {
        framing->left -= here;
        return end;
    }
    at += framing->left;
    framing->left = 0;
    framing->state = next;
    return at;
}

static int hex_value(char digit) {
    char small = (char)(digit | 0x20);
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

static const char not_a_size[] = "a chunk's size is not a hexadecimal number";

static const char *take_chunk_size(struct framing *framing, const char *at, const char *end) {
    int digit = 0;
    for (; at < end && (digit = hex_value(*at)) >= 0; at++, framing->matched = 1) {
        if (framing->length > UINT64_MAX >> 4) {
            return framing_refuse_as(framing, PROBLEM_BODY_TOO_LARGE, "a chunk's size exceeds 64 bits");
        }
        framing->length = framing->length << 4 | (uint64_t)digit;
    }
    if (at == end) {
        return end;
    }
    framing->has_gap = *at == ' ' || *at == '\t';
    if (framing->matched == 0 || (*at != ';' && *at != '\r' && !framing->has_gap)) {
        return framing_refuse(framing, not_a_size);
    }
    framing->state = FRAMING_CHUNK_EXTENSION;
    return at;
}

static const char *take_extension(struct framing *framing, const char *at, const char *end) {
    while (at < end && framing->has_gap && (*at == ' ' || *at == '\t')) {
        at++; /* white space that nobody should send, but only before ";" */
    }
    if (at == end) {
        return end;
    }
    if (framing->has_gap && *at != ';') {
        return framing_refuse(framing, not_a_size);
    }
    framing->has_gap = false;
    if (*at == '\r') {
        framing->state = FRAMING_CHUNK_LINE_END;
        return at + 1;
    }
    const char *stop = framing_end_of(at, end, FRAMING_IS_VALUE);
    return stop > at ? stop : framing_refuse(framing, "a chunk's extension contains a control character");
}

static const char *end_chunk_line(struct framing *framing, const char *at) {
    if (*at != '\n') {
        return framing_refuse(framing, "a line does not end with CR LF");
    }
    framing->left = framing->length;
    framing->length = 0;
    framing->line_bytes = 0;
    framing->matched = 0;
    if (framing->left > 0) {
        framing->state = FRAMING_CHUNK;
    } else {
        framing->state = FRAMING_FIELD;
        framing->is_trailer = true;
        framing->fields = 0;
        framing->head_bytes = framing->field_bytes - FRAMING_EMPTY_LINE_BYTES; /* it stays beside it */
        framing->field_bytes = 0;
    }
    return at + 1;
}

static const char *end_chunk(struct framing *framing, const char *at, char expected, enum framing_state next) {
    if (*at != expected) {
        return framing_refuse(framing, "a chunk is longer than its size says");
    }
    framing->state = next;
    return at + 1;
}

const char *framing_step_in_body(struct framing *framing, const char *at, const char *end) {
    switch (framing->state) {
    case FRAMING_BODY:
        return take_left(framing, at, end, FRAMING_BEGIN);
    case FRAMING_CHUNK_SIZE:
        return take_chunk_size(framing, at, end);
    case FRAMING_CHUNK_EXTENSION:
        return take_extension(framing, at, end);
    case FRAMING_CHUNK_LINE_END:
        return end_chunk_line(framing, at);
    case FRAMING_CHUNK:
        return take_left(framing, at, end, FRAMING_CHUNK_CR);
    case FRAMING_CHUNK_CR:
        return end_chunk(framing, at, '\r', FRAMING_CHUNK_LF);
    default: /* FRAMING_CHUNK_LF */
        return end_chunk(framing, at, '\n', FRAMING_CHUNK_SIZE);
    }
}
