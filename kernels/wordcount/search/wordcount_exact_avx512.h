#pragma once
/* Internal to kernels/wordcount/search. Searching for a needle that is all prefix, with AVX-512. */
#include "kernels/wordcount/search/wordcount_avx512.h"
#include "kernels/wordcount/search/wordcount_scan.h"

#if HAS_AVX512
/* As scan_piece. Only where avx512_can. */
uint64_t exact_piece_avx512(const struct scan *scan, size_t begin, size_t end);
uint64_t words_piece_avx512(const struct scan *scan, size_t begin, size_t end);
#endif
