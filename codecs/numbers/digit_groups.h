#pragma once
// Internal to codecs/numbers. Decimal digits to numbers, eight digits at a time. Digits are bytes of 0 to 9, of which
// a word has the first in its lowest byte; zeros before them make shorter numbers. C++ only.
#include "codecs/json/byte_vector.h"

#include <cstdint>

namespace digits {

// Pairs, then pairs of pairs, and again.
inline std::uint64_t value_8(std::uint64_t values) {
    values = values * 2561 >> 8 & 0x00FF00FF00FF00FF;
    values = values * 6553601 >> 16 & 0x0000FFFF0000FFFF;
    return values * 42949672960001 >> 32;
}

// The values of 32 digits, eight by eight.
struct groups {
    std::uint64_t first;
    std::uint64_t second;
    std::uint64_t third;
    std::uint64_t fourth;
};

#ifndef __SSE2__

[[gnu::always_inline]] inline groups values_32(byte_vector before, byte_vector last) {
    const auto a = reinterpret_cast<word_vector>(before);
    const auto b = reinterpret_cast<word_vector>(last);
    return {value_8(le64toh(a[0])), value_8(le64toh(a[1])), value_8(le64toh(b[0])), value_8(le64toh(b[1]))};
}

#endif

} // namespace digits

#ifdef __SSE2__
#include "codecs/numbers/digit_groups_sse2.h"
#endif
