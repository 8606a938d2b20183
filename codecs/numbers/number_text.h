#pragma once
/* Single numbers as text. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NUMBER_TEXT_MAX = 32 }; /* bytes that any of these needs at most */

/* Shortest text that reads back to the same double, as JSON: "0.5", "1e+300", and "3" for 3.0. `value` is
 * finite. Writes at most NUMBER_TEXT_MAX bytes, no terminator, returns the count. */
size_t number_text_double(double value, char *out);
size_t number_text_unsigned(uint64_t value, char *out);
/* Nanoseconds as milliseconds with up to three decimals: 1234567 -> "1.234", 5000000 -> "5.000". */
size_t number_text_milliseconds(uint64_t nanoseconds, char *out);

#ifdef __cplusplus
}
#endif
