#pragma once
/* JSON numbers from text to double. */
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For messages: the largest double; what rounds to more overflows. */
#define NUMBER_LARGEST_TEXT "1.7976931348623157e308"

enum number_status { NUMBER_READ, NUMBER_MALFORMED, NUMBER_OVERFLOWS };

struct number_reading {
    enum number_status status;
    const char *end; /* just after the number, or the byte that can't be there */
};

/* Reads the number that starts at `at`, by JSON's grammar (RFC 8259 section 6), rounded correctly; *out is set when the
 * status is NUMBER_READ. `end` >= at is the end of what can be read but for one byte: *end is a byte that no number
 * contains. What follows the number is the caller's to judge. */
struct number_reading number_read(const char *at, const char *end, double *out);

#ifdef __cplusplus
}
#endif
