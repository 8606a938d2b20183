#pragma once
// The shortest decimal that reads back to a double, the nearest to it of those: R. Giulietti's Schubfach ("The
// Schubfach way to render doubles", 2020), with one product instead of three. C++ only.
//
// v = c * 2^q is taken as x = v / 10^k, where 10^k <= 2^q < 10^(k+1): then the interval that rounds to v is at least 1
// and less than 10 wide. So it has a multiple of ten at most once; where it has one, that with its zeros removed is the
// shortest, because a multiple of 100 would be the same one. Where it has none, the nearest integer is. (Below a power
// of two the interval is half as wide on that side: k is chosen by 3/4 * 2^q there.)
//
// x and half of 2^q / 10^k are computed to 128 bits behind the point from a table of 128 bits, with errors below 2^-71.
// That decides everything: by continued fractions, for every q and all c, what isn't a whole number is at least 2^-63.6
// away from one (x and both ends of the interval; q = 165 is the nearest), and x is 2^-64.6 away from a half that it
// isn't (q = 164). Whole numbers and halves are met only where the table is exact or rounded up (-27 <= -k <= 55), so
// they are never computed too small. `slack` lies between error and distance.
#include "codecs/decimal_powers.h"

#include <algorithm>

namespace decimal {

__extension__ using uint128 = unsigned __int128;

constexpr uint128 slack = uint128{1} << 60;
constexpr uint128 half = uint128{1} << 127;
constexpr int mantissa_bits = 52;
constexpr std::uint64_t implicit = std::uint64_t{1} << mantissa_bits;
constexpr int bias = 1023 + mantissa_bits;

inline uint128 join(std::uint64_t high, std::uint64_t low) {
    return static_cast<uint128>(high) << 64 | low;
}

// Without a branch, where a branch would be mispredicted: 5 ns.
inline std::uint64_t choose(bool condition, std::uint64_t yes, std::uint64_t no) {
    return no ^ ((yes ^ no) & -std::uint64_t{condition});
}

// whole + part / 2^128
struct fixed {
    std::uint64_t whole;
    uint128 part;

    fixed plus(const fixed &other) const {
        const uint128 sum = part + other.part;
        return {whole + other.whole + (sum < part), sum};
    }
    fixed minus(const fixed &other) const { return {whole - other.whole - (part < other.part), part - other.part}; }
    // 1 where it is a whole number and that `counts`, 0 or 1.
    std::uint64_t whole_and(std::uint64_t counts) const { return static_cast<std::uint64_t>(part >> 64) < counts; }
    fixed halved() const { return {whole >> 1, part >> 1 | static_cast<uint128>(whole & 1) << 127}; }
    std::uint64_t nearest() const { // ties to even
        return whole + (part >= half + static_cast<uint128>(~whole & 1) * slack);
    }
};

struct digits {
    std::uint64_t significand; // below 10^17, perhaps with zeros at its end
    int exponent;
};

// Of c * 2^q; `narrow` where the double below is half as far as the one above.
inline __attribute__((always_inline)) digits shortest(std::uint64_t c, int q, bool narrow) {
    // floor(log10(2^q)), floor(log10(3/4 * 2^q)) and floor(log2(10^-k)): right for all of the q and k that there are
    const int k = (q * 1262611 - (narrow ? 524031 : 0)) >> 22;
    const int shift = q + (-k * 1741647 >> 19); // 0 … 3
    const power &factor = powers[static_cast<std::size_t>(-k - lowest_exponent)];
    const uint128 high = static_cast<uint128>(c << (shift + 1)) * factor.high;
    const uint128 low = static_cast<uint128>(c << (shift + 1)) * factor.low;
    const uint128 middle = high + (low >> 64);
    const fixed x{static_cast<std::uint64_t>(middle >> 64), middle << 64 | static_cast<std::uint64_t>(low)};
    const fixed half_ulp{factor.high >> 1 >> (63 - shift), join(factor.high, factor.low) << shift};
    const fixed below = narrow ? half_ulp.halved() : half_ulp;
    const fixed lower = x.minus(below);
    const fixed upper = x.plus(half_ulp);
    const std::uint64_t odd = c & 1; // then the interval is without its ends
    const std::uint64_t first = lower.whole + 1 - lower.whole_and(odd ^ 1);
    const std::uint64_t last = upper.whole - upper.whole_and(odd);
    const std::uint64_t ten = last - last % 10;
    const std::uint64_t nearest = narrow ? std::max(x.nearest(), first) : x.nearest();
    return {choose(ten >= first, ten, nearest), k};
}

__attribute__((noinline)) inline digits shortest_of_edges(std::uint64_t fraction, int biased) {
    return biased == 0 ? shortest(fraction, 1 - bias, false) : shortest(implicit, biased - bias, biased > 1);
}

// Of a positive finite double.
inline __attribute__((always_inline)) digits shortest(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t fraction = bits & (implicit - 1);
    const auto biased = static_cast<int>(bits >> mantissa_bits);
    if (fraction == 0 || biased == 0) [[unlikely]] { // powers of two, subnormals
        return shortest_of_edges(fraction, biased);
    }
    return shortest(fraction | implicit, biased - bias, false);
}

} // namespace decimal
