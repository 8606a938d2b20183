#include "handlers/map_operands.h"

#include "handlers/expression_text.h"
#include "handlers/field.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { POINTER_BYTES = ENVELOPE_NAME_MAX + 4 };

static_assert((int)EXPRESSION_NAME_MAX < (int)ENVELOPE_NAME_MAX, "an operand's name is one of the envelope's");

/* Names as they are found. */
struct names {
    struct call *call;
    const struct field *own;
    size_t count;
    const char *list[EXPRESSION_NAMES_MAX];
};

static bool add_name(struct names *names, const char *name) {
    if (expression_text_check_name(names->call, name)) {
        return false;
    }
    if (names->count == EXPRESSION_NAMES_MAX) {
        (void)problem_set(&names->call->problem, PROBLEM_OUT_OF_RANGE, NULL, "there are more than %d operands",
                          EXPRESSION_NAMES_MAX);
        return false;
    }
    names->list[names->count++] = name;
    return true;
}

static bool visit_name(void *context, const char *name) {
    struct names *names = context;
    return expression_text_is_option(names->own, name) || add_name(names, name);
}

/* "names=x,y", or "x, y": the arrays of the body. They are copied, since a name ends in NUL. */
static enum problem_kind read_body_names(struct names *names) {
    struct call *call = names->call;
    struct text_view text;
    if (document_text(call->document, "names", &text, &call->problem)) {
        return call->problem.kind;
    }
    char *copy = call_take(call, text.length + 1);
    if (!copy) {
        return call->problem.kind;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    for (char *name = copy; name;) {
        char *comma = strchr(name, ',');
        if (comma) {
            *comma = '\0';
        }
        name += strspn(name, " ");
        for (size_t i = 0; i < names->count; i++) {
            if (strcmp(names->list[i], name) == 0) {
                return expression_text_refuse_name(call, name, "is named twice");
            }
        }
        if (expression_text_is_option(names->own, name)) {
            return expression_text_refuse_name(call, name, "is an option here: give the operand another name");
        }
        if (document_has_own(call->document, name)) {
            return expression_text_refuse_name(call, name,
                                               "is in the query, and in the body as well: \"names\" says so");
        }
        if (!add_name(names, name)) {
            return call->problem.kind;
        }
        name = comma ? comma + 1 : NULL;
    }
    return PROBLEM_NONE;
}

/* --- what each is ------------------------------------------------------------------------------------------------ */

static enum npy_dtype dtype_of(const struct operand *operand) {
    return operand->source == OPERAND_NPY ? npy_dtype_kept(operand->head.dtype) : NPY_FLOAT64;
}

static enum expression_type type_of(enum npy_dtype dtype) {
    return dtype == NPY_FLOAT32 ? EXPRESSION_FLOAT32
           : dtype == NPY_INT64 ? EXPRESSION_INT64
           : dtype == NPY_BOOL  ? EXPRESSION_BOOL
                                : EXPRESSION_FLOAT64;
}

static enum problem_kind find_member(struct call *call, const char *name, struct operand *operand) {
    const struct envelope *envelope = &call->envelope;
    bool has_rows = false;
    for (size_t i = 0; i < envelope->span_count; i++) {
        const struct envelope_field *field = envelope_span_at(envelope, i)->field;
        has_rows = has_rows || (field->kind == ENVELOPE_ROWS && strcmp(field->name, name) == 0);
    }
    unsigned takes = OPERAND_TAKES_ALL | OPERAND_TAKES_NUMBER;
    if (operand_find(call, name, takes | (has_rows ? OPERAND_TAKES_ROWS : OPERAND_TAKES_NUMBERS), operand)) {
        return call->problem.kind;
    }
    bool is_unnoted = operand->source == OPERAND_ABSENT; /* the envelope had no memory for one more array */
    return is_unnoted ? call_memory_short(call, sizeof *envelope->more) : PROBLEM_NONE;
}

static enum problem_kind find_in_body(struct call *call, const char *name, size_t *offset, struct operand *operand) {
    char pointer[POINTER_BYTES];
    if (*offset == call->body.length) {
        (void)snprintf(pointer, sizeof pointer, "/%s", name);
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, pointer,
                           "the body ends where the array \"%s\" is expected: \"names\" says which there are, in order",
                           name);
    }
    return operand_next(call, offset, name, operand);
}

/* What comes after the arrays that "names" lists: more of them, if it is well made. */
static enum problem_kind check_body_end(struct call *call, size_t offset, size_t in_body) {
    if (offset == call->body.length) {
        return PROBLEM_NONE;
    }
    if (in_body == 0) {
        return problem_set(
            &call->problem, PROBLEM_MISSING_FIELD, "/names",
            "\"names\" is missing: it says in the query what the arrays of the body are called, in order: "
            "names=x,y");
    }
    return problem_set(
        &call->problem, PROBLEM_INVALID_NPY, NULL,
        "at byte %zu of the body: its end is expected, since \"names\" has %zu name%s; no more arrays and "
        "no other bytes",
        offset + 1, in_body, problem_plural(in_body));
}

static enum problem_kind find_each(struct call *call, const struct names *names, size_t in_body,
                                   struct map_operands *map) {
    size_t offset = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct operand *operand = &map->operands[i];
        if (i < in_body ? find_in_body(call, names->list[i], &offset, operand)
                        : find_member(call, names->list[i], operand)) {
            return call->problem.kind;
        }
        bool is_number = operand->source == OPERAND_NUMBER;
        operand->dtype = dtype_of(operand);
        map->types[i] = (struct expression_operand){.name = operand->name,
                                                    .type = type_of(operand->dtype),
                                                    .is_weak = is_number,
                                                    .is_single = is_number || operand->count == 1};
    }
    return call->order->body_media == MEDIA_NPY ? check_body_end(call, offset, in_body) : PROBLEM_NONE;
}

