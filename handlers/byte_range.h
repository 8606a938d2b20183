#pragma once
/* Internal to handlers. The header field Range (RFC 9110, 14.2). Pure. */
#include "codecs/text.h"

enum byte_range_outcome {
    BYTE_RANGE_WHOLE, /* no range of bytes, or several: the whole is sent */
    BYTE_RANGE_PART,
    BYTE_RANGE_OUTSIDE /* it begins behind the last byte */
};

/* Which bytes of `length` a Range field (bytes NULL: none) asks for: [*begin, *end), with BYTE_RANGE_PART. */
enum byte_range_outcome byte_range_read(struct text_view field, size_t length, size_t *begin, size_t *end);
