/* The text is what std::to_chars prints, and std::to_chars still prints what is rare: whole numbers from 2^53 on that
 * are short enough to be written out, and what is left to round below. bench/codecs: 19 ns for a double in [0, 1),
 * where std::to_chars takes 31; 6 for small whole numbers, where it takes 14. Where the processor can, arrays are
 * printed in blocks (number_blocks_avx512.cc), for which this is the reference and does what is left.
 *
 * Up to 15 digits survive the way to a normal double and back, so a text that is short enough is found by rounding to
 * that many digits at once. With 16, and for subnormals, that isn't so (5e-324 with 15 digits
 * is 4.94065645841247e-324): the shortest text has to be seen first. */
#include "codecs/numbers/number_print.h"

#include "codecs/numbers/decimal_digits.h"
#include "codecs/numbers/decimal_shortest.h"
#include "codecs/numbers/number_blocks.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <endian.h>
#include <limits>

namespace {

constexpr std::size_t room = number_room;
constexpr double all_whole = 0x1p53;    // doubles from here on
constexpr double roundable_max = 1e308; // 1.7e308 with one digit would be 2e308, which is no double

void store_8(char *at, std::uint64_t word) {
    word = htole64(word);
    std::memcpy(at, &word, sizeof word);
}

// Before the first digit that isn't 0, or the last one of all.
int count_leading_zeros(std::uint64_t digits) {
    return std::countr_zero(digits | std::uint64_t{1} << 56) / 8;
}

// Whole numbers below 2^53, with all of their digits.
char *print_whole(std::uint64_t number, char *out) {
    if (number >= decimal::eight_digits) {
        const std::uint64_t high = decimal::split_8(static_cast<std::uint32_t>(number / decimal::eight_digits));
        const int leading = count_leading_zeros(high);
        store_8(out, (high | decimal::zeros) >> 8 * leading);
        store_8(out + 8 - leading,
                decimal::split_8(static_cast<std::uint32_t>(number % decimal::eight_digits)) | decimal::zeros);
        return out + 16 - leading;
    }
    const std::uint64_t digits = decimal::split_8(static_cast<std::uint32_t>(number));
    const int leading = count_leading_zeros(digits);
    store_8(out, (digits | decimal::zeros) >> 8 * leading);
    return out + 8 - leading;
}

[[gnu::always_inline]] inline void store_17(const decimal::digit_text &digits, char *out) {
    out[0] = digits.first;
    store_8(out + 1, digits.middle);
    store_8(out + 9, digits.last);
}

// d.ddd, with the point after `whole` >= 1 digits.
[[gnu::always_inline]] inline void store_pointed(const decimal::digit_text &digits, int whole, char *out) {
    store_17(digits, out);
    decimal::uint128 behind = static_cast<decimal::uint128>(digits.last) << 64 | digits.middle;
    behind >>= 8 * (whole - 1);
    store_8(out + whole + 1, static_cast<std::uint64_t>(behind));
    store_8(out + whole + 9, static_cast<std::uint64_t>(behind >> 64));
    out[whole] = '.';
}

char *print_exponent(int exponent, char *out) {
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    const unsigned size = static_cast<unsigned>(exponent < 0 ? -exponent : exponent);
    *out = static_cast<char>('0' + size / 100);
    out += size >= 100;
    *out++ = static_cast<char>('0' + size / 10 % 10);
    *out++ = static_cast<char>('0' + size % 10);
    return out;
}

// The text of a positive number: its digits, and the power of ten that the first of them counts.
struct scientific {
    decimal::digit_text digits;
    int exponent;
};

[[gnu::always_inline]] inline scientific normalise(decimal::digits number) {
    auto [significand, exponent] = number;
    const bool has_16 = significand < decimal::tens[16];
    significand = decimal::choose(has_16, significand * 10, significand);
    exponent -= has_16;
    while (significand < decimal::tens[16]) { // subnormals
        significand *= 10;
        --exponent;
    }
    return {decimal::split_17(significand), exponent + 16};
}

[[gnu::always_inline]] inline char *print_scientific(const scientific &number, char *out) {
    store_pointed(number.digits, 1, out);
    return print_exponent(number.exponent, out + number.digits.count + (number.digits.count > 1));
}

// Exponents of -4 … 15.
[[gnu::always_inline]] inline char *print_fixed(const scientific &number, char *out) {
    if (number.exponent < 0) {
        std::memcpy(out, "0.000000", 8);
        store_17(number.digits, out + 1 - number.exponent);
        return out + 1 - number.exponent + number.digits.count;
    }
    const int whole = number.exponent + 1;
    store_pointed(number.digits, whole, out);
    return out + (number.digits.count > whole ? number.digits.count + 1 : whole);
}

inline bool is_whole(double size) {
    return size < all_whole && static_cast<double>(static_cast<std::int64_t>(size)) == size;
}

// As std::to_chars prints it: with an exponent where that is shorter.
[[gnu::always_inline]] inline char *print_shortest(double value, char *out) {
    *out = '-';
    out += std::signbit(value);
    const double size = std::fabs(value);
    if (is_whole(size)) {
        const auto number = static_cast<std::uint64_t>(static_cast<std::int64_t>(size));
        if (number % 100000 != 0 || number == 0) { // else an exponent may be shorter
            return print_whole(number, out);
        }
    }
    const scientific number = normalise(decimal::shortest(size));
    const int last = number.exponent + 1 - number.digits.count; // what the last digit counts
    const bool alone = number.digits.count == 1;
    if (number.exponent < -4 + alone || last > 5 - alone) {
        return print_scientific(number, out);
    }
    if (size >= all_whole) {
        return std::to_chars(out, out + room - 1, size).ptr; // all digits of the whole number
    }
    return print_fixed(number, out);
}

// As printf's %g prints a normal number.
char *print_rounded(double value, unsigned precision, char *out) {
    *out = '-';
    out += std::signbit(value);
    const double size = std::fabs(value);
    if (is_whole(size) && size < static_cast<double>(decimal::tens[precision])) {
        return print_whole(static_cast<std::uint64_t>(size), out);
    }
    const scientific number = normalise(decimal::rounded(size, precision));
    const bool is_short = number.exponent >= -4 && number.exponent < static_cast<int>(precision);
    return is_short ? print_fixed(number, out) : print_scientific(number, out);
}

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

[[gnu::noinline]] char *print_limited(double value, unsigned precision, char *out) {
    const double size = std::fabs(value);
    if (precision <= decimal::rounded_max && size >= std::numeric_limits<double>::min() && size <= roundable_max) {
        return print_rounded(value, precision, out);
    }
    char *last = print_shortest(value, out);
    if (count_digits(out, last) > precision && size <= roundable_max) {
        last = std::to_chars(out, out + room - 1, value, std::chars_format::general, static_cast<int>(precision)).ptr;
    }
    return last;
}

[[gnu::always_inline]] inline char *print(double value, unsigned precision, char *out) {
    return precision < NUMBER_PRECISION_MAX ? print_limited(value, precision, out) : print_shortest(value, out);
}

// Where `out` has less than `room` left.
[[gnu::noinline]] char *print_by_copy(double value, unsigned precision, char *out) {
    char text[room];
    const auto bytes = static_cast<std::size_t>(print(value, precision, text) - text);
    std::memcpy(out, text, bytes);
    return out + bytes;
}

} // namespace

