#include "handlers/pairwise_text.h"

#include "codecs/numbers/number_text.h"
#include "handlers/expression_text.h"
#include "handlers/field.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBERS_MAX = EXPRESSION_NAMES_MAX - PAIRWISE_OPERANDS, LIST_MAX = 64 };

static_assert((int)PAIRWISE_PARAMETERS_MAX <= (int)NUMBERS_MAX, "a kernel's parameters have their places");

/* What is declared, in order: the pair's measures, and numbers. */
struct declared {
    struct call *call;
    const struct field *own;
    struct pairwise_text *text;
    struct expression_operand operands[EXPRESSION_NAMES_MAX];
};

static void declare_number(struct declared *declared, const char *name, double value) {
    struct pairwise_text *text = declared->text;
    text->numbers[text->number_count] = value;
    declared->operands[PAIRWISE_OPERANDS + text->number_count++] =
        (struct expression_operand){.name = name, .type = EXPRESSION_FLOAT64, .is_weak = true, .is_single = true};
}

/* May be for others of a batch. */
static bool is_inherited(const struct call *call, const char *name) {
    return call->is_item && !document_has_own(call->document, name);
}

/* --- "expr" ------------------------------------------------------------------------------------------------------ */

static bool is_measure(const struct declared *declared, const char *name) {
    size_t i = 0;
    while (i < PAIRWISE_OPERANDS && strcmp(declared->operands[i].name, name) != 0) {
        i++;
    }
    return i < PAIRWISE_OPERANDS;
}

static bool visit_number(void *context, const char *name) {
    struct declared *declared = context;
    struct call *call = declared->call;
    double value = 0;
    if (expression_text_is_option(declared->own, name)) {
        return true;
    }
    if (is_measure(declared, name)) {
        (void)expression_text_refuse_name(call, name,
                                          "is what the expression calls a measure of the pair: give the number another "
                                          "name");
    } else if (declared->text->number_count == NUMBERS_MAX) {
        (void)problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, NULL, "there are more than %d numbers", NUMBERS_MAX);
    } else if (!expression_text_check_name(call, name) &&
               !document_number(call->document, name, &value, &call->problem)) {
        declare_number(declared, name, value);
    }
    return !call->problem.kind;
}

/* --- "kernel" ---------------------------------------------------------------------------------------------------- */

static const struct pairwise_parameter *find_parameter(const struct pairwise_kernel *kernel, const char *name) {
    const struct pairwise_parameter *parameter = kernel->parameters;
    while (parameter->name && strcmp(parameter->name, name) != 0) {
        parameter++;
    }
    return parameter->name ? parameter : NULL;
}

static void list_parameters(const struct pairwise_kernel *kernel, char out[LIST_MAX]) {
    size_t used = 0;
    (void)snprintf(out, LIST_MAX, "none");
    for (const struct pairwise_parameter *at = kernel->parameters; at->name && used < LIST_MAX; at++) {
        used += (size_t)snprintf(out + used, LIST_MAX - used, "%s%s", used > 0 ? ", " : "", at->name);
    }
}

static bool visit_parameter(void *context, const char *name) {
    struct declared *declared = context;
    struct call *call = declared->call;
    const struct pairwise_kernel *kernel = declared->text->kernel;
    char list[LIST_MAX];
    char why[2 * LIST_MAX + 64];
    if (expression_text_is_option(declared->own, name) || find_parameter(kernel, name) || is_inherited(call, name)) {
        return true;
    }
    list_parameters(kernel, list);
    (void)snprintf(why, sizeof why, "is no option and no parameter of the kernel \"%s\", which has %s", kernel->name,
                   list);
    (void)expression_text_refuse_name(call, name, why);
    return false;
}

static enum problem_kind refuse_value(struct call *call, const char *name, double value, const char *expected) {
    char text[NUMBER_TEXT_MAX];
    char pointer[ENVELOPE_NAME_MAX + 4];
    int length = (int)number_text_double(value, text);
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer, "\"%s\" is %.*s; %s", name, length, text,
                       expected);
}

/* As a float it would become 0 or infinite, or lose digits. */
static bool is_float(double value) {
    return value == 0 || (fabs(value) >= (double)FLT_MIN && fabs(value) <= (double)FLT_MAX);
}

static enum problem_kind check_value(struct call *call, const struct pairwise_parameter *parameter, double value,
                                     enum npy_dtype dtype) {
    static const struct {
        double lowest, highest;               /* of float64 */
        double narrow_lowest, narrow_highest; /* of float32 */
        const char *expected, *narrow_expected;
    } ranges[] = {[PAIRWISE_ANY] = {-DBL_MAX, DBL_MAX, -DBL_MAX, DBL_MAX, "", ""},
                  [PAIRWISE_NOT_NEGATIVE] = {0, DBL_MAX, 0, DBL_MAX, "it is at least 0", "it is at least 0"},
                  [PAIRWISE_FROM_1] = {1, DBL_MAX, 1, DBL_MAX, "it is at least 1", "it is at least 1"},
                  [PAIRWISE_SCALE] = {1e-150, 1e150, 1e-18, 1e18, "it is from 1e-150 to 1e+150",
                                      "with arrays of float32 it is from 1e-18 to 1e+18"}};
    bool is_narrow = dtype == NPY_FLOAT32;
    double lowest = is_narrow ? ranges[parameter->range].narrow_lowest : ranges[parameter->range].lowest;
    double highest = is_narrow ? ranges[parameter->range].narrow_highest : ranges[parameter->range].highest;
    if (!(value >= lowest && value <= highest)) {
        return refuse_value(call, parameter->name, value,
                            is_narrow ? ranges[parameter->range].narrow_expected : ranges[parameter->range].expected);
    }
    return !is_narrow || is_float(value)
               ? PROBLEM_NONE
               : refuse_value(
                     call, parameter->name, value,
                     "with arrays of float32 it is 0 or a normal float, from 1.17549435e-38 to 3.40282347e+38");
}

