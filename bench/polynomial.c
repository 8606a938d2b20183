#include "bench/polynomial.h"

#include "kernels/clones.h"

enum { BLOCK = 4096 };

#define LOOP(name, clones, REAL)                                                                                       \
    clones static void name(const REAL *restrict x, REAL *restrict z, size_t count) {                                  \
        for (size_t i = 0; i < count; i++) {                                                                           \
            REAL t = x[i] - (REAL)0.5, t2 = t * t, t3 = t2 * t, t4 = t3 * t, t5 = t4 * t, t6 = t5 * t, t7 = t6 * t;    \
            REAL t8 = t7 * t, t9 = t8 * t, t10 = t9 * t;                                                               \
            z[i] = 1 + (REAL)0.5 * t + (REAL)0.25 * t2 + (REAL)0.125 * t3 + (REAL)0.75 * t4 + (REAL)0.375 * t5 +       \
                   (REAL)0.3 * t6 + (REAL)0.15 * t7 + (REAL)0.7 * t8 + (REAL)0.35 * t9 + (REAL)0.1 * t10;              \
        }                                                                                                              \
    }

LOOP(plain_double, , double)
LOOP(plain_float, , float)
LOOP(wide_double, KERNEL_CLONES, double)
LOOP(wide_float, KERNEL_CLONES, float)

#define SHARE(name, REAL, plain, wide)                                                                                 \
    void name(enum polynomial_loop loop, const REAL *x, REAL *z, size_t count, unsigned threads) {                     \
        _Pragma("omp parallel for num_threads((int)threads) schedule(static)") for (size_t i = 0; i < count;           \
                                                                                    i += BLOCK) {                      \
            (loop == POLYNOMIAL_WIDE ? wide : plain)(x + i, z + i, count - i < BLOCK ? count - i : BLOCK);             \
        }                                                                                                              \
    }

SHARE(polynomial_double, double, plain_double, wide_double)
SHARE(polynomial_float, float, plain_float, wide_float)
