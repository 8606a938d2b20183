#pragma once
/* Internal to handlers. What the Gaussian endpoints have in common beside their arrays: gamma or sigma, precision, and
 * what becomes of gamma where the arrays are float32. Every function that can fail returns what is in call->problem. */
#include "handlers/field.h"
#include "server/engine/call.h"

/* Their names, for a table of fields. */
#define GAUSSIAN_OPTIONS                                                                                               \
    {"gamma", FIELD_NUMBER}, {"sigma", FIELD_NUMBER}, {                                                                \
        "precision", FIELD_INTEGER                                                                                     \
    }

struct gaussian_options {
    double gamma;       /* finite, at least 0 */
    unsigned precision; /* 1 … NUMBER_PRECISION_MAX */
};

/* For decode: "gamma", or 1/(2 sigma^2) of "sigma", or `gamma` where there is neither; and "precision". */
MUST_CHECK enum problem_kind gaussian_options_read(struct call *call, double gamma, struct gaussian_options *options);

/* For decode: refuses a gamma that would become 0 or infinite as a float, or lose digits: its results would be far from
 * those of the gamma that was asked for. */
MUST_CHECK enum problem_kind gaussian_options_check_float(struct call *call, const struct gaussian_options *options);
