/* Up to 15 digits survive the way to a normal double and back, so a text that is short enough is found by printing that
 * many digits at once (%g drops trailing zeros). With 16, and for subnormals, that isn't so (5e-324 with 15 digits is
 * 4.94065645841247e-324): the shortest text has to be seen first. */
#include "codecs/number_print.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace {

constexpr unsigned survivors = 15;
constexpr double roundable_max = 1e308; // 1.7e308 with one digit would be 2e308, which is no double

// Significant ones: from the first that isn't 0 to the last.
unsigned count_digits(const char *at, const char *end) {
    unsigned seen = 0;
    unsigned significant = 0;
    for (; at < end && *at != 'e'; ++at) {
        const bool is_digit = *at >= '0' && *at <= '9';
        seen += is_digit && (seen > 0 || *at != '0');
        significant = is_digit && *at != '0' ? seen : significant;
    }
    return significant;
}

char *print_limited(double value, unsigned precision, char *out, char *end) {
    const auto digits = static_cast<int>(precision);
    if (std::fabs(value) > roundable_max) {
        return std::to_chars(out, end, value).ptr;
    }
    if (precision <= survivors && std::fabs(value) >= std::numeric_limits<double>::min()) {
        return std::to_chars(out, end, value, std::chars_format::general, digits).ptr;
    }
    char *last = std::to_chars(out, end, value).ptr;
    if (count_digits(out, last) > precision) {
        last = std::to_chars(out, end, value, std::chars_format::general, digits).ptr;
    }
    return last;
}

} // namespace

extern "C" size_t number_print_piece(const double *values, size_t count, unsigned precision, bool continues, char *out,
                                     size_t capacity, size_t *length) {
    char *const start = out;
    char *const end = out + capacity;
    size_t printed = 0;
    for (; printed < count && end - out >= NUMBER_PRINT_MAX && std::isfinite(values[printed]); ++printed) {
        *out = ',';
        out += continues || printed > 0;
        out = precision < NUMBER_PRECISION_MAX ? print_limited(values[printed], precision, out, end)
                                               : std::to_chars(out, end, values[printed]).ptr;
    }
    *length = static_cast<size_t>(out - start);
    return printed;
}

extern "C" size_t number_print_finite(const double *values, size_t count) {
    constexpr size_t block = 4;
    size_t at = 0;
    double sums[block] = {0, 0, 0, 0}; // NaN from the first infinity or NaN on, else zeros
    for (; count - at >= block; at += block) {
        for (size_t i = 0; i < block; ++i) {
            sums[i] += values[at + i] * 0;
        }
        if (sums[0] + sums[1] + sums[2] + sums[3] != 0) {
            break;
        }
    }
    while (at < count && std::isfinite(values[at])) {
        ++at;
    }
    return at;
}
