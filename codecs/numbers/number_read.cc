/* Numbers of up to 15 digits are two integers' quotient: a mantissa below 2^53 and a power of ten are exact doubles,
 * and division rounds once (Clinger, "How to read floating point numbers accurately", 1990). Up to 19 digits
 * decimal::scale does: 12 ns for 17 digits in all, where std::from_chars makes it 22. The number of digits decides
 * between the two, not the mantissa: whether it is below 2^53 can't be predicted for random doubles of 16 digits, most
 * of [0, 1).
 *
 * What is left goes to std::from_chars, which takes more than JSON does (".5" and "5." are excluded by then), and says
 * "out of range" of too large and too small alike: those few go on to strtod, whose locale is always "C" here. */
#include "codecs/numbers/number_read.h"

#include "codecs/numbers/decimal_scale.h"
#include "codecs/numbers/digit_groups.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <endian.h>

namespace {

constexpr double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr std::ptrdiff_t exact_digits = 15; // of which any are below 2^53
constexpr std::ptrdiff_t digits_max = 19;   // of which any fit into 64 bits

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

// Eight characters as the values of digits, the first one in the lowest byte; what is no digit is above 9.
std::uint64_t load_digits(const char *at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return le64toh(word) ^ 0x3030303030303030;
}

// How many digits come before what is none.
int count_digits(std::uint64_t values) {
    const std::uint64_t others = ((values + 0x7676767676767676) | values) & 0x8080808080808080;
    return std::countr_zero(others) / 8; // a carry from one byte into the next comes after the first that is none
}

[[gnu::noinline]] number_reading read_long(const char *start, const char *end, double *out) {
    const std::from_chars_result result = std::from_chars(start, end, *out);
    if (result.ec == std::errc::result_out_of_range) {
        *out = std::strtod(start, nullptr); // stops at *end
        if (std::isinf(*out)) {
            return {NUMBER_OVERFLOWS, result.ptr};
        }
    }
    return {NUMBER_READ, result.ptr};
}

// Appends the digits from `at` on to the mantissa; where they end. How many they are is hard to predict, and a wrong
// guess costs 7 ns: the last 0 … 7 are taken at once, without a branch.
[[gnu::always_inline]] inline const char *read_run(const char *at, const char *end, std::uint64_t &mantissa) {
    static constexpr std::uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    while (end - at >= 8) {
        const std::uint64_t values = load_digits(at);
        const int count = count_digits(values);
        if (count < 8) {
            mantissa = mantissa * tens[count] + digits::value_8(values << 8 << (56 - 8 * count));
            return at + count;
        }
        mantissa = mantissa * 100000000 + digits::value_8(values);
        at += 8;
    }
    while (is_digit(*at)) {
        mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at++ - '0');
    }
    return at;
}

// What is before an exponent.
struct decimal_digits {
    const char *end;
    std::uint64_t mantissa; // wraps where there are more than digits_max
    std::ptrdiff_t count;
    std::ptrdiff_t fraction_count;
};

// False where the grammar is broken, at digits.end.
[[gnu::always_inline]] inline bool read_digits(const char *at, const char *end, decimal_digits &digits) {
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
    at = read_run(at, end, mantissa);
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

// With an exponent, at `e`, of which read_exponent makes nothing.
[[gnu::noinline]] number_reading read_odd(const char *start, const char *e, const char *end, double *out) {
    const char *const digit = e + (e[1] == '-' || e[1] == '+' ? 2 : 1);
    return is_digit(*digit) ? read_long(start, end, out) : number_reading{NUMBER_MALFORMED, digit};
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
    } else if (digits.count <= exact_digits) {
        const double value = static_cast<double>(digits.mantissa) / powers[digits.fraction_count];
        *out = negative ? -value : value;
        return {NUMBER_READ, last};
    }
    if (!last) {
        return read_odd(at, digits.end, end, out);
    }
    if (digits.count > digits_max || digits.mantissa == 0) {
        return read_long(at, end, out);
    }
    const std::optional<std::uint64_t> bits = decimal::scale(digits.mantissa, exponent - digits.fraction_count);
    if (!bits) {
        return read_long(at, end, out);
    }
    *out = std::bit_cast<double>(*bits | std::uint64_t{negative} << 63);
    return {NUMBER_READ, last};
}
