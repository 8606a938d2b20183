/* The shorter way to powers of two, on each instruction set. */
#include "kernels/gaussian/inline_exp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { COUNT = 1 << 16 };

KERNEL_CLONES
static void near_powers(const double *b, double *powers, size_t count) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        powers[i] = inline_near_exp2(b[i]);
    }
}

static void near_powers_stay_within_the_promised_error(void **state) {
    (void)state;
    static double b[COUNT], powers[COUNT];
    static const double ranges[] = {0x1p-60, 1e-3, 1, 98, 1000};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        for (size_t i = 0; i < COUNT; i++) {
            b[i] = -ranges[r] * ((double)i / (COUNT - 1));
        }
        near_powers(b, powers, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            long double exact = exp2l((long double)b[i]), error = fabsl((long double)powers[i] / exact - 1);
            if (!(error <= 8 * 0x1p-53L)) {
                fail_msg("2^%a: %a, want %La", b[i], powers[i], exact);
            }
        }
        assert_true(powers[0] == 1);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(near_powers_stay_within_the_promised_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
