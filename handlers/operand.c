/* Finding and measuring. */
#include "handlers/operand.h"

#include "codecs/numbers/number_rows.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Upper estimates, one thread (bench/codecs measures 7 ns for 17 digits, 8 in rows, 4 for a short integer). Bytes cost,
 * too: an array may consist of spaces. */
enum { READ_NUMBER_NS = 3, READ_BYTES_PER_NS = 2 };

/* Text is checked, and unescaped where it is sparsely escaped, at several GB/s (bench/codecs); bytes are copied so. */
enum { TEXT_BYTES_PER_NS = 4, COPIED_BYTES_PER_NS = 4 };

enum { POINTER_BYTES = ENVELOPE_NAME_MAX + 4 };

static const char *pointer_to(const char *name, char out[POINTER_BYTES]) {
    (void)snprintf(out, POINTER_BYTES, "/%s", name);
    return out;
}

/* --- JSON and the query ------------------------------------------------------------------------------------------ */

static enum problem_kind measure_numbers(struct call *call, const struct json_span *span, struct operand *operand) {
    operand->source = OPERAND_NUMBERS;
    operand->payload = &call->body;
    number_array_plan(call->body.bytes, span, NUMBER_ARRAY_PIECE_BYTES, &operand->array);
    size_t pieces = operand->array.piece_count;
    operand->index = call_take(call, pieces * sizeof *operand->index);
    if (!operand->index) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < pieces; i++) {
        operand->index[i] = call_is_cancelled(call) ? 0 : number_array_count(&operand->array, i);
    }
    operand->count = number_array_index(&operand->array, operand->index);
    operand->dimensions = 1;
    operand->shape[0] = operand->count;
    operand->shape[1] = 1;
    return PROBLEM_NONE;
}

static enum problem_kind measure_rows(struct call *call, const struct json_span *span, struct operand *operand) {
    char pointer[POINTER_BYTES];
    if (measure_numbers(call, span, operand)) {
        return call->problem.kind;
    }
    operand->source = OPERAND_ROWS;
    operand->dimensions = 2;
    operand->shape[1] = operand->count > 0 ? number_rows_columns(&operand->array) : 0;
    if (operand->count == 0) {
        return PROBLEM_NONE;
    }
    if (operand->shape[1] == 0) {
        (void)snprintf(pointer, sizeof pointer, "/%s/0", operand->name);
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                           "row 0 of \"%s\" has no numbers; a row has one at least", operand->name);
    }
    if (operand->count % operand->shape[1] != 0) {
        return number_rows_refuse(&operand->array, operand->shape[1], operand->name, call->progress.cancel,
                                  &call->problem);
    }
    operand->shape[0] = operand->count / operand->shape[1];
    return PROBLEM_NONE;
}

/* An array that is no bulk member, because something in it is no number: says what and where. */
static enum problem_kind refuse_array(struct call *call, const char *name) {
    size_t length = 0;
    if (document_array_length(call->document, name, &length, &call->problem)) {
        return call->problem.kind;
    }
    double *unused = call_take(call, length * sizeof *unused);
    if (!unused) {
        return call->problem.kind;
    }
    return document_array_doubles(call->document, name, unused, length, call->progress.cancel, &call->problem);
}

/* Neither a bulk member nor a number that would do. */
static enum problem_kind refuse_member(struct call *call, const char *name, unsigned takes) {
    enum document_type type = document_type_of(call->document, name);
    bool has_all = takes & OPERAND_TAKES_ALL;
    if (takes & OPERAND_TAKES_ROWS || (has_all && document_begins_with_array(call->document, name))) {
        return document_refuse_rows(call->document, name, &call->problem);
    }
    if (type == DOCUMENT_ARRAY) {
        return refuse_array(call, name);
    }
    return document_refuse(call->document, name,
                           !(takes & OPERAND_TAKES_NUMBER)         ? "an array of numbers, or {\"data\": \"name\"},"
                           : call->order->body_media != MEDIA_JSON ? "a number, or data:name for named data,"
                           : has_all ? "an array of numbers or of rows, a number, or {\"data\": \"name\"}"
                                     : "an array of numbers, a number, or {\"data\": \"name\"}",
                           &call->problem);
}

const struct operand_shared *operand_find_shared(const struct call *call, const char *name) {
    const struct defaults *defaults = call->defaults;
    if (!defaults || document_has_own(call->document, name)) {
        return NULL;
    }
    for (size_t i = 0; i < defaults->count; i++) {
        if (strcmp(defaults->members[i].operand.name, name) == 0) {
            return &defaults->members[i];
        }
    }
    return NULL;
}

