/* The ways to e^a have the same bits where both may be taken, on each instruction set. */
#include "kernels/gaussian/inline_exp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { COUNT = 1 << 16 };

KERNEL_CLONES
static void both_ways(const double *a, double *near, double *any, size_t count) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        near[i] = inline_near_exp(a[i]);
        any[i] = inline_exp(a[i]);
    }
}

static void near_exponents_give_the_bits_of_any(void **state) {
    (void)state;
    static double a[COUNT], near[COUNT], any[COUNT];
    static const double ranges[] = {0x1p-60, 1e-3, 1, 70, 700};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        for (size_t i = 0; i < COUNT; i++) {
            double share = (double)i / (COUNT - 1);
            a[i] = -ranges[r] * share;
        }
        both_ways(a, near, any, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            if (memcmp(near + i, any + i, sizeof *any) != 0) {
                fail_msg("e^%a: %a, %a for any exponent", a[i], near[i], any[i]);
            }
        }
        assert_true(near[0] == 1 && fabs(near[COUNT - 1] / exp(-ranges[r]) - 1) < 1e-15);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(near_exponents_give_the_bits_of_any)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
