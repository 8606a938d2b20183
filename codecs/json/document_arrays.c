/* The getters of arrays. */
#include "codecs/json/document.h"
#include "codecs/json/document_value.h"
#include "codecs/json/readable.h"

#include <stdatomic.h>
#include <stdio.h>

enum { CANCEL_PIECE = 16 * 1024 }; /* elements between two looks at the cancel flag: about 0.1 ms */

enum problem_kind document_array_length(const struct document *document, const char *name, size_t *out,
                                        struct problem *problem) {
    const struct value value = document_member(document, name);
    if (value.type != DOCUMENT_ARRAY) {
        return value_refuse(&value, name, "an array", problem);
    }
    *out = json_array_size(value.json);
    return PROBLEM_NONE;
}

static enum problem_kind refuse_element(const json_t *element, const char *name, size_t index, const char *expected,
                                        struct problem *problem) {
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    const struct value value = value_of(element);
    (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, index);
    return problem_set(problem, PROBLEM_WRONG_TYPE, pointer, "element %zu of \"%s\" is %s; %s is expected", index, name,
                       value_describe(&value, what), expected);
}

enum problem_kind document_array_doubles(const struct document *document, const char *name, double *out, size_t length,
                                         const _Atomic bool *cancel, struct problem *problem) {
    const json_t *array = document_member(document, name).json;
    for (size_t i = 0; i < length; i++) {
        if (i % CANCEL_PIECE == 0 && cancel && atomic_load_explicit(cancel, memory_order_relaxed)) {
            break;
        }
        const json_t *element = json_array_get(array, i);
        if (!json_is_number(element)) {
            return refuse_element(element, name, i, "a number", problem);
        }
        out[i] = json_number_value(element);
    }
    return PROBLEM_NONE;
}

enum problem_kind document_array_integers(const struct document *document, const char *name, int64_t lowest,
                                          int64_t highest, int64_t *out, size_t length, struct problem *problem) {
    const json_t *array = document_member(document, name).json;
    for (size_t i = 0; i < length; i++) {
        const json_t *element = json_array_get(array, i);
        if (!json_is_number(element)) {
            return refuse_element(element, name, i, "a number", problem);
        }
        double value = json_number_value(element);
        if (!value_fits(value, lowest, highest, &out[i])) {
            char pointer[POINTER_MAX];
            char what[QUOTED_MAX];
            char expected[QUOTED_MAX];
            (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, i);
            (void)snprintf(what, sizeof what, "element %zu of \"%s\"", i, name);
            value_range(lowest, highest, "", expected);
            return value_refuse_integer(value, pointer, what, lowest, highest, expected, problem);
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind document_array_texts(const struct document *document, const char *name, struct text_view *out,
                                       size_t length, struct problem *problem) {
    const json_t *array = document_member(document, name).json;
    for (size_t i = 0; i < length; i++) {
        const json_t *element = json_array_get(array, i);
        if (!json_is_string(element)) {
            return refuse_element(element, name, i, "a string", problem);
        }
        out[i] = (struct text_view){.bytes = json_string_value(element), .length = json_string_length(element)};
    }
    return PROBLEM_NONE;
}

static enum problem_kind refuse_row(const json_t *row, const char *name, size_t index, struct problem *problem) {
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    if (!json_is_array(row)) {
        const struct value value = value_of(row);
        (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, index);
        return problem_set(problem, PROBLEM_WRONG_TYPE, pointer,
                           "row %zu of \"%s\" is %s; an array of numbers is expected", index, name,
                           value_describe(&value, what));
    }
    for (size_t i = 0; i < json_array_size(row); i++) {
        const json_t *element = json_array_get(row, i);
        if (!json_is_number(element)) {
            const struct value value = value_of(element);
            (void)snprintf(pointer, sizeof pointer, "/%s/%zu/%zu", name, index, i);
            return problem_set(problem, PROBLEM_WRONG_TYPE, pointer,
                               "element %zu of row %zu of \"%s\" is %s; a number is expected", i, index, name,
                               value_describe(&value, what));
        }
    }
    return PROBLEM_NONE;
}

bool document_begins_with_array(const struct document *document, const char *name) {
    return json_is_array(json_array_get(document_member(document, name).json, 0));
}

enum problem_kind document_refuse_rows(const struct document *document, const char *name, struct problem *problem) {
    const struct value value = document_member(document, name);
    const json_t *array = value.json;
    bool is_flat = json_is_number(json_array_get(array, 0));
    if (is_flat || !json_is_array(array)) {
        return value_refuse(&value, name,
                            is_flat ? "an array of rows, [[1], [2]] instead of [1, 2], or x.reshape(-1, 1),"
                                    : "an array of rows, [[1, 2], [3, 4]], or {\"data\": \"name\"},",
                            problem);
    }
    for (size_t i = 0; i < json_array_size(array) && !refuse_row(json_array_get(array, i), name, i, problem); i++) {
    }
    return problem->kind;
}

enum problem_kind document_texts(const struct document *document, const char *name, size_t most, const char **names,
                                 struct text_view *texts, size_t *count, struct problem *problem) {
    const struct value object = document_member(document, name);
    char pointer[POINTER_MAX];
    *count = object.type == DOCUMENT_OBJECT ? json_object_size(object.json) : 0;
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    if (object.type != DOCUMENT_OBJECT) {
        return value_refuse(&object, name, "an object of strings", problem);
    }
    if (*count == 0 || *count > most) {
        return problem_set(problem, PROBLEM_OUT_OF_RANGE, pointer, "\"%s\" has %zu members; 1 to %zu are allowed", name,
                           *count, most);
    }
    json_t *members = (json_t *)(uintptr_t)object.json; /* an iterator changes nothing */
    for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
        const struct value member = value_of(json_object_iter_value(at));
        if (member.type != DOCUMENT_STRING) {
            char what[QUOTED_MAX];
            readable_pointer_append(json_object_iter_key(at), pointer, sizeof pointer);
            return problem_set(problem, PROBLEM_WRONG_TYPE, pointer, "a member of \"%s\" is %s; a string is expected",
                               name, value_describe(&member, what));
        }
        *names++ = json_object_iter_key(at);
        *texts++ = member.text;
    }
    return PROBLEM_NONE;
}
