#include "codecs/json/document_error.h"

#include "codecs/json/json_check.h"
#include "codecs/json/readable.h"
#include "codecs/numbers/number_read.h"
#include "codecs/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_MAX = 160, SHOWN_MAX = 64, POINTER_MAX = sizeof((struct problem *)0)->pointer };

/* What is right by the grammar, and still wrong. PROBLEM_NONE: jansson has lost its way, and where it did is
 * json_check's to say: what jansson names is the end of a token that it has read on to. */
static enum problem_kind kind_of(const json_error_t *error) {
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return PROBLEM_DUPLICATE_KEY;
    case json_error_numeric_overflow:
        return PROBLEM_NUMBER_OVERFLOW;
    case json_error_null_byte_in_key:
        return PROBLEM_INVALID_JSON;
    default:
        return PROBLEM_NONE;
    }
}

/* The first byte of the number that ends at `end`. */
static size_t begin_of_number(const char *bytes, size_t end) {
    while (end > 0 && strchr("0123456789+-.eE", bytes[end - 1])) {
        end--;
    }
    return end;
}

/* The first byte of the string that ends at `end`: within it each quote has a backslash before it, and that one hasn't.
 */
static size_t begin_of_string(const char *bytes, size_t end) {
    size_t at = end - 1;
    while (at > 1 && (bytes[at - 1] != '"' || bytes[at - 2] == '\\')) {
        at--;
    }
    return at - 1;
}

/* Just after the string whose inside starts at `at`. */
static size_t skip_string(const char *bytes, size_t end, size_t at) {
    while (at < end && bytes[at] != '"') {
        at += bytes[at] == '\\' ? 2 : 1;
    }
    return at + 1;
}

/* The root's member that byte `end` is in, as far as that, which is JSON, tells: its name as it is written. */
static struct text_view find_member(const char *bytes, size_t end) {
    struct text_view name = {.bytes = "", .length = 0};
    size_t depth = 0;
    bool is_name = false;
    for (size_t at = 0; at < end;) {
        char byte = bytes[at++];
        if (byte == '"') {
            size_t next = skip_string(bytes, end, at);
            if (is_name && next <= end) {
                name = (struct text_view){.bytes = bytes + at, .length = next - 1 - at};
            }
            is_name = false;
            at = next;
        } else if (byte == '{' || byte == '[') {
            is_name = byte == '{' && depth == 0;
            depth++;
        } else if (byte == '}' || byte == ']') {
            depth--;
        } else if (byte == ',') {
            is_name = depth == 1;
        }
    }
    return name;
}

/* jansson names the number, which begins at `at`. */
static enum problem_kind explain_overflow(const char *bytes, size_t at, const char *text, struct problem *problem) {
    char name[SHOWN_MAX];
    char pointer[POINTER_MAX];
    char where[SHOWN_MAX + sizeof " in \"\""] = "";
    struct text_view member = find_member(bytes, at);
    readable_print(member.bytes, member.length, name, sizeof name);
    readable_pointer(name, pointer, sizeof pointer);
    if (member.length > 0) {
        (void)snprintf(where, sizeof where, " in \"%s\"", name);
    }
    return problem_set(problem, PROBLEM_NUMBER_OVERFLOW, member.length > 0 ? pointer : NULL,
                       "at byte %zu: %s%s; a double ends at " NUMBER_LARGEST_TEXT, at + 1, text, where);
}

/* jansson counts in an int, which wraps around; 0: in such a body the count says nothing. */
static size_t end_of_token(const json_error_t *error, size_t length) {
    return length <= UINT32_MAX ? (uint32_t)error->position : 0;
}

enum problem_kind document_error_explain(const char *bytes, size_t length, const json_error_t *error,
                                         struct problem *problem) {
    char text[QUOTED_MAX];
    const char *rest;
    struct problem form = {0};
    enum problem_kind kind = kind_of(error);
    size_t end = kind ? end_of_token(error, length) : 0;
    bool is_form = json_check_body(bytes, 0, end > 0 ? end : length, NULL, &form) != PROBLEM_NONE;
    if (is_form && (end == 0 || problem_byte(&form, &rest) <= end)) {
        return problem_set(problem, form.kind, NULL, "%s", form.detail);
    }
    readable_print(error->text, strnlen(error->text, sizeof error->text), text, sizeof text);
    if (end == 0) {
        return problem_set(problem, kind ? kind : PROBLEM_INVALID_JSON, NULL, "%s", text);
    }
    if (kind == PROBLEM_NUMBER_OVERFLOW) {
        return explain_overflow(bytes, begin_of_number(bytes, end), text, problem);
    }
    return problem_set(problem, kind, NULL, "at byte %zu: %s", begin_of_string(bytes, end) + 1, text);
}
