#pragma once
/* What a collector of traces answers that has taken a part of what it was sent (opentelemetry-proto,
 * ExportTraceServiceResponse as JSON): {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "why"}}. */
#include <stddef.h>
#include <stdint.h>

enum { PARTIAL_SUCCESS_MESSAGE_BYTES = 80 };

/* How many it rejected: 0 too where the bytes are no such answer, or there is no memory to read them. 64 bits are a
 * string there; a number is read as well. `message` is its own, readable and cut, "" without one. */
uint64_t partial_success_rejected(const char *bytes, size_t length, char message[PARTIAL_SUCCESS_MESSAGE_BYTES]);