char *number_print_shortest(double value, char *out) {
    return print_shortest(value, out);
}

size_t number_print_portable(const double *values, size_t count, unsigned precision, bool continues, char *out,
                             size_t capacity, size_t *length) {
    char *const start = out;
    char *const end = out + capacity;
    size_t printed = 0;
    for (; printed < count && end - out >= NUMBER_PRINT_MAX && std::isfinite(values[printed]); ++printed) {
        *out = ',';
        out += continues || printed > 0;
        const bool ample = static_cast<std::size_t>(end - out) >= room;
        out = ample ? print(values[printed], precision, out) : print_by_copy(values[printed], precision, out);
    }
    *length = static_cast<size_t>(out - start);
    return printed;
}

#if NUMBER_HAS_BLOCKS
// Blocks begin with commas, so the first number isn't in one; nor are the last few.
static size_t print_with_blocks(const double *values, size_t count, bool continues, char *out, size_t capacity,
                                size_t *length) {
    constexpr unsigned precision = NUMBER_PRECISION_MAX;
    size_t printed = number_print_portable(values, 1, precision, continues, out, capacity, length);
    if (printed == 0) {
        return 0;
    }
    size_t added = 0;
    printed += number_blocks_print(values + 1, count - 1, out + *length, capacity - *length, &added);
    *length += added;
    printed += number_print_portable(values + printed, count - printed, precision, true, out + *length,
                                     capacity - *length, &added);
    *length += added;
    return printed;
}
#endif

extern "C" size_t number_print_piece(const double *values, size_t count, unsigned precision, bool continues, char *out,
                                     size_t capacity, size_t *length) {
#if NUMBER_HAS_BLOCKS
    if (precision >= NUMBER_PRECISION_MAX && count > number_block && number_blocks_supported()) {
        return print_with_blocks(values, count, continues, out, capacity, length);
    }
#endif
    return number_print_portable(values, count, precision, continues, out, capacity, length);
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
