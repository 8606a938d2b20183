/* glibc declares its vector functions only under -ffast-math. The declarations below, ahead of <math.h>, make them
 * known by themselves; they need -fopenmp and -fno-math-errno. */
#include <features.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((simd("notinbranch"))) extern double exp(double);
__attribute__((simd("notinbranch"))) extern float expf(float);
#endif

#include "bench/limits.h"

#include "kernels/clones.h"
#include "kernels/gaussian/inline_exp.h"
#include "kernels/stream_store.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 4096, LINES = 64, BATCH = 512 };

KERNEL_CLONES
static double add_up(const double *x, size_t count) {
    double sums[LINES] = {0};
    for (size_t i = 0; i + LINES <= count; i += LINES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LINES; l++) {
            sums[l] += x[i + l];
        }
    }
    for (size_t l = 1; l < LINES; l++) {
        sums[0] += sums[l];
    }
    return sums[0];
}

KERNEL_CLONES
static void run_triad(const double *x, const double *y, double *z, size_t count, bool stream) {
    double line[LINES];
    for (size_t i = 0; i + LINES <= count; i += LINES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LINES; l++) {
            line[l] = x[i + l] + 3 * y[i + l];
        }
        if (stream) {
            stream_store(z + i, line, sizeof line);
        } else {
            memcpy(z + i, line, sizeof line);
        }
    }
    if (stream) {
        stream_end();
    }
}

static size_t size_block(size_t begin, size_t count) {
    return count - begin < BLOCK ? count - begin : BLOCK;
}

double limit_read(const double *x, size_t count, unsigned threads) {
    double sum = 0;
#pragma omp parallel for num_threads((int)threads) reduction(+ : sum) schedule(static)
    for (size_t i = 0; i < count; i += BLOCK) {
        sum += add_up(x + i, size_block(i, count));
    }
    return sum;
}

void limit_triad(const double *x, const double *y, double *z, size_t count, bool stream, unsigned threads) {
#pragma omp parallel for num_threads((int)threads) schedule(static)
    for (size_t i = 0; i < count; i += BLOCK) {
        run_triad(x + i, y + i, z + i, size_block(i, count), stream);
    }
}

KERNEL_CLONES
static void call_exp(const double *restrict a, double *restrict z) {
    KERNEL_SIMD
    for (size_t i = 0; i < BATCH; i++) {
        z[i] = exp(a[i]);
    }
}

KERNEL_CLONES
static void call_expf(const float *restrict a, float *restrict z) {
    KERNEL_SIMD
    for (size_t i = 0; i < BATCH; i++) {
        z[i] = expf(a[i]);
    }
}

KERNEL_CLONES
static void inline_exps(const double *restrict a, double *restrict z) {
    KERNEL_SIMD
    for (size_t i = 0; i < BATCH; i++) {
        z[i] = inline_exp(a[i]);
    }
}

KERNEL_CLONES
static void inline_expfs(const float *restrict a, float *restrict z) {
    KERNEL_SIMD
    for (size_t i = 0; i < BATCH; i++) {
        z[i] = inline_expf(a[i]);
    }
}

void limit_exp(enum limit_exp kind, size_t count, unsigned threads) {
    size_t batches = (count + BATCH - 1) / BATCH;
#pragma omp parallel num_threads((int)threads)
    {
        double a[BATCH], z[BATCH];
        float single_a[BATCH], single_z[BATCH];
        for (size_t i = 0; i < BATCH; i++) {
            a[i] = -0.04 * (double)i;
            single_a[i] = (float)a[i];
        }
#pragma omp for schedule(static)
        for (size_t i = 0; i < batches; i++) {
            if (kind == LIMIT_GLIBC_EXP) {
                call_exp(a, z);
            } else if (kind == LIMIT_GLIBC_EXPF) {
                call_expf(single_a, single_z);
            } else if (kind == LIMIT_INLINE_EXP) {
                inline_exps(a, z);
            } else {
                inline_expfs(single_a, single_z);
            }
        }
    }
}
