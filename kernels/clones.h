#pragma once
/* Internal to kernels. KERNEL_CLONES marks a function that the compiler builds once per x86-64 level; the loader picks
 * one at start. Empty where the compiler can't: then the build's own -march decides. team_instruction_set names the
 * choice. */
#include <features.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define KERNEL_HAS_CLONES 1
#define KERNEL_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define KERNEL_HAS_CLONES 0
#define KERNEL_CLONES
#endif

/* For helpers of such functions: compiled into each clone, with that clone's instructions. */
#define KERNEL_INLINE static inline __attribute__((always_inline))

/* Ahead of a loop whose iterations don't depend on each other. gcc only: clang warns where its -O1 leaves such a loop
 * alone. */
#if defined(__GNUC__) && !defined(__clang__)
#define KERNEL_SIMD _Pragma("omp simd")
#else
#define KERNEL_SIMD
#endif
