#pragma once
/* The trace that a request is a part of: `traceparent` of W3C Trace Context (version 00, and what later versions have
 * in common with it). Pure functions. */
#include <stdbool.h>
#include <stdint.h>

enum { TRACE_ID_DIGITS = 32, TRACE_SPAN_DIGITS = 16, TRACE_FIELD_BYTES = 56 };

/* Zero-terminated digits, lower case, neither of them all zeros. */
struct trace_context {
    char trace_id[TRACE_ID_DIGITS + 1];
    char span_id[TRACE_SPAN_DIGITS + 1];
    bool is_sampled;
};

/* Reads a field's value; the span is then its sender's. False, and *context is zeroed: it is none, and to be ignored.
 */
bool trace_context_read(const char *value, struct trace_context *context);

/* The id of one more span for each number, 1 and more: the same for the same span and number, so that nobody has to
 * keep it, and another one for each other number. */
void trace_context_make_span(const struct trace_context *context, uint64_t number, char id[TRACE_SPAN_DIGITS + 1]);

/* The value of a field that says this, in version 00, zero-terminated. */
void trace_context_print(const struct trace_context *context, char out[TRACE_FIELD_BYTES]);
