#pragma once
/* Finds where JSON values end, at the speed of memory, without reading them: what lies between is checked later, by
 * json_text, number_array, number_rows or jansson. No function reads outside [0, length). Offsets count from `bytes`. A
 * set *cancel (may be NULL) ends a scan early, as if the bytes ended there; it is looked at once per MiB. */
#include <stdbool.h>
#include <stddef.h>

/* A string's or an array's inside: [begin, end), without its quotes or brackets. */
struct json_span {
    size_t begin;
    size_t end;
    bool has_escape; /* strings: there is a backslash */
    bool is_ascii;   /* strings: surely only ASCII; false says nothing */
};

/* `at` is just after the opening quote. True when the closing quote was found with no control character before it:
 * *span is set. */
bool json_scan_text(const char *bytes, size_t length, size_t at, const _Atomic bool *cancel, struct json_span *span);

/* `at` is just after the opening bracket. True when the closing one was found and nothing before it can start a value
 * other than a number: *span is set. */
bool json_scan_numbers(const char *bytes, size_t length, size_t at, const _Atomic bool *cancel, struct json_span *span);

/* The same for an array of arrays: nothing before its closing bracket can start a value other than an array, and in
 * those nothing one other than a number. Each of them is closed. */
bool json_scan_rows(const char *bytes, size_t length, size_t at, const _Atomic bool *cancel, struct json_span *span);

/* `at` is at an opening bracket, [ or {. Offset just after the bracket that closes it, `length` where there is none.
 * Both kinds of brackets are taken for one: right for JSON, and anything at all for what isn't. */
size_t json_scan_nested(const char *bytes, size_t length, size_t at, const _Atomic bool *cancel);

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
