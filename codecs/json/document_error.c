#include "codecs/json/document_error.h"

#include "codecs/json/readable.h"
#include "codecs/numbers/number_read.h"
#include "codecs/text.h"

#include <stdio.h>
#include <string.h>

enum { QUOTED_MAX = 160, SHOWN_MAX = 64, POINTER_MAX = sizeof((struct problem *)0)->pointer };

static enum problem_kind kind_of(enum json_error_code code) {
    switch (code) {
    case json_error_invalid_utf8:
        return PROBLEM_INVALID_UTF8;
    case json_error_end_of_input_expected:
        return PROBLEM_TRAILING_DATA;
    case json_error_duplicate_key:
        return PROBLEM_DUPLICATE_KEY;
    case json_error_stack_overflow:
        return PROBLEM_TOO_DEEP;
    case json_error_numeric_overflow:
        return PROBLEM_NUMBER_OVERFLOW;
    default: /* syntax, an early end, a NUL in a name: what is left that a body can cause */
        return PROBLEM_INVALID_JSON;
    }
}

/* Of the first byte that can't be there, from 1. jansson counts the bytes that it has taken, and it gives these back.
 */
static unsigned position_of(const json_error_t *error) {
    bool is_given_back = json_error_code(error) == json_error_invalid_utf8 ||
                         strncmp(error->text, "unexpected newline", strlen("unexpected newline")) == 0 ||
                         strncmp(error->text, "control character", strlen("control character")) == 0;
    return (unsigned)error->position + is_given_back;
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

/* jansson names the number. */
static enum problem_kind explain_overflow(const char *bytes, const json_error_t *error, const char *text,
                                          struct problem *problem) {
    char name[SHOWN_MAX];
    char pointer[POINTER_MAX];
    char where[SHOWN_MAX + sizeof " in \"\""] = "";
    struct text_view member = find_member(bytes, (size_t)error->position);
    readable_print(member.bytes, member.length, name, sizeof name);
    readable_pointer(name, pointer, sizeof pointer);
    if (member.length > 0) {
        (void)snprintf(where, sizeof where, " in \"%s\"", name);
    }
    return problem_set(problem, PROBLEM_NUMBER_OVERFLOW, member.length > 0 ? pointer : NULL,
                       "at byte %u: %s%s; a double ends at " NUMBER_LARGEST_TEXT, (unsigned)error->position, text,
                       where);
}

enum problem_kind document_error_explain(const char *bytes, const json_error_t *error, struct problem *problem) {
    char text[QUOTED_MAX];
    readable_print(error->text, strnlen(error->text, sizeof error->text), text, sizeof text);
    enum problem_kind kind = kind_of(json_error_code(error));
    if (kind == PROBLEM_NUMBER_OVERFLOW) {
        return explain_overflow(bytes, error, text, problem);
    }
    return problem_set(problem, kind, NULL, "at byte %u: %s", position_of(error), text);
}
