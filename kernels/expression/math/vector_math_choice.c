/* Which of the tables this machine can run. */
#include "kernels/expression/math/vector_math.h"

#include "kernels/expression/math/vector_math_levels.h"

const struct math_kernels *math_kernels_of_level(unsigned level, enum math_function function) {
#if defined(__x86_64__)
    if (level == 2 && __builtin_cpu_supports("x86-64-v4")) {
        return &math_kernels_v4[function];
    }
    if (level == 1 && __builtin_cpu_supports("x86-64-v3")) {
        return &math_kernels_v3[function];
    }
#endif
    return level == 0 ? &math_kernels_plain[function] : NULL;
}

const struct math_kernels *math_kernels(enum math_function function) {
    const struct math_kernels *kernels = NULL;
    for (unsigned level = 3; !kernels; level--) {
        kernels = math_kernels_of_level(level - 1, function);
    }
    return kernels;
}
