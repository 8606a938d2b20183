#pragma once
/* Internal to handlers. POST /v1/wordcount: {"text", "word", "match"} -> {"count"}, and what else there is to count,
 * see wordcount_mode.h. */
#include "server/engine/endpoint.h"

extern const struct endpoint wordcount_endpoint;
