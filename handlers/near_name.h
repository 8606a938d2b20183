#pragma once
/* Internal to handlers. Which name was meant by one that isn't there: "did you mean". Pure. */
#include "codecs/text.h"

#include <stdbool.h>

/* For near_name_is, to begin with: a third of a name's letters wrong may be meant so, no more. */
size_t near_name_limit(struct text_view name);

/* Is the candidate nearer to the name than `*least`, which it makes less then? */
bool near_name_is(struct text_view name, const char *candidate, size_t *least);
