#pragma once
// Internal to codecs/numbers. Integers as decimal digits. C++ only.
#include <bit>
#include <cstdint>

namespace decimal {

constexpr std::uint32_t eight_digits = 100000000;
constexpr std::uint64_t zeros = 0x3030303030303030;

// The eight digits of a number < 10^8, the first one in the lowest byte: two of four, then four of two, then eight. The
// quotients of all parts are computed at once, by multiplying with a reciprocal that is right for numbers so small.
inline std::uint64_t split_8(std::uint32_t number) {
    const std::uint64_t fours = number / 10000 | std::uint64_t{number % 10000} << 32;
    const std::uint64_t hundreds = fours * 5243 >> 19 & 0x0000007F0000007F;
    const std::uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
    const std::uint64_t tens = twos * 103 >> 10 & 0x000F000F000F000F;
    return tens | (twos - tens * 10) << 8;
}

// The text of 17 digits: the first, and two times eight, the earlier ones in the lower bytes.
struct digit_text {
    char first;
    std::uint64_t middle;
    std::uint64_t last;
    int count; // up to the last that isn't 0, the first always counted
};

// Of a number < 10^17.
inline digit_text split_17_portable(std::uint64_t significand) {
    const auto upper = static_cast<std::uint32_t>(significand / eight_digits);
    const std::uint64_t last = split_8(static_cast<std::uint32_t>(significand % eight_digits));
    const std::uint64_t middle = split_8(upper % eight_digits);
    const int count = last != 0 ? 17 - std::countl_zero(last) / 8 : 9 - std::countl_zero(middle) / 8;
    return {static_cast<char>('0' + upper / eight_digits), middle | zeros, last | zeros, count};
}

} // namespace decimal

#if defined(__SSE2__)
#include "codecs/numbers/decimal_digits_sse2.h"
#else
namespace decimal {
inline digit_text split_17(std::uint64_t significand) {
    return split_17_portable(significand);
}
} // namespace decimal
#endif
