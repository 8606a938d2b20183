#pragma once
/* Internal to server/tracing. Spans as OTLP/JSON has them (opentelemetry-proto, ExportTraceServiceRequest): ids in
 * hexadecimal, 64-bit numbers as strings, members in lowerCamelCase, enumerations as numbers; attributes of requests
 * after OpenTelemetry's semantic conventions for HTTP servers. Pure functions.
 *
 * Of each phase its duration is known, not when it was: they are laid one after the other, in the order in which most
 * requests have them, behind the receiving, and none ends after the request, or the attempt, does. */
#include "codecs/json/json_writer.h"
#include "server/tracing/span.h"

/* As much text as one span with its phases makes at most: what a request says itself, escaped, and five times what is
 * the same for all. Of a job there is less to say. */
enum { OTLP_SPAN_BYTES = 6 * (SPAN_PATH_MAX + SPAN_PEER_MAX) + 5 * 600 };

/* Opens a list of spans, of one service of this version. */
void otlp_text_begin(struct json_writer *out, const char *version);
/* The span, and the phases that it had. */
void otlp_text_add(struct json_writer *out, const struct span *span);
void otlp_text_end(struct json_writer *out);
