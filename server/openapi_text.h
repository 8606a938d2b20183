#pragma once
/* Internal to server. The text of openapi.yaml, put into the binary by the build (cmake/embed.cmake). */
#include <stddef.h>

extern const char openapi_text[]; /* a zero follows the last byte */
extern const size_t openapi_text_length;
extern const char openapi_text_tag[]; /* of exactly these bytes: "\"…\"", as the field ETag has it */
