#pragma once
// Internal to codecs/numbers. Powers of ten with 128 bits, for reading (decimal_scale.h) and printing
// (decimal_shortest.h). C++ only.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace decimal {

// 5^q scaled to [2^127, 2^128), truncated (exact up to 5^55); the reciprocals of the powers that fit into 64 bits are
// rounded up.
struct power {
    std::uint64_t high;
    std::uint64_t low;
};

constexpr int lowest_exponent = -342; // reading: below, any 64-bit w gives zero
constexpr int highest_exponent = 324; // printing: the smallest double, 5e-324, times 10^324 is its digit
constexpr int exact_reciprocal = -27;

using power_table = std::array<power, highest_exponent - lowest_exponent + 1>;

// An integer wide enough for 5^324, and for 2^1055 / 5^342 to have 128 bits left; least significant word first.
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
        for (int i = words - 1; i >= 0; i--) {
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
            highest--;
        }
        const int shift = std::countl_zero(static_cast<std::uint32_t>(word_at(highest)));
        std::uint64_t part[4] = {};
        for (int i = 0; i < 4; i++) {
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
    for (int q = -1; q >= lowest_exponent; q--) {
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

} // namespace decimal
