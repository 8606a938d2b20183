#pragma once
/* Internal to kernels. Lines past the caches, as by stream_store.h, that are columns where they come from: transposed
 * in registers and stored from there, by one store each. With AVX-512 only, of which STREAM_SQUARE doubles are a vector
 * and a line. bench/matrix, symmetric, d = 64: 28.0 ms of CPU time, where columns that were transposed in memory first
 * and stored from there took 28.8; d = 3: 8.8 instead of 9.6. */
#include <stddef.h>

enum { STREAM_SQUARE = 8 };

#if defined(__SSE2__)
#include <immintrin.h>

/* to[l][r] = from[r][l], STREAM_SQUARE by as many; rows are so many doubles apart, those of `to` whole lines. Pairs of
 * rows become pairs of columns, these fours, these eights. */
__attribute__((target("avx512f"))) static inline void stream_transposed(const double *from, size_t from_stride,
                                                                        double *to, size_t to_stride) {
    enum { EVENS = 0x88, ODDS = 0xdd }; /* parts of 128 bits: of both operands, those of the first before */
    __m512d pairs[STREAM_SQUARE], fours[STREAM_SQUARE];
    for (size_t r = 0; r < STREAM_SQUARE; r += 2) {
        __m512d even = _mm512_loadu_pd(from + r * from_stride), odd = _mm512_loadu_pd(from + (r + 1) * from_stride);
        pairs[r] = _mm512_unpacklo_pd(even, odd);
        pairs[r + 1] = _mm512_unpackhi_pd(even, odd);
    }
    for (size_t r = 0; r < 2; r++) {
        fours[r] = _mm512_shuffle_f64x2(pairs[r], pairs[r + 2], EVENS);
        fours[r + 2] = _mm512_shuffle_f64x2(pairs[r], pairs[r + 2], ODDS);
        fours[r + 4] = _mm512_shuffle_f64x2(pairs[r + 4], pairs[r + 6], EVENS);
        fours[r + 6] = _mm512_shuffle_f64x2(pairs[r + 4], pairs[r + 6], ODDS);
    }
    for (size_t r = 0; r < 4; r++) {
        _mm512_stream_pd(to + r * to_stride, _mm512_shuffle_f64x2(fours[r], fours[r + 4], EVENS));
        _mm512_stream_pd(to + (r + 4) * to_stride, _mm512_shuffle_f64x2(fours[r], fours[r + 4], ODDS));
    }
}

#else

static inline void stream_transposed(const double *from, size_t from_stride, double *to, size_t to_stride) {
    for (size_t l = 0; l < STREAM_SQUARE; l++) {
        for (size_t r = 0; r < STREAM_SQUARE; r++) {
            to[l * to_stride + r] = from[r * from_stride + l];
        }
    }
}

#endif