enum problem_kind operand_find(struct call *call, const char *name, unsigned takes, struct operand *operand) {
    const struct json_span *span = envelope_find(&call->envelope, name);
    const struct operand_shared *shared = span ? NULL : operand_find_shared(call, name);
    if (shared) {
        *operand = shared->operand;
        return PROBLEM_NONE;
    }
    *operand = (struct operand){.name = name};
    if (span) {
        return takes & OPERAND_TAKES_ROWS ? measure_rows(call, span, operand) : measure_numbers(call, span, operand);
    }
    enum document_type type = document_type_of(call->document, name);
    if (type == DOCUMENT_ABSENT && (takes & OPERAND_TAKES_NOTHING)) {
        return PROBLEM_NONE;
    }
    if (type == DOCUMENT_OBJECT) {
        return operand_find_named(call, name, takes, operand);
    }
    if (type == DOCUMENT_NUMBER && (takes & OPERAND_TAKES_NUMBER)) {
        operand->source = OPERAND_NUMBER;
        operand->shape[0] = operand->shape[1] = operand->count = 1;
        return document_number(call->document, name, &operand->number, &call->problem);
    }
    return refuse_member(call, name, takes);
}

enum problem_kind operand_find_text(struct call *call, const char *name, struct operand *operand) {
    struct text_view text;
    const struct operand_shared *shared = operand_find_shared(call, name);
    if (shared) {
        *operand = shared->operand;
        return PROBLEM_NONE;
    }
    if (document_type_of(call->document, name) == DOCUMENT_OBJECT) {
        return operand_find_named_text(call, name, operand);
    }
    *operand = (struct operand){.name = name, .source = OPERAND_TEXT, .payload = &call->body};
    if (document_text(call->document, name, &text, &call->problem)) { /* "" if it is bulk */
        return call->problem.kind;
    }
    operand->span = envelope_find(&call->envelope, name);
    operand->count = operand->span ? operand->span->end - operand->span->begin : text.length;
    return PROBLEM_NONE;
}

/* --- .npy -------------------------------------------------------------------------------------------------------- */

static enum problem_kind refuse_end(struct call *call, const char *name, const struct npy_head *head,
                                    size_t available) {
    char pointer[POINTER_BYTES];
    if (!head->complete) {
        return problem_set(&call->problem, PROBLEM_INVALID_NPY, pointer_to(name, pointer),
                           "the body ends within the head of \"%s\"", name);
    }
    return problem_set(&call->problem, PROBLEM_INVALID_NPY, pointer_to(name, pointer),
                       "\"%s\" has %zu bytes of numbers; the body ends after %zu of them", name, head->data_bytes,
                       available - head->head_bytes);
}

enum problem_kind operand_next(struct call *call, size_t *offset, const char *name, struct operand *operand) {
    struct npy_head head;
    size_t available = call->body.length - *offset;
    if (npy_read_head(call->body.bytes + *offset, available, &head, name, &call->problem)) {
        return call->problem.kind;
    }
    if (!head.complete || available - head.head_bytes < head.data_bytes) {
        return refuse_end(call, name, &head, available);
    }
    *operand = (struct operand){.name = name,
                                .source = OPERAND_NPY,
                                .dtype = head.dtype == NPY_FLOAT32 ? NPY_FLOAT32 : NPY_FLOAT64,
                                .dimensions = head.dimensions,
                                .count = head.count,
                                .payload = &call->body,
                                .data = call->body.bytes + *offset + head.head_bytes,
                                .head = head};
    memcpy(operand->shape, head.shape, sizeof operand->shape);
    *offset += head.head_bytes + head.data_bytes;
    return PROBLEM_NONE;
}

static enum problem_kind check_rows(struct call *call, const struct operand *operand) {
    const char *name = operand->name;
    char pointer[POINTER_BYTES];
    if (operand->dimensions > 2) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer_to(name, pointer),
                           "\"%s\" has %u dimensions; two are expected, a row for each point: %s.reshape(len(%s), -1) "
                           "makes a row of all behind the first",
                           name, operand->dimensions, name, name);
    }
    if (operand->dimensions < 2) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer_to(name, pointer),
                           "\"%s\" has %u dimension%s; two are expected, a row for each point: %s.reshape(-1, 1) makes "
                           "one of each number",
                           name, operand->dimensions, operand->dimensions == 1 ? "" : "s", name);
    }
    if (operand->shape[1] == 0) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer_to(name, pointer),
                           "\"%s\" has no columns; a row has one number at least", name);
    }
    return PROBLEM_NONE;
}

