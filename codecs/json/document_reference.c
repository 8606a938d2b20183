/* The getter of references. */
#include "codecs/json/document.h"
#include "codecs/json/document_value.h"
#include "codecs/json/readable.h"

#include <stdio.h>
#include <string.h>

static const int64_t exact_max = (INT64_C(1) << 53) - 1;

static const char form[] = "{\"data\": \"name\"} or {\"data\": \"name\", \"rows\": [2, 5]} refers to named data";

static enum problem_kind refuse_name(const struct value *value, const char *name, struct problem *problem) {
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    (void)snprintf(pointer, sizeof pointer, "/%s/data", name);
    if (value->type == DOCUMENT_ABSENT) {
        return problem_set(problem, PROBLEM_MISSING_FIELD, pointer, "\"%s\" is an object without \"data\"; %s", name,
                           form);
    }
    return problem_set(problem, PROBLEM_WRONG_TYPE, pointer, "\"data\" of \"%s\" is %s; a name is expected", name,
                       value_describe(value, what));
}

static enum problem_kind check_keys(const json_t *object, const char *name, struct problem *problem) {
    const char *key;
    json_t *unused;
    json_object_foreach((json_t *)object, key, unused) {
        if (strcmp(key, "data") != 0 && strcmp(key, "rows") != 0) {
            char pointer[POINTER_MAX];
            char shown[SHOWN_MAX];
            readable_print(key, strlen(key), shown, sizeof shown);
            (void)snprintf(pointer, sizeof pointer, "/%s", name);
            readable_pointer_append(key, pointer, sizeof pointer);
            return problem_set(problem, PROBLEM_UNKNOWN_FIELD, pointer, "\"%s\" has a member \"%s\"; %s", name, shown,
                               form);
        }
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_bound(const json_t *rows, const char *name, size_t index, int64_t lowest, int64_t *bound,
                                    struct problem *problem) {
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    const struct value value = value_of(json_array_get(rows, index));
    (void)snprintf(pointer, sizeof pointer, "/%s/rows/%zu", name, index);
    if (value.type != DOCUMENT_NUMBER) {
        return problem_set(problem, PROBLEM_WRONG_TYPE, pointer,
                           "element %zu of \"rows\" of \"%s\" is %s; a number is expected", index, name,
                           value_describe(&value, what));
    }
    if (!value_fits(value.number, lowest, exact_max, bound)) {
        char expected[QUOTED_MAX];
        (void)snprintf(what, sizeof what, "element %zu of \"rows\" of \"%s\"", index, name);
        value_range(lowest, exact_max, "", expected);
        return value_refuse_integer(value.number, pointer, what, lowest, exact_max, expected, problem);
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_rows(const struct value *value, const char *name, struct document_reference *out,
                                   struct problem *problem) {
    size_t count = value->type == DOCUMENT_ARRAY ? json_array_size(value->json) : 0;
    if (count != 2) {
        char pointer[POINTER_MAX];
        char what[QUOTED_MAX];
        (void)snprintf(pointer, sizeof pointer, "/%s/rows", name);
        return problem_set(problem, PROBLEM_WRONG_TYPE, pointer,
                           "\"rows\" of \"%s\" is %s; the first row and the one after the last, [2, 5], are expected",
                           name,
                           value->type == DOCUMENT_ARRAY ? "an array of other length" : value_describe(value, what));
    }
    out->has_rows = true;
    return read_bound(value->json, name, 0, 0, &out->begin, problem)
               ? problem->kind
               : read_bound(value->json, name, 1, out->begin, &out->end, problem);
}

bool document_may_refer(const char *bytes, size_t length) {
    static const char member[] = "\"data\"";
    return length > 0 && (memchr(bytes, '\\', length) || memmem(bytes, length, member, sizeof member - 1));
}

enum problem_kind document_reference(const struct document *document, const char *name, struct document_reference *out,
                                     struct problem *problem) {
    const struct value object = document_member(document, name);
    *out = (struct document_reference){0};
    if (check_keys(object.json, name, problem)) {
        return problem->kind;
    }
    const struct value data = value_of(json_object_get(object.json, "data"));
    if (data.type != DOCUMENT_STRING) {
        return refuse_name(&data, name, problem);
    }
    out->name = data.text;
    const struct value rows = value_of(json_object_get(object.json, "rows"));
    return rows.type == DOCUMENT_ABSENT ? PROBLEM_NONE : read_rows(&rows, name, out, problem);
}
