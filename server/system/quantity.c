#include "server/system/quantity.h"

#include "server/system/clock.h"

#include <string.h>

/* Digits at *cursor, at least one; moves *cursor behind them. */
static bool read_digits(const char **cursor, uint64_t *value) {
    const char *c = *cursor;
    uint64_t sum = 0;
    if (*c < '0' || *c > '9') {
        return false;
    }
    for (; *c >= '0' && *c <= '9'; c++) {
        if (__builtin_mul_overflow(sum, 10u, &sum) || __builtin_add_overflow(sum, (uint64_t)(*c - '0'), &sum)) {
            return false;
        }
    }
    *cursor = c;
    *value = sum;
    return true;
}

bool quantity_bytes(const char *text, size_t *bytes) {
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"", 1}, {"KiB", UINT64_C(1) << 10}, {"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}};
    uint64_t value;
    if (!read_digits(&text, &value)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text, units[i].name) != 0) {
            continue;
        }
        if (__builtin_mul_overflow(value, units[i].bytes, &value) || value > SIZE_MAX) {
            return false;
        }
        *bytes = (size_t)value;
        return true;
    }
    return false;
}

bool quantity_duration(const char *text, uint64_t *duration_ns) {
    uint64_t whole;
    uint64_t fraction = 0;
    uint64_t fraction_scale = 1;
    if (!read_digits(&text, &whole)) {
        return false;
    }
    if (*text == '.') {
        const char *decimals = ++text;
        if (!read_digits(&text, &fraction) || text - decimals > 9) {
            return false;
        }
        for (const char *c = decimals; c < text; c++) {
            fraction_scale *= 10;
        }
    }
    uint64_t unit_ns = 0;
    if (strcmp(text, "") == 0 || strcmp(text, "s") == 0) {
        unit_ns = NS_PER_S;
    } else if (strcmp(text, "ms") == 0) {
        unit_ns = NS_PER_MS;
    } else {
        return false;
    }
    /* fraction < 10^9 and unit_ns <= 10^9: the product fits. */
    uint64_t fraction_ns = fraction * unit_ns / fraction_scale;
    if (fraction_ns * fraction_scale != fraction * unit_ns) {
        return false;
    }
    uint64_t sum;
    if (__builtin_mul_overflow(whole, unit_ns, &sum) || __builtin_add_overflow(sum, fraction_ns, &sum)) {
        return false;
    }
    *duration_ns = sum;
    return true;
}

bool quantity_count(const char *text, unsigned lowest, unsigned highest, unsigned *count) {
    uint64_t value;
    if (!read_digits(&text, &value) || *text != '\0' || value < lowest || value > highest) {
        return false;
    }
    *count = (unsigned)value;
    return true;
}
