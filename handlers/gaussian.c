/* The result overwrites an array side: a call needs memory for its arrays and its reply, never for z. The document is
 * freed as soon as the arrays are out of it, as it is several times their size. */
#include "handlers/gaussian.h"

#include "handlers/options.h"
#include "kernels/gaussian.h"

#include <math.h>
#include <stdio.h>

/* Measured on 1,000,000 random doubles in [0, 1): 19.3 bytes and 37 ns each, one thread. */
enum { ENCODED_BYTES = 20, ENCODE_NS = 40 };

struct side {
    double *values;
    double number;
    size_t length; /* of values; 1 for a number */
    bool constant;
};

struct arguments {
    struct options options;
    struct side x;
    struct side y;
    double gamma;
};

_Static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

/* Where the result goes: an array side. */
static struct side *result_of(struct arguments *arguments) {
    return arguments->x.constant ? &arguments->y : &arguments->x;
}

static struct gaussian_side kernel_side(const struct side *side) {
    return (struct gaussian_side){.values = side->constant ? &side->number : side->values, .constant = side->constant};
}

/* Type and length of a side; its numbers later, when all else is known to be right. */
static enum problem_kind measure(struct call *call, const char *name, struct side *side) {
    enum document_type type = document_type_of(call->document, name);
    if (type == DOCUMENT_ARRAY) {
        return document_array_length(call->document, name, &side->length, &call->problem);
    }
    side->constant = true;
    side->length = 1;
    if (type == DOCUMENT_NUMBER || type == DOCUMENT_ABSENT) {
        return document_number(call->document, name, &side->number, &call->problem);
    }
    return problem_set(&call->problem, PROBLEM_WRONG_TYPE, name[0] == 'x' ? "/x" : "/y",
                       "\"%s\" is neither an array of numbers nor a number", name);
}

static enum problem_kind measure_sides(struct call *call, struct side *x, struct side *y) {
    if (measure(call, "x", x) || measure(call, "y", y)) {
        return call->problem.kind;
    }
    if (x->constant && y->constant) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/x",
                           "\"x\" and \"y\" are both numbers; at least one of them is an array");
    }
    if (!x->constant && !y->constant && x->length != y->length) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "\"x\" has %zu elements, \"y\" has %zu; they have one length, or one is a number", x->length,
                           y->length);
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_sigma(struct call *call, double *gamma) {
    double sigma = 1;
    if (document_number(call->document, "sigma", &sigma, &call->problem)) {
        return call->problem.kind;
    }
    *gamma = 1 / (2 * sigma * sigma);
    if (sigma <= 0 || !isfinite(*gamma)) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/sigma",
                           "\"sigma\" is %.17g; it is above 0, and 1/(2 sigma^2) is finite", sigma);
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_gamma(struct call *call, double *gamma) {
    bool has_gamma = document_type_of(call->document, "gamma") != DOCUMENT_ABSENT;
    bool has_sigma = document_type_of(call->document, "sigma") != DOCUMENT_ABSENT;
    *gamma = 1;
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
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/gamma", "\"gamma\" is %.17g; it is at least 0",
                           *gamma);
    }
    *gamma += 0.0; /* -0 becomes 0 */
    return PROBLEM_NONE;
}

static enum problem_kind read_values(struct call *call, const char *name, struct side *side) {
    if (side->constant) {
        return PROBLEM_NONE;
    }
    if (side->length > SIZE_MAX / sizeof(double)) {
        return problem_set(&call->problem, PROBLEM_MEMORY_LIMIT, NULL, "%zu elements", side->length);
    }
    side->values = call_take(call, side->length * sizeof(double));
    if (!side->values) {
        return call->problem.kind;
    }
    return document_array_doubles(call->document, name, side->values, side->length, &call->cancel, &call->problem);
}

enum problem_kind gaussian_decode(struct call *call) {
    static const char *const fields[] = {"x", "y", "gamma", "sigma", NULL};
    struct arguments *arguments = arguments_of(call);
    if (options_decode(call, fields, &arguments->options) || measure_sides(call, &arguments->x, &arguments->y) ||
        read_gamma(call, &arguments->gamma) || read_values(call, "x", &arguments->x) ||
        read_values(call, "y", &arguments->y)) {
        return call->problem.kind;
    }
    document_free(call->document);
    call->document = NULL;
    size_t count = result_of(arguments)->length;
    call->demand.cost_ns = gaussian_cost_ns(count) + ENCODE_NS * (uint64_t)count;
    return PROBLEM_NONE;
}

/* Finite numbers give a result that isn't one only where gamma is 0 and a squared difference overflows (0 * inf):
 * everywhere else exp's argument is a number, or minus infinity. */
static enum problem_kind check_finite(struct call *call, const double *z, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(z[i])) {
            char pointer[32];
            (void)snprintf(pointer, sizeof pointer, "/z/%zu", i);
            return problem_set(&call->problem, PROBLEM_NON_FINITE_RESULT, pointer,
                               "gamma is 0 and the squared difference of element %zu overflows", i);
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind gaussian_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    struct side *z = result_of(arguments);
    struct team team = options_team(call, &arguments->options);
    struct progress progress = options_progress(call);
    enum kernel_status status = gaussian(kernel_side(&arguments->x), kernel_side(&arguments->y), arguments->gamma,
                                         z->values, z->length, &team, &progress);
    if (status == KERNEL_DONE && arguments->gamma == 0) {
        return check_finite(call, z->values, z->length);
    }
    return PROBLEM_NONE; /* also when cancelled: the server knows why */
}

enum problem_kind gaussian_encode(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    const struct side *z = result_of(arguments);
    json_writer_reserve(&call->reply, z->length * ENCODED_BYTES);
    json_key(&call->reply, "z");
    json_doubles(&call->reply, z->values, z->length, &call->cancel);
    json_key(&call->reply, "gamma");
    json_double(&call->reply, arguments->gamma);
    return PROBLEM_NONE;
}
