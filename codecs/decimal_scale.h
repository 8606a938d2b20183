#pragma once
// w * 10^q to the nearest double, for the usual case: Eisel and Lemire's algorithm (D. Lemire, "Number parsing at a
// gigabyte per second", 2021, section 5), whose proof covers every 64-bit w. C++ only.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace decimal {

// 5^q scaled to [2^127, 2^128), truncated; the reciprocals of the powers that fit into 64 bits are rounded up.
struct power {
    std::uint64_t high;
    std::uint64_t low;
};

constexpr int lowest_exponent = -342; // below, any 64-bit w gives zero
constexpr int highest_exponent = 308;
constexpr int exact_reciprocal = -27;

using power_table = std::array<power, highest_exponent - lowest_exponent + 1>;

// An integer wide enough for 5^308, and for 2^1055 / 5^342 to have 128 bits left; least significant word first.
struct wide {
    static constexpr int words = 33;
    std::array<std::uint32_t, words> word{};

    constexpr void multiply_by_5() {
        std::uint64_t carry = 0;
        for (std::uint32_t &part : word) {
            carry += std::uint64_t{part} * 5;
            part = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
    }
    constexpr void divide_by_5() {
        std::uint64_t rest = 0;
        for (int i = words - 1; i >= 0; --i) {
            auto &part = word[static_cast<std::size_t>(i)];
            rest = rest << 32 | part;
            part = static_cast<std::uint32_t>(rest / 5);
            rest %= 5;
        }
    }
    constexpr std::uint64_t word_at(int index) const { return index < 0 ? 0 : word[static_cast<std::size_t>(index)]; }
    // The 128 bits from the highest one on.
    constexpr power top() const {
        int highest = words - 1;
        while (word_at(highest) == 0) {
            --highest;
        }
        const int shift = std::countl_zero(static_cast<std::uint32_t>(word_at(highest)));
        std::uint64_t part[4] = {};
        for (int i = 0; i < 4; ++i) {
            const std::uint64_t pair = word_at(highest - i) << 32 | word_at(highest - i - 1);
            part[i] = pair << shift >> 32 & 0xFFFFFFFF;
        }
        return {part[0] << 32 | part[1], part[2] << 32 | part[3]};
    }
};

constexpr power_table make_powers() {
    power_table powers{};
    wide number;
    number.word[0] = 1;
    for (int q = 0; q <= highest_exponent; ++q, number.multiply_by_5()) {
        powers[static_cast<std::size_t>(q - lowest_exponent)] = number.top(); // cppcheck-suppress containerOutOfBounds
    }
    number = {};
    number.word[wide::words - 1] = 0x80000000; // floor(floor(x / 5) / 5) is floor(x / 25)
    for (int q = -1; q >= lowest_exponent; --q) {
        number.divide_by_5();
        power reciprocal = number.top();
        if (q >= exact_reciprocal) {
            reciprocal.low += 1; // the low half is never all ones here
        }
        powers[static_cast<std::size_t>(q - lowest_exponent)] = reciprocal; // cppcheck-suppress containerOutOfBounds
    }
    return powers;
}

inline constexpr power_table powers = make_powers();

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
    const std::int64_t log2_10 = 217706; // times 2^16; what is shifted isn't negative
    std::int64_t exponent = (log2_10 * (q + (1 << 16)) >> 16) - log2_10 + 63 + top - zeros + bias;
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
        ++exponent;
    }
    if (exponent >= infinite) {
        return std::nullopt;
    }
    const std::uint64_t fraction = mantissa & ((std::uint64_t{1} << mantissa_bits) - 1);
    return static_cast<std::uint64_t>(exponent) << mantissa_bits | fraction;
}

} // namespace decimal
