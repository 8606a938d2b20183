/* Operations on blocks of int64 that not all values have a result of. The sum and the difference are looked at as a
 * block, in vectors, and element by element only where one of them overflows. */
#include "kernels/clones.h"
#include "kernels/expression/operation.h"

typedef enum expression_failure_kind checked(int64_t a, int64_t b, int64_t *z);

static enum expression_failure_kind add(int64_t a, int64_t b, int64_t *z) {
    return __builtin_add_overflow(a, b, z) ? EXPRESSION_OVERFLOW : EXPRESSION_NO_FAILURE;
}

static enum expression_failure_kind subtract(int64_t a, int64_t b, int64_t *z) {
    return __builtin_sub_overflow(a, b, z) ? EXPRESSION_OVERFLOW : EXPRESSION_NO_FAILURE;
}

static enum expression_failure_kind multiply(int64_t a, int64_t b, int64_t *z) {
    return __builtin_mul_overflow(a, b, z) ? EXPRESSION_OVERFLOW : EXPRESSION_NO_FAILURE;
}

static enum expression_failure_kind negate(int64_t a, int64_t b, int64_t *z) {
    (void)b;
    return subtract(0, a, z);
}

static enum expression_failure_kind absolute(int64_t a, int64_t b, int64_t *z) {
    *z = a;
    return a < 0 ? negate(a, b, z) : EXPRESSION_NO_FAILURE;
}

static enum expression_failure_kind floor_divide(int64_t a, int64_t b, int64_t *z) {
    if (b == 0) {
        *z = 0;
        return EXPRESSION_DIVISION_BY_ZERO;
    }
    if (b == -1) { /* INT64_MIN / -1 would trap */
        return negate(a, b, z);
    }
    *z = a / b - (a % b != 0 && (a < 0) != (b < 0));
    return EXPRESSION_NO_FAILURE;
}

static enum expression_failure_kind modulo(int64_t a, int64_t b, int64_t *z) {
    *z = 0;
    if (b == 0) {
        return EXPRESSION_DIVISION_BY_ZERO;
    }
    if (b != -1) {
        int64_t rest = a % b;
        *z = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }
    return EXPRESSION_NO_FAILURE;
}

/* The sign is that of a, as C's. */
static enum expression_failure_kind fmod_of(int64_t a, int64_t b, int64_t *z) {
    *z = b == 0 || b == -1 ? 0 : a % b; /* INT64_MIN % -1 would trap */
    return b == 0 ? EXPRESSION_DIVISION_BY_ZERO : EXPRESSION_NO_FAILURE;
}

static enum expression_failure_kind raise(int64_t a, int64_t b, int64_t *z) {
    int64_t power = 1;
    bool is_wrong = false;
    *z = 0;
    if (b < 0) {
        return EXPRESSION_NEGATIVE_POWER;
    }
    if (a >= -1 && a <= 1) { /* of these alone high powers fit */
        *z = b == 0 ? 1 : b % 2 == 0 ? a * a : a;
        return EXPRESSION_NO_FAILURE;
    }
    while (b > 0 && !is_wrong) {
        is_wrong = b % 2 != 0 && __builtin_mul_overflow(power, a, &power);
        b /= 2;
        is_wrong = is_wrong || (b > 0 && __builtin_mul_overflow(a, a, &a));
    }
    *z = power;
    return is_wrong ? EXPRESSION_OVERFLOW : EXPRESSION_NO_FAILURE;
}

static enum expression_failure_kind shift_left(int64_t a, int64_t b, int64_t *z) {
    *z = 0;
    if (b < 0) {
        return EXPRESSION_NEGATIVE_SHIFT;
    }
    if (b > 63) {
        return a == 0 ? EXPRESSION_NO_FAILURE : EXPRESSION_OVERFLOW;
    }
    *z = (int64_t)((uint64_t)a << b);
    /* cppcheck-suppress shiftTooManyBitsSigned ; the compilers keep the sign */
    return *z >> b == a ? EXPRESSION_NO_FAILURE : EXPRESSION_OVERFLOW;
}

