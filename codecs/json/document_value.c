#include "codecs/json/document_value.h"

#include "codecs/json/readable.h"
#include "codecs/numbers/number_text.h"

#include <math.h>
#include <stdio.h>

/* From here on the doubles are too few for every integer. */
#define EXACT_END 9007199254740992.0

static const char *const type_names[] = {
    [DOCUMENT_ABSENT] = "absent",    [DOCUMENT_NULL] = "null",       [DOCUMENT_BOOLEAN] = "a boolean",
    [DOCUMENT_NUMBER] = "a number",  [DOCUMENT_STRING] = "a string", [DOCUMENT_ARRAY] = "an array",
    [DOCUMENT_OBJECT] = "an object",
};

static enum document_type type_of(const json_t *value) {
    if (!value) {
        return DOCUMENT_ABSENT;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return DOCUMENT_OBJECT;
    case JSON_ARRAY:
        return DOCUMENT_ARRAY;
    case JSON_STRING:
        return DOCUMENT_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return DOCUMENT_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return DOCUMENT_BOOLEAN;
    default:
        return DOCUMENT_NULL;
    }
}

struct value value_of(const json_t *json) {
    struct value value = {.type = type_of(json), .json = json};
    if (value.type == DOCUMENT_STRING) {
        value.text = (struct text_view){.bytes = json_string_value(json), .length = json_string_length(json)};
    } else if (value.type == DOCUMENT_NUMBER) {
        value.number = json_number_value(json);
    } else if (value.type == DOCUMENT_BOOLEAN) {
        value.number = json_is_true(json);
    }
    return value;
}

const char *value_name(enum document_type type) {
    return type_names[type];
}

const char *value_describe(const struct value *value, char out[QUOTED_MAX]) {
    if (value->type != DOCUMENT_STRING) {
        return type_names[value->type];
    }
    char shown[SHOWN_MAX];
    readable_print(value->text.bytes, value->text.length, shown, sizeof shown);
    (void)snprintf(out, QUOTED_MAX, "the string \"%s\"", shown);
    return out;
}

enum problem_kind value_refuse(const struct value *value, const char *name, const char *expected,
                               struct problem *problem) {
    char pointer[POINTER_MAX];
    readable_pointer(name, pointer, sizeof pointer);
    if (value->type == DOCUMENT_ABSENT) {
        return problem_set(problem, PROBLEM_MISSING_FIELD, pointer, "\"%s\" is missing; %s is expected", name,
                           expected);
    }
    char what[QUOTED_MAX];
    return problem_set(problem, PROBLEM_WRONG_TYPE, pointer, "\"%s\" is %s; %s is expected", name,
                       value_describe(value, what), expected);
}

bool value_fits(double value, int64_t lowest, int64_t highest, int64_t *out) {
    if (!(value >= (double)lowest && value <= (double)highest) || value != (double)(int64_t)value) {
        return false;
    }
    *out = (int64_t)value;
    return true;
}

void value_range(int64_t lowest, int64_t highest, const char *alternative, char out[QUOTED_MAX]) {
    (void)snprintf(out, QUOTED_MAX, "a whole number from %lld to %lld%s", (long long)lowest, (long long)highest,
                   alternative);
}

enum problem_kind value_refuse_integer(double value, const char *pointer, const char *what, int64_t lowest,
                                       int64_t highest, const char *expected, struct problem *problem) {
    bool inside = value >= (double)lowest && value <= (double)highest;
    char text[NUMBER_TEXT_MAX];
    bool is_exact = fabs(value) < EXACT_END;
    bool is_integer = is_exact && value == (double)(int64_t)value; /* 100000, not 1e+05 */
    int length =
        is_integer ? snprintf(text, sizeof text, "%lld", (long long)value) : (int)number_text_double(value, text);
    return problem_set(problem, inside ? PROBLEM_WRONG_TYPE : PROBLEM_OUT_OF_RANGE, pointer,
                       "%s is %s%.*s; %s is expected", what, is_exact ? "" : "about ", length, text, expected);
}
