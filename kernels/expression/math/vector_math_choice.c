/* Which of the tables this machine can run. */
#include "kernels/expression/math/vector_math.h"

#include "kernels/expression/math/vector_math_levels.h"

#include <stdatomic.h>
#include <stdbool.h>

#if defined(__x86_64__)
/* What the files are compiled for (CMakeLists.txt). clang has no names for the levels. */
static bool has_v3(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_v4(void) {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#endif

const struct math_kernels *math_kernels_of_level(unsigned level, enum math_function function) {
#if defined(__x86_64__)
    if (level == 2 && has_v4()) {
        return &math_kernels_v4[function];
    }
    if (level == 1 && has_v3()) {
        return &math_kernels_v3[function];
    }
#endif
    return level == 0 ? &math_kernels_plain[function] : NULL;
}

/* What is found out once is the same for all threads. */
const struct math_kernels *math_kernels(enum math_function function) {
    static _Atomic(const struct math_kernels *) chosen;
    const struct math_kernels *table = atomic_load_explicit(&chosen, memory_order_relaxed);
    for (unsigned level = 3; !table; level--) {
        table = math_kernels_of_level(level - 1, 0);
        atomic_store_explicit(&chosen, table, memory_order_relaxed);
    }
    return &table[function];
}

const struct math_scaled_exp *math_scaled_exp(void) {
#if defined(__x86_64__)
    const struct math_kernels *chosen = math_kernels(0);
    if (chosen == math_kernels_v4) {
        return &math_scaled_exp_v4;
    }
    if (chosen == math_kernels_v3) {
        return &math_scaled_exp_v3;
    }
#endif
    return &math_scaled_exp_plain;
}
