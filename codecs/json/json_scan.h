#pragma once
/* Finds where JSON values end, at the speed of memory, without reading them: what lies between is checked later, by
 * json_text, number_array, number_rows or jansson. No function reads outside [0, length). Offsets count from `bytes`. A
 * set *cancel (may be NULL) ends a scan early, as if the bytes ended there; it is looked at once per MiB.
 *
 * Strings and arrays of numbers may still be arriving: a scan that the bytes' end cut off goes on where it was when
 * more of them are there (and they may have moved meanwhile). */
#include <stdbool.h>
#include <stddef.h>

/* A string's or an array's inside: [begin, end), without its quotes or brackets. Until it is closed, [begin, end) is
 * what the scan has passed. */
struct json_span {
    size_t begin;
    size_t end;
    bool has_escape; /* strings: there is a backslash */
    bool is_ascii;   /* strings: surely only ASCII; false says nothing */
    bool carry;      /* the scan's own, at `end`: the byte there is escaped, or in a row */
};

enum json_scan_end {
    JSON_SCAN_CLOSED,  /* the closing quote or bracket is at span->end */
    JSON_SCAN_FOREIGN, /* what is there can't be in such a value */
    JSON_SCAN_CUT      /* neither before the bytes' end */
};

/* A span whose scan begins at `at`, just after the opening quote or bracket. */
static inline struct json_span json_span_from(size_t at) {
    return (struct json_span){.begin = at, .end = at, .is_ascii = true};
}

/* A string: control characters are foreign to it. */
enum json_scan_end json_scan_text(const char *bytes, size_t length, const _Atomic bool *cancel, struct json_span *span);

/* An array of numbers: foreign to it is what can start another value. */
enum json_scan_end json_scan_numbers(const char *bytes, size_t length, const _Atomic bool *cancel,
                                     struct json_span *span);

/* An array of such arrays: foreign to it is what can start a value other than an array, and in those one other than a
 * number. Each of them is closed when it is. */
enum json_scan_end json_scan_rows(const char *bytes, size_t length, const _Atomic bool *cancel, struct json_span *span);

/* `at` is at an opening bracket, [ or {. Offset just after the bracket that closes it, `length` where there is none.
 * Both kinds of brackets are taken for one: right for JSON, and anything at all for what isn't. */
size_t json_scan_nested(const char *bytes, size_t length, size_t at, const _Atomic bool *cancel);

/* The inside of an array or an object, whatever is in it, from its beginning on: CLOSED or CUT, and brackets are taken
 * as by json_scan_nested. Not for values that are still arriving. */
enum json_scan_end json_scan_values(const char *bytes, size_t length, const _Atomic bool *cancel,
                                    struct json_span *span);

/* Cuts what json_scan_values passed at its commas: ends[i] is the offset just after value i, which begins at
 * span->begin or just after the comma before it. Returns how many there are: none where nothing but spaces is there,
 * most + 1 where there are more than `most`, and then, or when cancelled, ends isn't complete. */
size_t json_scan_split(const char *bytes, const struct json_span *span, const _Atomic bool *cancel, size_t *ends,
                       size_t most);

/* Bytes of whitespace that bytes[0 … length-1] begins with. */
size_t json_scan_spaces(const char *bytes, size_t length);

/* Commas in bytes[0 … length-1]. */
size_t json_scan_commas(const char *bytes, size_t length);

/* Whitespace as JSON knows it. */
static inline bool json_is_space(char byte) {
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* Past whitespace: something else is there. */
static inline const char *json_skip_spaces(const char *at) {
    while (json_is_space(*at)) {
        at++;
    }
    return at;
}