/* --- what they are together -------------------------------------------------------------------------------------- */

static unsigned dimensions_of(const struct operand *operand) {
    return operand->source == OPERAND_NUMBER ? 0 : operand->dimensions;
}

static enum problem_kind refuse_shape(struct call *call, const struct map_operands *map, size_t index, unsigned axis) {
    const struct operand *operand = &map->operands[index];
    unsigned left_out = map->shape.dimensions - dimensions_of(operand);
    char pointer[POINTER_BYTES];
    (void)snprintf(pointer, sizeof pointer, "/%s", operand->name);
    return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, pointer,
                       "\"%s\" has %zu element%s along dimension %u, the operands before it %zu; they have one length, "
                       "or 1",
                       operand->name, operand->shape[axis - left_out], problem_plural(operand->shape[axis - left_out]),
                       axis - left_out, map->shape.lengths[axis]);
}

/* Dimensions of 0 aside, since along those a reduction may go: its results, and what it keeps of each meanwhile, have
 * a number of bytes then. */
static bool is_countable(const struct expression_shape *shape) {
    const size_t most = (size_t)1 << 48;
    size_t product = 1;
    bool fits = true;
    for (unsigned i = 0; fits && i < shape->dimensions; i++) {
        size_t length = shape->lengths[i] > 0 ? shape->lengths[i] : 1;
        fits = !__builtin_mul_overflow(product, length, &product) && product <= most;
    }
    return fits;
}

/* Dimensions are matched from the last one on; where one is 1 or missing the operand is repeated. */
static enum problem_kind broadcast(struct call *call, struct map_operands *map) {
    struct expression_shape *shape = &map->shape;
    for (size_t i = 0; i < map->count; i++) {
        unsigned dimensions = dimensions_of(&map->operands[i]);
        shape->dimensions = dimensions > shape->dimensions ? dimensions : shape->dimensions;
    }
    for (unsigned axis = 0; axis < shape->dimensions; axis++) {
        shape->lengths[axis] = 1;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct operand *operand = &map->operands[i];
        unsigned left_out = shape->dimensions - dimensions_of(operand);
        for (unsigned axis = left_out; axis < shape->dimensions; axis++) {
            size_t length = operand->shape[axis - left_out];
            if (length != 1 && shape->lengths[axis] != 1 && length != shape->lengths[axis]) {
                return refuse_shape(call, map, i, axis);
            }
            shape->lengths[axis] = length != 1 ? length : shape->lengths[axis];
        }
    }
    return is_countable(shape) ? PROBLEM_NONE : call_memory_short(call, SIZE_MAX / 2);
}

static void set_strides(struct map_operands *map) {
    for (size_t i = 0; i < map->count; i++) {
        const struct operand *operand = &map->operands[i];
        unsigned left_out = map->shape.dimensions - dimensions_of(operand);
        size_t stride = 1;
        map->arrays[i] = (struct expression_array){0};
        for (unsigned axis = map->shape.dimensions; axis-- > left_out;) {
            size_t length = operand->shape[axis - left_out];
            map->arrays[i].strides[axis] = length == 1 ? 0 : stride;
            stride *= length;
        }
    }
}

enum problem_kind map_operands_find(struct call *call, const struct field *own, struct map_operands *map) {
    struct names names = {.call = call, .own = own};
    bool has_names = document_type_of(call->document, "names") != DOCUMENT_ABSENT;
    if (has_names && call->order->body_media != MEDIA_NPY) {
        return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, "/names",
                           "\"names\" says which arrays a .npy body has, and there is none");
    }
    if (has_names && read_body_names(&names)) {
        return call->problem.kind;
    }
    size_t in_body = names.count;
    document_visit_names(call->document, visit_name, &names);
    if (call->problem.kind) {
        return call->problem.kind;
    }
    map->count = names.count;
    map->operands = call_take(call, names.count * sizeof *map->operands);
    map->types = map->operands ? call_take(call, names.count * sizeof *map->types) : NULL;
    map->arrays = map->types ? call_take(call, names.count * sizeof *map->arrays) : NULL;
    if (!map->arrays || find_each(call, &names, in_body, map) || broadcast(call, map)) {
        return call->problem.kind;
    }
    set_strides(map);
    return PROBLEM_NONE;
}

enum problem_kind map_operands_load(struct call *call, struct map_operands *map) {
    struct operand *list[EXPRESSION_NAMES_MAX + 1];
    for (size_t i = 0; i < map->count; i++) {
        list[i] = &map->operands[i];
    }
    list[map->count] = NULL;
    if (operands_load(call, list)) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct operand *operand = &map->operands[i];
        map->arrays[i].values = operand->source == OPERAND_NUMBER ? (const void *)&operand->number : operand->values;
    }
    return PROBLEM_NONE;
}

void map_operands_list_whole(const struct map_operands *map, const struct operand **over) {
    for (size_t i = 0; i < map->count; i++) {
        if (!map->types[i].is_single) {
            *over++ = &map->operands[i];
        }
    }
    *over = NULL;
}

uint64_t map_operands_cost_ns(const struct map_operands *map) {
    uint64_t ns = 0;
    for (size_t i = 0; i < map->count; i++) {
        ns += operand_load_cost_ns(&map->operands[i]);
    }
    return ns;
}