enum problem_kind operand_check_shape(struct call *call, unsigned takes, struct operand *operand) {
    char pointer[POINTER_BYTES];
    if (takes & OPERAND_TAKES_ALL) {
        return PROBLEM_NONE;
    }
    if (takes & OPERAND_TAKES_ROWS) {
        return check_rows(call, operand);
    }
    if (operand->dimensions == 0 && (takes & OPERAND_TAKES_NUMBER)) {
        operand->source = OPERAND_NUMBER;
        return npy_read_piece(&operand->head, operand->data, 0, NPY_FLOAT64, &operand->number)
                   ? PROBLEM_NONE
                   : npy_refuse_piece(&operand->head, operand->data, 0, operand->name, call->progress.cancel,
                                      &call->problem);
    }
    if (operand->dimensions == 1) {
        return PROBLEM_NONE;
    }
    return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer_to(operand->name, pointer),
                       "\"%s\" has %u dimensions; one is expected: %s.ravel() makes it one", operand->name,
                       operand->dimensions, operand->name);
}

enum npy_dtype operands_promote(struct operand *const *operands) {
    size_t arrays = 0;
    size_t narrow = 0;
    for (size_t i = 0; operands[i]; i++) {
        const struct operand *operand = operands[i];
        arrays += operand->data || operand->source == OPERAND_NUMBERS || operand->source == OPERAND_ROWS;
        narrow += operand->data && operand->head.dtype == NPY_FLOAT32;
    }
    enum npy_dtype dtype = arrays > 0 && narrow == arrays ? NPY_FLOAT32 : NPY_FLOAT64;
    for (size_t i = 0; operands[i]; i++) {
        operands[i]->dtype = dtype;
    }
    return dtype;
}

enum problem_kind operand_check_end(struct call *call, size_t offset) {
    if (offset == call->body.length) {
        return PROBLEM_NONE;
    }
    return problem_set(&call->problem, PROBLEM_INVALID_NPY, NULL,
                       "at byte %zu of the body: its end is expected, no more arrays and no other bytes", offset + 1);
}

/* --- what loading takes ------------------------------------------------------------------------------------------ */

/* Bytes of numbers that are not used as they are: they are converted, or can't be moved to where they are aligned. */
static size_t new_bytes(const struct operand *operand) {
    size_t size = npy_number_bytes(operand->dtype);
    bool stays = npy_is_plain(&operand->head, operand->dtype) &&
                 (payload_is_writable(operand->payload) || (uintptr_t)operand->data % size == 0);
    return stays ? 0 : operand->count * size;
}

/* The whole body is copied where escapes can't be resolved in it. */
static size_t copied_text_bytes(const struct operand *operand) {
    bool stays = !operand->span || !operand->span->has_escape || payload_is_writable(operand->payload);
    return stays ? 0 : operand->payload->length;
}

size_t operand_bytes(const struct operand *operand) {
    if (operand->is_shared) {
        return 0;
    }
    switch (operand->source) {
    case OPERAND_NUMBERS:
    case OPERAND_ROWS:
        return operand->count * sizeof(double);
    case OPERAND_TEXT:
        return copied_text_bytes(operand);
    case OPERAND_NPY:
        return new_bytes(operand);
    default:
        return 0;
    }
}

uint64_t operand_load_cost_ns(const struct operand *operand) {
    if (operand->is_shared) {
        return 0;
    }
    switch (operand->source) {
    case OPERAND_NUMBERS:
    case OPERAND_ROWS:
        return (uint64_t)(operand->array.end - operand->array.begin) / READ_BYTES_PER_NS +
               READ_NUMBER_NS * (uint64_t)operand->count;
    case OPERAND_TEXT:
        return operand->data ? 0
                             : operand->count / TEXT_BYTES_PER_NS + copied_text_bytes(operand) / COPIED_BYTES_PER_NS;
    case OPERAND_NPY:
        return npy_is_plain(&operand->head, operand->dtype) ? new_bytes(operand) / COPIED_BYTES_PER_NS
                                                            : npy_convert_cost_ns(&operand->head);
    default:
        return 0;
    }
}
