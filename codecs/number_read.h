#pragma once
/* JSON numbers from text to double. */
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum number_status { NUMBER_READ, NUMBER_MALFORMED, NUMBER_OVERFLOWS };

struct number_reading {
    enum number_status status;
    const char *end; /* just after the number, or the byte that can't be there */
};

/* Reads the number that starts at `at`, by JSON's grammar (RFC 8259 section 6), rounded correctly; *out is set when the
 * status is NUMBER_READ. `end` >= at is the end of what can be read but for one byte: *end is a byte that no number
 * contains. What follows the number is the caller's to judge. */
struct number_reading number_read(const char *at, const char *end, double *out);

/* Reads numbers from `at` on, where one starts, to (*out)[0], (*out)[1], … and moves *out behind them, as long as each
 * is followed by a comma before `limit` <= end, with spaces after it if any. Returns where the first one starts that
 * isn't, to be read by number_read: (*out)[0] may have been written. `end` as above. */
const char *number_read_list(const char *at, const char *end, const char *limit, double **out);

#ifdef __cplusplus
}
#endif
