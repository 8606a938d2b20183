#pragma once
// Internal to codecs/numbers. The same with SSE2, for digit_groups.h: a double of a list is read in 7.2 ns with
// it, 10.1 without. C++ only.

namespace digits {

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

} // namespace digits
