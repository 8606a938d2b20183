#pragma once
/* Lists of entity tags, as If-Match and If-None-Match have them (RFC 9110, 8.8.3). Pure.
 *
 * A version has one tag, "id"; its representations in other media than JSON have "id.npy" and "id.txt". */
#include "codecs/text.h"

#include <stdbool.h>

enum data_tags_comparison {
    DATA_TAGS_STRONG, /* W/"id" is no match */
    DATA_TAGS_WEAK
};

/* Is the list "*"? */
bool data_tags_is_any(struct text_view list);

/* Is the tag, quotes included, in the list? With `any_representation` "id.anything" counts as "id". */
bool data_tags_has(struct text_view list, const char *tag, enum data_tags_comparison comparison,
                   bool any_representation);