static enum problem_kind read_parameters(struct declared *declared, enum npy_dtype dtype, size_t dimensions) {
    struct call *call = declared->call;
    for (const struct pairwise_parameter *at = declared->text->kernel->parameters; at->name; at++) {
        double value = at->is_per_dimension ? 1 / (double)dimensions : at->value;
        if (document_type_of(call->document, at->name) != DOCUMENT_ABSENT &&
            (document_number(call->document, at->name, &value, &call->problem) ||
             check_value(call, at, value, dtype))) {
            return call->problem.kind;
        }
        declare_number(declared, at->name, value);
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_kernel(struct call *call, struct pairwise_text *text) {
    const char *names[PAIRWISE_KERNEL_COUNT + 1];
    size_t index = 0;
    for (size_t i = 0; i <= PAIRWISE_KERNEL_COUNT; i++) {
        names[i] = pairwise_kernels[i].name;
    }
    if (document_choice(call->document, "kernel", names, &index, &call->problem)) {
        return call->problem.kind;
    }
    text->kernel = &pairwise_kernels[index];
    return PROBLEM_NONE;
}

/* --- either ------------------------------------------------------------------------------------------------------ */

static enum problem_kind read_text(struct call *call, struct pairwise_text *text) {
    bool has_own = document_has_own(call->document, "expr") != document_has_own(call->document, "kernel");
    bool has_expr = document_type_of(call->document, "expr") != DOCUMENT_ABSENT;
    bool has_kernel = document_type_of(call->document, "kernel") != DOCUMENT_ABSENT;
    if (has_own) { /* whatever a batch's defaults have */
        has_expr = document_has_own(call->document, "expr");
        has_kernel = !has_expr;
    }
    if (has_expr && has_kernel) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/kernel",
                           "\"expr\" is an expression of your own, \"kernel\" the name of one; give one of them");
    }
    if (has_kernel) {
        return read_kernel(call, text);
    }
    if (!has_expr) {
        return expression_text_refuse_missing(call, "kernel",
                                              "what is to be computed of each pair; or \"kernel\", the name of it");
    }
    return document_text(call->document, "expr", &text->text, &call->problem);
}

const char *pairwise_text_pointer(const struct pairwise_text *text) {
    return text->kernel ? "/kernel" : "/expr";
}

static void point_to(const void *context, size_t index, char *out, size_t size) {
    (void)index; /* there is one text */
    (void)snprintf(out, size, "%s", pairwise_text_pointer(context));
}

/* A number that nothing is computed of is a mistake; a kernel needs all of its own. */
static enum problem_kind check_numbers(const struct declared *declared) {
    const struct pairwise_text *text = declared->text;
    for (size_t i = 0; i < text->number_count && !text->kernel; i++) {
        size_t operand = PAIRWISE_OPERANDS + i;
        if (expression_text_check_use(declared->call, text->program, operand, declared->operands[operand].name)) {
            return declared->call->problem.kind;
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind pairwise_text_compile(struct call *call, const struct field *own, enum npy_dtype dtype,
                                        size_t dimensions, struct pairwise_text *text) {
    struct declared declared = {.call = call, .own = own, .text = text};
    *text = (struct pairwise_text){0};
    pairwise_operands(dtype == NPY_FLOAT32 ? EXPRESSION_FLOAT32 : EXPRESSION_FLOAT64, declared.operands);
    if (read_text(call, text)) {
        return call->problem.kind;
    }
    document_visit_names(call->document, text->kernel ? visit_parameter : visit_number, &declared);
    if (call->problem.kind || (text->kernel && read_parameters(&declared, dtype, dimensions))) {
        return call->problem.kind;
    }
    if (text->kernel) {
        const char *bytes = pairwise_kernel_text(text->kernel, text->numbers);
        text->text = (struct text_view){bytes, strlen(bytes)};
    }
    const struct expression_source source = {.own = own,
                                             .texts = &text->text,
                                             .text_count = 1,
                                             .operands = declared.operands,
                                             .operand_count = PAIRWISE_OPERANDS + text->number_count,
                                             .taken = "there are the pair's measures d2, d, dot, l1, linf and cos, "
                                                      "and xs and ys; a number needs another name",
                                             .absent = "; a number of this name beside \"expr\" would be one",
                                             .point_to = point_to,
                                             .context = text};
    for (size_t i = 0; i < text->number_count; i++) {
        text->arrays[i] = (struct expression_array){.values = &text->numbers[i]};
    }
    return expression_text_compile(call, &source, &text->program) ? call->problem.kind : check_numbers(&declared);
}
