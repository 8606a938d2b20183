/* scikit-learn's formulas, names and defaults (pairwise_kernels, gaussian_process.kernels). Constants are numbers, not
 * calls, so that float32 stays float32. Where scikit-learn has inf * 0 for points that are far apart, the limit stands:
 * exp(-1000) is 0 already. */
#include "handlers/pairwise_kernels.h"

#include <stddef.h>
#include <string.h>

#define GAMMA {"gamma", PAIRWISE_NOT_NEGATIVE, 1, true}
#define LENGTH_SCALE {"length_scale", PAIRWISE_SCALE, 1, false}
#define COEF0 {"coef0", PAIRWISE_ANY, 1, false}

/* In three dimensions a pair takes 7.7 ns by the power, 1.1 by products (bench/pairwise). */
static const char cubic[] = "k = gamma * dot + coef0; k * k * k";

const struct pairwise_kernel pairwise_kernels[PAIRWISE_KERNEL_COUNT + 1] = {
    {"gaussian", "exp(-gamma * d2)", {GAMMA}},
    {"rbf", "exp(-gamma * d2)", {GAMMA}},
    {"laplacian", "exp(-gamma * l1)", {GAMMA}},
    {"matern12", "exp(-d / length_scale)", {LENGTH_SCALE}},
    {"matern32",
     "k = minimum(1.7320508075688772 * d / length_scale, 1000); (1 + k) * exp(-k)", /* root of 3 */
     {LENGTH_SCALE}},
    {"matern52",
     "k = minimum(2.23606797749979 * d / length_scale, 1000); (1 + k + k**2 / 3) * exp(-k)", /* root of 5 */
     {LENGTH_SCALE}},
    {"rational_quadratic",
     "(1 + d2 / length_scale**2 / (2 * alpha))**-alpha",
     {LENGTH_SCALE, {"alpha", PAIRWISE_SCALE, 1, false}}},
    {"cauchy", "1 / (1 + d2 / length_scale**2)", {LENGTH_SCALE}},
    {"polynomial", "(gamma * dot + coef0)**degree", {{"degree", PAIRWISE_FROM_1, 3, false}, GAMMA, COEF0}},
    {"sigmoid", "tanh(gamma * dot + coef0)", {GAMMA, COEF0}},
    {"linear", "dot", {{NULL, PAIRWISE_ANY, 0, false}}},
    {"cosine", "cos", {{NULL, PAIRWISE_ANY, 0, false}}},
    {NULL, NULL, {{NULL, PAIRWISE_ANY, 0, false}}},
};

const char *pairwise_kernel_text(const struct pairwise_kernel *kernel, const double *parameters) {
    bool is_cubic = strcmp(kernel->name, "polynomial") == 0 && parameters[0] == 3;
    return is_cubic ? cubic : kernel->text;
}
