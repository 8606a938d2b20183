#pragma once
// Internal to codecs/numbers. W * 10^q to the nearest double, for the usual case: Eisel and Lemire's algorithm (D.
// Lemire, "Number parsing at a gigabyte per second", 2021, section 5), whose proof covers every 64-bit w. C++ only.
#include "codecs/numbers/decimal_powers.h"

#include <optional>

namespace decimal {

// Of 10^q, |q| < 400.
constexpr std::int64_t floor_log2(std::int64_t q) {
    const std::int64_t log2_10 = 217706; // times 2^16; what is shifted isn't negative
    return (log2_10 * (q + (1 << 16)) >> 16) - log2_10;
}

// The bits of w * 10^q, w > 0. Nothing where it is subnormal, overflows, or 128 bits of the power don't decide.
inline std::optional<std::uint64_t> scale(std::uint64_t w, std::int64_t q) {
    constexpr int mantissa_bits = 52;
    constexpr std::int64_t bias = 1023;
    constexpr std::int64_t infinite = 0x7FF;
    const auto index = static_cast<std::size_t>(q - lowest_exponent); // huge for what is too low
    if (index >= powers.size()) {
        return std::nullopt;
    }
    const power &factor = powers[index];
    const int zeros = std::countl_zero(w);
    w <<= zeros;
    const unsigned __int128 first = static_cast<unsigned __int128>(w) * factor.high;
    auto high = static_cast<std::uint64_t>(first >> 64);
    auto low = static_cast<std::uint64_t>(first);
    if ((high & 0x1FF) == 0x1FF) { // what is missing may carry into the bits that count
        const unsigned __int128 second = static_cast<unsigned __int128>(w) * factor.low;
        const auto more = static_cast<std::uint64_t>(second >> 64);
        low += more;
        high += low < more;
    }
    if (low == UINT64_MAX && (q < exact_reciprocal || q > 55)) {
        return std::nullopt;
    }
    const int top = static_cast<int>(high >> 63);
    const int shift = top + 64 - mantissa_bits - 3;
    std::uint64_t mantissa = high >> shift;
    std::int64_t exponent = floor_log2(q) + 63 + top - zeros + bias;
    if (exponent <= 0) {
        return std::nullopt;
    }
    // Halfway between two doubles, to even; possible for few powers only.
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) {
        mantissa &= ~std::uint64_t{1};
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >> (mantissa_bits + 1)) {
        mantissa >>= 1;
        exponent++;
    }
    if (exponent >= infinite) {
        return std::nullopt;
    }
    const std::uint64_t fraction = mantissa & ((std::uint64_t{1} << mantissa_bits) - 1);
    return static_cast<std::uint64_t>(exponent) << mantissa_bits | fraction;
}

} // namespace decimal
