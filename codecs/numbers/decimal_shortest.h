#pragma once
// Internal to codecs/numbers. Doubles as decimal digits. C++ only.
//
// The shortest decimal that reads back to a double, and the nearest to it of those, is found as in R. Giulietti, "The
// Schubfach way to render doubles", 2020. v = c * 2^q is taken as x = v / 10^k, where 10^k <= 2^q < 10^(k+1): the
// interval that rounds to v is then at least 1 and less than 10 wide. So there is a multiple of ten in it once at most,
// and where there is one it is the shortest, without its zeros: a multiple of 100 would be the same one. Where there is
// none, it's the nearest integer. (Below a power of two the interval is half as wide on that side: "narrow"; there k is
// chosen by 3/4 * 2^q.)
//
// x and the ends of the interval are products with a power of ten of 128 bits, with errors below 2^-71; 64 bits behind
// the point decide. Continued fractions show for every q and all c there are: of x and the ends, what isn't whole is at
// least 2^-63.6 above a whole number (q = 165) and farther below one; x that is nearer than 2^-64 to a half without
// being one is there just once (q = 164), above an odd number, so that a tie wouldn't be rounded otherwise. x and ends
// that are whole or halves come only where the powers are exact or rounded up, so they are never computed too small.
#include "codecs/numbers/decimal_powers.h"

#include <algorithm>
#include <cmath>

namespace decimal {

__extension__ using uint128 = unsigned __int128;

constexpr int mantissa_bits = 52;
constexpr std::uint64_t implicit = std::uint64_t{1} << mantissa_bits;
constexpr int bias = 1023 + mantissa_bits;

// 10^0 … 10^17
constexpr std::array<std::uint64_t, 18> make_tens() {
    std::array<std::uint64_t, 18> powers_of_ten{};
    std::uint64_t power_of_ten = 1;
    for (std::uint64_t &entry : powers_of_ten) {
        entry = power_of_ten;
        power_of_ten *= 10;
    }
    return powers_of_ten;
}

inline constexpr std::array<std::uint64_t, 18> tens = make_tens();

// Without a branch, where a branch would be mispredicted: 5 ns.
inline std::uint64_t choose(bool condition, std::uint64_t yes, std::uint64_t no) {
    return no ^ ((yes ^ no) & -std::uint64_t{condition});
}

// factor * m / 2^128
struct product {
    std::uint64_t whole;
    std::uint64_t part; // 64 bits behind the point

    product(const power &factor, std::uint64_t m) {
        const uint128 behind = static_cast<uint128>(factor.low) * m;
        const uint128 before = static_cast<uint128>(factor.high) * m;
        const auto carried = static_cast<std::uint64_t>(behind >> 64);
        part = static_cast<std::uint64_t>(before) + carried;
        whole = static_cast<std::uint64_t>(before >> 64) + (part < carried);
    }
    product(std::uint64_t whole_number, std::uint64_t behind_point) : whole(whole_number), part(behind_point) {}
    product halved() const { return {whole >> 1, whole << 63 | part >> 1}; }
};

// To even where x is halfway between two.
inline std::uint64_t nearest(const product &x) {
    constexpr std::uint64_t half = std::uint64_t{1} << 63;
    const std::uint64_t even = ~x.whole & 1;
    return x.whole + (x.part >= half + even);
}

struct digits {
    std::uint64_t significand; // below 10^17, perhaps with zeros at its end
    int exponent;              // of ten
};

// Multiplies by 2^q / 10^exponent, which is 1 … 14.
struct scaling {
    int exponent;
    int shift; // 0 … 3
    const power &factor;

    // floor(log10(2^q)), floor(log10(3/4 * 2^q)) and floor(log2(10^-exponent)), right for all of the q that there are.
    scaling(int q, bool narrow)
        : exponent((q * 1262611 - (narrow ? 524031 : 0)) >> 22), shift(q + (-exponent * 1741647 >> 19)),
          factor(powers[static_cast<std::size_t>(-exponent - lowest_exponent)]) {}

    product times_half(std::uint64_t m) const { return {factor, m << shift}; }
};

// Of c * 2^q; `narrow` where the double below is half as far as the one above.
[[gnu::always_inline]] inline digits shortest(std::uint64_t c, int q, bool narrow) {
    const scaling scale(q, narrow);
    const product x = scale.times_half(2 * c);
    const product lower = narrow ? scale.times_half(4 * c - 1).halved() : scale.times_half(2 * c - 1);
    const product upper = scale.times_half(2 * c + 1);
    const std::uint64_t odd = c & 1; // then the ends don't belong to the interval
    const std::uint64_t first = lower.whole + 1 - (lower.part < 1 - odd);
    const std::uint64_t last = upper.whole - (upper.part < odd);
    const std::uint64_t ten = last - last % 10;
    const std::uint64_t one = narrow ? std::max(nearest(x), first) : nearest(x);
    return {choose(ten >= first, ten, one), scale.exponent};
}

[[gnu::noinline]] inline digits shortest_of_edges(std::uint64_t fraction, int biased) {
    return biased == 0 ? shortest(fraction, 1 - bias, false) : shortest(implicit, biased - bias, biased > 1);
}

// Of a positive finite double.
[[gnu::always_inline]] inline digits shortest(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t fraction = bits & (implicit - 1);
    const auto biased = static_cast<int>(bits >> mantissa_bits);
    if (fraction == 0 || biased == 0) [[unlikely]] { // powers of two, subnormals
        return shortest_of_edges(fraction, biased);
    }
    return shortest(fraction | implicit, biased - bias, false);
}

constexpr unsigned rounded_max = 15;

// Of a positive normal double, rounded to `precision` <= rounded_max digits, to even halfway. x is 4.5e15 … 9.1e16: it
// has more digits before the point than are kept, and rounding makes no 18th; whether there are any behind is known.
inline digits rounded(double value, unsigned precision) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const scaling scale(static_cast<int>(bits >> mantissa_bits) - bias, false);
    const product x = scale.times_half(2 * ((bits & (implicit - 1)) | implicit));
    const std::uint64_t number = x.whole;
    const std::uint64_t unit = tens[(number >= tens[16] ? 17 : 16) - precision];
    const std::uint64_t rest = number % unit;
    const std::uint64_t kept = number / unit;
    const bool exact = x.part == 0;
    const bool up = rest > unit / 2 || (rest == unit / 2 && (kept % 2 != 0 || !exact));
    return {(kept + up) * unit, scale.exponent};
}

} // namespace decimal