static enum expression_failure_kind shift_right(int64_t a, int64_t b, int64_t *z) {
    /* cppcheck-suppress shiftTooManyBitsSigned ; likewise */
    *z = a >> (b > 63 ? 63 : b < 0 ? 0 : b);
    return b < 0 ? EXPRESSION_NEGATIVE_SHIFT : EXPRESSION_NO_FAILURE;
}

/* Element by element. `f` is known where this is inlined. */
KERNEL_INLINE void run_checked(checked *f, int64_t *z, const void *const *inputs, unsigned singles, size_t count,
                               struct block_fault *fault) {
    const int64_t *x = inputs[0], *y = inputs[1] ? inputs[1] : x;
    size_t x_step = !(singles & 1), y_step = !(singles & 2);
    for (size_t i = 0; i < count; i++) {
        enum expression_failure_kind kind = f(x[i * x_step], y[i * y_step], &z[i]);
        if (kind && !fault->kind) {
            *fault = (struct block_fault){.element = i, .kind = kind};
        }
    }
}

/* Sums, or differences: whether one of them overflows shows in a sign. */
KERNEL_CLONES
static bool add_all(int64_t *z, const int64_t *x, size_t x_step, const int64_t *y, size_t y_step, uint64_t minus,
                    size_t count) {
    uint64_t wrong = 0;
    if (x_step == 1 && y_step == 1) {
        for (size_t i = 0; i < count; i++) {
            uint64_t a = (uint64_t)x[i], b = (uint64_t)y[i] ^ minus, sum = a + b - minus;
            wrong |= (a ^ sum) & (b ^ sum);
            z[i] = (int64_t)sum;
        }
        return wrong >> 63;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t a = (uint64_t)x[i * x_step], b = (uint64_t)y[i * y_step] ^ minus, sum = a + b - minus;
        wrong |= (a ^ sum) & (b ^ sum);
        z[i] = (int64_t)sum;
    }
    return wrong >> 63;
}

static void run_sums(checked *f, uint64_t minus, int64_t *z, const void *const *inputs, unsigned singles, size_t count,
                     struct block_fault *fault) {
    if (add_all(z, inputs[0], !(singles & 1), inputs[1], !(singles & 2), minus, count)) {
        run_checked(f, z, inputs, singles, count, fault);
    }
}

void block_checked(unsigned operation, int64_t *out, const void *const *inputs, unsigned singles, size_t count,
                   struct block_fault *fault) {
    switch (operation) {
    case OPERATION_ADD:
        run_sums(add, 0, out, inputs, singles, count, fault);
        break;
    case OPERATION_SUBTRACT:
        run_sums(subtract, UINT64_MAX, out, inputs, singles, count, fault);
        break;
    case OPERATION_MULTIPLY:
        run_checked(multiply, out, inputs, singles, count, fault);
        break;
    case OPERATION_NEGATE:
        run_checked(negate, out, inputs, singles, count, fault);
        break;
    case OPERATION_ABSOLUTE:
        run_checked(absolute, out, inputs, singles, count, fault);
        break;
    case OPERATION_FLOOR_DIVIDE:
        run_checked(floor_divide, out, inputs, singles, count, fault);
        break;
    case OPERATION_REMAINDER:
        run_checked(modulo, out, inputs, singles, count, fault);
        break;
    case OPERATION_FMOD:
        run_checked(fmod_of, out, inputs, singles, count, fault);
        break;
    case OPERATION_POWER:
        run_checked(raise, out, inputs, singles, count, fault);
        break;
    case OPERATION_SHIFT_LEFT:
        run_checked(shift_left, out, inputs, singles, count, fault);
        break;
    case OPERATION_SHIFT_RIGHT:
        run_checked(shift_right, out, inputs, singles, count, fault);
        break;
    default:
        break;
    }
}
