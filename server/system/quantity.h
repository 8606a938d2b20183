#pragma once
/* Internal to server/system. Reads the quantities of the configuration: sizes, durations and counts, as an operator
 * writes them. Decimal digits only: no sign, no white space, no exponent, no hexadecimal. Each returns false and leaves
 * the result untouched for anything else, for junk behind the number and for values that don't fit. Any thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "123" (bytes), "512KiB", "64MiB", "4GiB". */
bool quantity_bytes(const char *text, size_t *bytes);

/* "250ms", "30s", "30" (seconds), "1.5s"; at most nine decimals, and none finer than a nanosecond. */
bool quantity_duration(const char *text, uint64_t *duration_ns);

/* A plain number in lowest … highest. */
bool quantity_count(const char *text, unsigned lowest, unsigned highest, unsigned *count);
