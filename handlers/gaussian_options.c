#include "handlers/gaussian_options.h"

#include "codecs/numbers/number_print.h"
#include "codecs/numbers/number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* Within these neither sigma^2 nor 1/(2 sigma^2) overflows, becomes 0, or loses digits as a subnormal. */
#define SIGMA_LEAST 1e-153
#define SIGMA_MOST 1e153

static enum problem_kind refuse_value(struct call *call, const char *pointer, const char *what, double value,
                                      const char *expected) {
    char text[NUMBER_TEXT_MAX];
    int length = (int)number_text_double(value, text);
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer, "%s is %.*s; %s", what, length, text, expected);
}

static enum problem_kind read_sigma(struct call *call, double *gamma) {
    double sigma = 1;
    if (document_number(call->document, "sigma", &sigma, &call->problem)) {
        return call->problem.kind;
    }
    if (!(sigma >= SIGMA_LEAST && sigma <= SIGMA_MOST)) {
        return refuse_value(call, "/sigma", "\"sigma\"", sigma,
                            "it is from 1e-153 to 1e+153, so that 1/(2 sigma^2) is a double with all its digits");
    }
    *gamma = 1 / (2 * sigma * sigma);
    return PROBLEM_NONE;
}

/* *gamma is the default before. */
static enum problem_kind read_gamma(struct call *call, double *gamma) {
    bool has_gamma = document_type_of(call->document, "gamma") != DOCUMENT_ABSENT;
    bool has_sigma = document_type_of(call->document, "sigma") != DOCUMENT_ABSENT;
    if (has_gamma && has_sigma) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/sigma",
                           "\"gamma\" and \"sigma\" are two ways to say the same; give one of them");
    }
    if (has_sigma) {
        return read_sigma(call, gamma);
    }
    if (!has_gamma) {
        return PROBLEM_NONE;
    }
    if (document_number(call->document, "gamma", gamma, &call->problem)) {
        return call->problem.kind;
    }
    if (*gamma < 0) {
        return refuse_value(call, "/gamma", "\"gamma\"", *gamma, "it is at least 0");
    }
    *gamma += 0.0; /* -0 becomes 0 */
    return PROBLEM_NONE;
}

static enum problem_kind read_precision(struct call *call, unsigned *precision) {
    int64_t digits = NUMBER_PRECISION_MAX;
    if (document_type_of(call->document, "precision") != DOCUMENT_ABSENT &&
        document_integer(call->document, "precision", 1, NUMBER_PRECISION_MAX, &digits, &call->problem)) {
        return call->problem.kind;
    }
    *precision = (unsigned)digits;
    return PROBLEM_NONE;
}

enum problem_kind gaussian_options_read(struct call *call, double gamma, struct gaussian_options *options) {
    options->gamma = gamma;
    return read_gamma(call, &options->gamma) ? call->problem.kind : read_precision(call, &options->precision);
}

enum problem_kind gaussian_options_check_float(struct call *call, const struct gaussian_options *options) {
    double gamma = options->gamma;
    if (gamma == 0 || (gamma >= (double)FLT_MIN && gamma <= (double)FLT_MAX)) {
        return PROBLEM_NONE;
    }
    bool has_sigma = document_type_of(call->document, "sigma") != DOCUMENT_ABSENT;
    char range[80];
    (void)snprintf(range, sizeof range, "with arrays of float32 it is 0, or from %.9g to %.9g", (double)FLT_MIN,
                   (double)FLT_MAX);
    return refuse_value(call, has_sigma ? "/sigma" : "/gamma", has_sigma ? "1/(2 sigma^2)" : "\"gamma\"", gamma, range);
}
