#pragma once
/* Internal to codecs/numbers. Lists of JSON numbers, and rows of them: what number_read does, many at a time. */
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The text that numbers are in. Nothing before `begin` is looked at, nor after `end`, a byte that is neither a space
 * nor in any number. Only numbers whose comma is before `limit` <= end are read. */
struct number_text {
    const char *begin;
    const char *end;
    const char *limit;
};

/* Reads numbers from `at` on, where one starts or spaces before it, to (*out)[0], (*out)[1], … and moves *out behind
 * them, as long as each is followed by a comma. Returns where the first one starts that isn't, to be read by
 * number_read: (*out)[0] may have been written. */
const char *number_read_list(const struct number_text *text, const char *at, double **out);

/* The same for rows of `columns` > 0 numbers: from `at` on, behind a comma or at the start, to where something isn't as
 * in most rows, right or wrong. *column, below `columns`, is that of the next number; if it is 0 there is a bracket
 * before that. What lies behind a row's last number up to the comma belongs to the number. */
const char *number_read_rows(const struct number_text *text, const char *at, size_t columns, size_t *column,
                             double **out);

#ifdef __cplusplus
}
#endif
