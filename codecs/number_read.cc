/* Short numbers are two integers' quotient: a mantissa of up to 53 bits and a power of ten of up to 10^22 are exact
 * doubles, and division rounds once (Clinger, "How to read floating point numbers accurately", 1990). Up to 19 digits
 * decimal::scale does: 15 ns for 17 digits in all, where std::from_chars makes it 22. What is left goes to
 * std::from_chars, which takes more than JSON does (".5" and "5." are excluded by then), and says "out of range" of too
 * large and too small alike: those few go on to strtod, whose locale is always "C" here. */
#include "codecs/number_read.h"

#include "codecs/decimal_scale.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <endian.h>
#include <iterator>

namespace {

constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr std::uint64_t exact_max = std::uint64_t{1} << 53;
constexpr std::ptrdiff_t digits_max = 19; // of which any fit into 64 bits

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

std::uint64_t load_8(const char *at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return le64toh(word);
}

bool are_digits(std::uint64_t word) {
    return ((word & 0xF0F0F0F0F0F0F0F0) | (((word + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) >> 4)) ==
           0x3333333333333333;
}

// Pairs, then pairs of pairs, and again: the first digit is in the lowest byte.
std::uint64_t value_8(std::uint64_t word) {
    word = (word & 0x0F0F0F0F0F0F0F0F) * 2561 >> 8;
    word = (word & 0x00FF00FF00FF00FF) * 6553601 >> 16;
    return (word & 0x0000FFFF0000FFFF) * 42949672960001 >> 32;
}

number_reading read_long(const char *start, const char *end, double *out) {
    const std::from_chars_result result = std::from_chars(start, end, *out);
    if (result.ec == std::errc::result_out_of_range) {
        *out = std::strtod(start, nullptr); // stops at *end
        if (std::isinf(*out)) {
            return {NUMBER_OVERFLOWS, result.ptr};
        }
    }
    return {NUMBER_READ, result.ptr};
}

// What is before an exponent.
struct decimal_digits {
    const char *end;
    std::uint64_t mantissa; // wraps where there are more than digits_max
    std::ptrdiff_t count;
    std::ptrdiff_t fraction_count;
};

// False where the grammar is broken, at digits.end.
bool read_digits(const char *at, const char *end, decimal_digits &digits) {
    const char *const start = at;
    std::uint64_t mantissa = 0;
    while (is_digit(*at)) {
        mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at++ - '0');
    }
    digits = {at, mantissa, at - start, 0};
    if (at == start || (*start == '0' && at - start > 1)) {
        digits.end = at == start ? at : start + 1;
        return false;
    }
    if (*at != '.') {
        return true;
    }
    const char *const fraction = ++at;
    while (end - at >= 8 && are_digits(load_8(at))) {
        mantissa = mantissa * 100000000 + value_8(load_8(at));
        at += 8;
    }
    while (is_digit(*at)) {
        mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at++ - '0');
    }
    digits = {at, mantissa, digits.count + (at - fraction), at - fraction};
    return at > fraction;
}

// The exponent at `at`, an e, into `exponent`; where it ends. nullptr where it is malformed or very long.
const char *read_exponent(const char *at, std::int64_t &exponent) {
    constexpr std::ptrdiff_t exponent_digits_max = 5;
    const bool negative = *++at == '-';
    at += *at == '-' || *at == '+';
    const char *const start = at;
    std::int64_t value = 0;
    while (is_digit(*at) && at - start <= exponent_digits_max) {
        value = value * 10 + (*at++ - '0');
    }
    if (at == start || at - start > exponent_digits_max) {
        return nullptr;
    }
    exponent = negative ? -value : value;
    return at;
}

} // namespace

extern "C" number_reading number_read(const char *at, const char *end, double *out) {
    decimal_digits digits;
    const bool negative = *at == '-';
    if (!read_digits(at + negative, end, digits)) {
        return {NUMBER_MALFORMED, digits.end};
    }
    std::int64_t exponent = 0;
    const char *last = digits.end;
    if ((*last | 0x20) == 'e') {
        last = read_exponent(last, exponent);
    } else if (digits.mantissa <= exact_max && digits.count <= digits_max &&
               digits.fraction_count < std::ssize(powers)) {
        const double value = static_cast<double>(digits.mantissa) / powers[digits.fraction_count];
        *out = negative ? -value : value;
        return {NUMBER_READ, last};
    }
    if (last == nullptr || digits.count > digits_max || digits.mantissa == 0) {
        return read_long(at, end, out);
    }
    const std::optional<std::uint64_t> bits = decimal::scale(digits.mantissa, exponent - digits.fraction_count);
    if (!bits) {
        return read_long(at, end, out);
    }
    *out = std::bit_cast<double>(*bits | std::uint64_t{negative} << 63);
    return {NUMBER_READ, last};
}
