/* Measures in double precision. */
#define REAL double
#define BITS uint64_t
#define INFINITE (UINT64_C(0x7ff) << 52)
#define EXPONENT_BITS 52
#define DEPTH 64
#define IS_DOUBLE true
#define FUNCTIONS measures_of_doubles
#include "kernels/pairwise/measures.inc"

size_t measures_columns(size_t dimensions) {
    return dimensions <= 16 ? MEASURE_COLUMNS : dimensions <= 32 ? MEASURE_COLUMNS / 2 : MEASURE_COLUMNS / 4;
}

void measures_choose_forms(struct measures *measures) {
    measures->forms[FORM_SQUARES] = measures->used[PAIRWISE_D2] || measures->used[PAIRWISE_D];
    measures->forms[FORM_PRODUCTS] = measures->used[PAIRWISE_DOT];
    measures->forms[FORM_ABSOLUTES] = measures->used[PAIRWISE_L1];
    measures->forms[FORM_GREATEST] = measures->used[PAIRWISE_LINF];
    measures->forms[FORM_COSINE] = measures->used[PAIRWISE_COS];
}
