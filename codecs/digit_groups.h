#pragma once
// Decimal digits to numbers, eight digits at a time. Digits are bytes of 0 to 9, of which a word has the first in its
// lowest byte; zeros before them make shorter numbers. C++ only.
#include "codecs/byte_vector.h"

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

#ifdef __SSE2__ // a double of a list is read in 7.1 ns with it, 10.1 without

// Each four digits' value in 32 bits.
[[gnu::always_inline]] inline __m128i values_4(byte_vector values) {
    __m128i factor = _mm_set1_epi16(2561);
    asm("" : "+x"(factor)); // gcc would make shifts and additions of it: 0.4 ns more for a double
    const __m128i pairs = _mm_srli_epi16(_mm_mullo_epi16(reinterpret_cast<__m128i>(values), factor), 8);
    return _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
}

[[gnu::always_inline]] inline groups values_32(byte_vector before, byte_vector last) {
    const __m128i fours = _mm_packs_epi32(values_4(before), values_4(last));
    const auto eights = reinterpret_cast<word_vector>(_mm_madd_epi16(fours, _mm_set1_epi32(1 << 16 | 10000)));
    return {eights[0] & 0xFFFFFFFF, eights[0] >> 32, eights[1] & 0xFFFFFFFF, eights[1] >> 32};
}

#else

[[gnu::always_inline]] inline groups values_32(byte_vector before, byte_vector last) {
    const auto a = reinterpret_cast<word_vector>(before);
    const auto b = reinterpret_cast<word_vector>(last);
    return {value_8(le64toh(a[0])), value_8(le64toh(a[1])), value_8(le64toh(b[0])), value_8(le64toh(b[1]))};
}

#endif

} // namespace digits
