/* Named data as arguments: looked up once, when they are found, and held until the call ends. */
#include "handlers/named.h"
#include "handlers/operand.h"

#include <stdio.h>
#include <string.h>

enum { POINTER_BYTES = ENVELOPE_NAME_MAX + 16 };

static const char *pointer_into(const char *name, const char *member, char out[POINTER_BYTES]) {
    (void)snprintf(out, POINTER_BYTES, "/%s/%s", name, member);
    return out;
}

/* With a reference of the caller's. */
static enum problem_kind look_up(struct call *call, const char *name, struct document_reference *reference,
                                 struct data_version **version) {
    char pointer[POINTER_BYTES];
    if (document_reference(call->document, name, reference, &call->problem)) {
        return call->problem.kind;
    }
    *version = named_find(call, reference->name, pointer_into(name, "data", pointer));
    return call->problem.kind;
}

static enum problem_kind refuse_kind(struct call *call, const char *name, const struct data_version *version,
                                     const char *expected) {
    char pointer[POINTER_BYTES];
    return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer_into(name, "data", pointer),
                       "\"%s\" is the data \"%s\", %s; %s expected", name, version->name,
                       version->about.kind == DATA_TEXT ? "a text" : "an array", expected);
}

/* What the first dimension counts are its rows, however many dimensions follow. */
static enum problem_kind cut_rows(struct call *call, const char *name, const struct document_reference *reference,
                                  const struct data_version *version, struct operand *operand) {
    char pointer[POINTER_BYTES];
    if (!reference->has_rows) {
        return PROBLEM_NONE;
    }
    if (operand->dimensions == 0) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer_into(name, "rows", pointer),
                           "\"%s\" is the data \"%s\", a single number, which has no rows", name, version->name);
    }
    if ((uint64_t)reference->end > operand->shape[0]) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer_into(name, "rows", pointer),
                           "\"%s\" is rows %lld to %lld of \"%s\", which has %zu", name, (long long)reference->begin,
                           (long long)reference->end, version->name, operand->shape[0]);
    }
    operand->shape[0] = (size_t)(reference->end - reference->begin);
    return PROBLEM_NONE;
}

/* The numbers are as those of a .npy array that needs no converting. */
enum problem_kind operand_view(struct call *call, const char *name, const struct document_reference *reference,
                               struct data_version *version, struct operand *operand) {
    const struct data_about *about = &version->about;
    *operand =
        (struct operand){.name = name, .source = OPERAND_NPY, .dtype = about->dtype, .dimensions = about->dimensions};
    memcpy(operand->shape, about->shape, sizeof operand->shape);
    if (about->kind == DATA_TEXT) {
        return refuse_kind(call, name, version, "numbers are");
    }
    if (cut_rows(call, name, reference, version, operand)) {
        return call->problem.kind;
    }
    size_t row_count = 1; /* of numbers; of a shape without any it may wrap, and is multiplied by 0 then */
    for (unsigned i = 1; i < about->dimensions; i++) {
        row_count *= about->shape[i];
    }
    size_t row_bytes = row_count * npy_number_bytes(about->dtype);
    operand->count = operand->shape[0] * row_count;
    operand->head = (struct npy_head){.complete = true,
                                      .dtype = about->dtype,
                                      .dimensions = about->dimensions,
                                      .count = operand->count,
                                      .data_bytes = operand->shape[0] * row_bytes};
    memcpy(operand->head.shape, operand->shape, sizeof operand->head.shape);
    operand->payload = named_hold(call, version, (size_t)reference->begin * row_bytes, operand->head.data_bytes);
    operand->data = operand->payload ? operand->payload->bytes : NULL;
    operand->values = operand->payload ? operand->payload->bytes : NULL;
    return call->problem.kind;
}

/* Without numbers it may be no rows as well as no numbers: in JSON both are []. */
static bool make_no_rows(unsigned takes, struct operand *operand) {
    bool is_empty = (takes & OPERAND_TAKES_ROWS) && operand->dimensions == 1 && operand->count == 0;
    if (is_empty) {
        operand->dimensions = 2;
        operand->shape[1] = 0;
    }
    return is_empty;
}

enum problem_kind operand_find_named(struct call *call, const char *name, unsigned takes, struct operand *operand) {
    struct document_reference reference;
    struct data_version *version = NULL;
    if (look_up(call, name, &reference, &version) || !version) {
        return call->problem.kind;
    }
    enum problem_kind kind = operand_view(call, name, &reference, version, operand);
    data_version_drop(version);
    operand->dtype = NPY_FLOAT64; /* unless operands_promote says otherwise */
    return kind || make_no_rows(takes, operand) ? kind : operand_check_shape(call, takes, operand);
}

enum problem_kind operand_find_named_text(struct call *call, const char *name, struct operand *operand) {
    struct document_reference reference;
    struct data_version *version = NULL;
    char pointer[POINTER_BYTES];
    *operand = (struct operand){.name = name, .source = OPERAND_TEXT};
    if (look_up(call, name, &reference, &version) || !version) {
        return call->problem.kind;
    }
    if (version->about.kind != DATA_TEXT) {
        (void)refuse_kind(call, name, version, "a text is");
    } else if (reference.has_rows) {
        problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer_into(name, "rows", pointer),
                    "\"%s\" is the data \"%s\", a text, which has no rows", name, version->name);
    } else {
        operand->payload = named_hold(call, version, 0, version->length);
        operand->data = operand->payload ? operand->payload->bytes : NULL;
        operand->count = version->length;
    }
    data_version_drop(version);
    return call->problem.kind;
}
