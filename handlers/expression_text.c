#include "handlers/expression_text.h"

#include "codecs/json/readable.h"
#include "handlers/excerpt.h"
#include "handlers/field.h"
#include "handlers/near_name.h"
#include "handlers/options.h"
#include "handlers/query_document.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 48 };

static bool continues_character(char byte) {
    return ((unsigned char)byte & 0xC0U) == 0x80;
}

enum npy_dtype expression_text_dtype(enum expression_type type) {
    static const enum npy_dtype dtypes[] = {[EXPRESSION_BOOL] = NPY_BOOL,
                                            [EXPRESSION_INT64] = NPY_INT64,
                                            [EXPRESSION_FLOAT32] = NPY_FLOAT32,
                                            [EXPRESSION_FLOAT64] = NPY_FLOAT64};
    return dtypes[type];
}

bool expression_text_is_option(const struct field *own, const char *name) {
    for (; strcmp(own->name, FIELD_ANY) != 0; own++) {
        if (own->name[0] == name[0] && strcmp(own->name, name) == 0) {
            return true;
        }
    }
    return options_has(name);
}

enum problem_kind expression_text_refuse_name(struct call *call, const char *name, const char *why) {
    char pointer[sizeof call->problem.pointer];
    char shown[SHOWN_MAX];
    readable_pointer(name, pointer, sizeof pointer);
    return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, pointer, "\"%s\" %s",
                       readable_print(name, strlen(name), shown, sizeof shown), why);
}

/* There is no document of a query that can't be read. */
static bool is_missing(const struct call *call, const char *option) {
    return !call->document || document_type_of(call->document, option) == DOCUMENT_ABSENT;
}

/* --- a name that is an option, too ------------------------------------------------------------------------------- */

static bool is_one_of(char byte, const char *bytes) {
    return byte != '\0' && strchr(bytes, byte);
}

static bool is_word(char byte) {
    return byte == '_' || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* In a comment nothing is said. */
static bool says(struct text_view text, const char *name) {
    size_t length = strlen(name);
    bool is_comment = false;
    for (size_t i = 0; i + length <= text.length; i++) {
        is_comment = text.bytes[i] == '#' || (is_comment && text.bytes[i] != '\n');
        if (is_comment) {
            continue;
        }
        bool begins = i == 0 || !is_word(text.bytes[i - 1]);
        bool ends = i + length == text.length || !is_word(text.bytes[i + length]);
        if (begins && ends && memcmp(text.bytes + i, name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Does an expression of the request say the name? What can't be read says nothing, as what is too long. */
static bool text_says(const struct call *call, const char *name) {
    const char *names[EXPRESSION_RESULTS_MAX];
    struct text_view texts[EXPRESSION_RESULTS_MAX + 1];
    struct problem one = {0}, several = {0};
    size_t count = 0;
    if (document_texts(call->document, "exprs", EXPRESSION_RESULTS_MAX, names, texts, &count, &several)) {
        count = 0;
    }
    count += !document_text(call->document, "expr", &texts[count], &one);
    bool is_said = false;
    for (size_t i = 0; i < count && !is_said; i++) {
        is_said = texts[i].length <= EXPRESSION_TEXT_MAX && says(texts[i], name);
    }
    return is_said;
}

/* Whoever means an operand by the name of an option reads first what is wrong with the option: the value that the
 * operand would have, or that another option is missing. Adds what is wrong then, to a problem that speaks of it. */
static void explain_option(struct call *call, const char *option) {
    struct problem *problem = &call->problem;
    char quoted[ENVELOPE_NAME_MAX + 4];
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", option);
    if (!is_missing(call, option) && strstr(problem->detail, quoted) && text_says(call, option)) {
        size_t used = strlen(problem->detail);
        (void)snprintf(problem->detail + used, sizeof problem->detail - used,
                       "; %s is the name of an option: an operand needs another name", quoted);
    }
}

static void explain_options(struct call *call, const struct field *own) {
    enum problem_kind kind = call->problem.kind;
    const char *option = NULL;
    if (!call->document ||
        (kind != PROBLEM_WRONG_TYPE && kind != PROBLEM_OUT_OF_RANGE && kind != PROBLEM_MISSING_FIELD &&
         kind != PROBLEM_UNKNOWN_FIELD && kind != PROBLEM_CONFLICTING_FIELDS)) {
        return;
    }
    for (; strcmp(own->name, FIELD_ANY) != 0; own++) {
        explain_option(call, own->name);
    }
    for (size_t i = 0; (option = options_name(i)); i++) {
        explain_option(call, option);
    }
}

void expression_text_suggest(struct call *call, const struct field *own) {
    struct problem *problem = &call->problem;
    explain_options(call, own);
    const char *name = problem->pointer + (problem->pointer[0] == '/');
    struct text_view member = {name, strlen(name)};
    size_t least = near_name_limit(member);
    const char *nearest = NULL;
    if ((problem->kind != PROBLEM_WRONG_TYPE && problem->kind != PROBLEM_UNKNOWN_FIELD) ||
        expression_text_is_option(own, name)) {
        return;
    }
    for (; strcmp(own->name, FIELD_ANY) != 0; own++) {
        nearest = is_missing(call, own->name) && near_name_is(member, own->name, &least) ? own->name : nearest;
    }
    const char *option = NULL;
    for (size_t i = 0; (option = options_name(i)); i++) {
        nearest = is_missing(call, option) && near_name_is(member, option, &least) ? option : nearest;
    }
    if (nearest) {
        size_t used = strlen(problem->detail);
        (void)snprintf(problem->detail + used, sizeof problem->detail - used, "; did you mean \"%s\"?", nearest);
    }
}

/* What of the members looks most like "expr" or the other; NULL: none does. */
struct meant {
    const char *other;
    const char *member;
    size_t apart;
};

static bool visit_meant(void *context, const char *name) {
    struct meant *meant = context;
    struct text_view member = {name, strlen(name)};
    size_t least = near_name_limit(member);
    bool is_near = near_name_is(member, "expr", &least) || near_name_is(member, meant->other, &least);
    if (is_near && least < meant->apart) {
        meant->member = name;
        meant->apart = least;
    }
    return true;
}

enum problem_kind expression_text_refuse_missing(struct call *call, const char *other, const char *missing) {
    struct meant meant = {.other = other, .apart = SIZE_MAX};
    document_visit_names(call->document, visit_meant, &meant);
    return problem_set(&call->problem, PROBLEM_MISSING_FIELD, "/expr", "\"expr\" is missing, %s%s%s%s", missing,
                       meant.member ? "; is it meant by \"" : "", meant.member ? meant.member : "",
                       meant.member ? "\"?" : "");
}

#define NO_NAME                                                                                                        \
    "is no option, and no name of an operand: letters, digits and _, at most 31 of them, and none of Python's own "    \
    "words"

enum problem_kind expression_text_check_name(struct call *call, const char *name) {
    bool is_cut = call->order->body_media != MEDIA_JSON && query_document_is_cut(name, strlen(name));
    return expression_is_name(name, strlen(name))
               ? PROBLEM_NONE
               : expression_text_refuse_name(call, name,
                                             is_cut ? NO_NAME "; a & within a text is written %26" : NO_NAME);
}

/* A name that is an option can't be an operand as well. */
static bool names_option(const struct field *own, struct text_view text, size_t at) {
    char name[ENVELOPE_NAME_MAX];
    size_t length = 0;
    while (at + length < text.length && length < sizeof name - 1 && expression_is_name(text.bytes + at, length + 1)) {
        length++;
    }
    memcpy(name, text.bytes + at, length);
    name[length] = '\0';
    return expression_text_is_option(own, name);
}

/* "x+y" that stands in a query as it is comes as "x y". The mistake is found at the second operand, or if that is
 * "(y)" or the exponent of a number, at the first. Python's own words are no operands. */
static bool lost_plus(const struct call *call, struct text_view text, size_t at) {
    size_t before = at, end = at;
    if (call->order->body_media == MEDIA_JSON || at == text.length) {
        return false;
    }
    while (before > 0 && text.bytes[before - 1] == ' ') {
        before--;
    }
    while (end < text.length && is_word(text.bytes[end])) {
        end++;
    }
    size_t next = end;
    while (next < text.length && text.bytes[next] == ' ') {
        next++;
    }
    bool is_operand = is_one_of(text.bytes[at], ".(0123456789") || expression_is_name(text.bytes + at, end - at);
    bool comes_second =
        before > 0 && before < at && (is_word(text.bytes[before - 1]) || is_one_of(text.bytes[before - 1], ".)"));
    bool comes_first = end > at && next > end && next < text.length && is_one_of(text.bytes[next], "(0123456789");
    return is_operand && (comes_second || comes_first);
}

static enum problem_kind refuse_text(struct call *call, const struct expression_source *source,
                                     const struct expression_error *error) {
    struct text_view at_fault = source->texts[error->text];
    char pointer[sizeof call->problem.pointer];
    source->point_to(source->context, error->text, pointer, sizeof pointer);
    if (at_fault.length > EXPRESSION_TEXT_MAX) {
        return problem_set(&call->problem, PROBLEM_INVALID_EXPRESSION, pointer, "%s", error->message);
    }
    struct excerpt excerpt;
    excerpt_make(at_fault, error->byte, &excerpt);
    bool is_taken = error->names_nothing && names_option(source->own, at_fault, error->byte);
    return problem_set(&call->problem, PROBLEM_INVALID_EXPRESSION, pointer, "at character %zu: %s%s\n%s\n%s^",
                       error->offset + 1, is_taken ? "this is the name of an option: " : error->message,
                       is_taken                                 ? source->taken
                       : error->names_nothing                   ? source->absent
                       : lost_plus(call, at_fault, error->byte) ? "; a + in a query is a space: write %2B"
                                                                : "",
                       excerpt.line, excerpt.indent);
}

enum problem_kind expression_text_compile(struct call *call, const struct expression_source *source,
                                          const struct expression_program **program) {
    uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    struct expression_text texts[EXPRESSION_RESULTS_MAX];
    struct expression_error error;
    for (size_t i = 0; i < source->text_count; i++) {
        texts[i] = (struct expression_text){source->texts[i].bytes, source->texts[i].length};
    }
    size_t bytes =
        expression_compile(texts, source->text_count, source->operands, source->operand_count, memory, &error);
    if (bytes == 0) {
        return refuse_text(call, source, &error);
    }
    void *copy = call_take(call, bytes);
    if (!copy) {
        return call->problem.kind;
    }
    memcpy(copy, memory, bytes);
    *program = copy;
    return PROBLEM_NONE;
}

enum problem_kind expression_text_check_use(struct call *call, const struct expression_program *program, size_t operand,
                                            const char *name) {
    char pointer[ENVELOPE_NAME_MAX + 4];
    if (expression_uses(program, operand) || (call->is_item && !document_has_own(call->document, name))) {
        return PROBLEM_NONE;
    }
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, pointer,
                       expression_assigns(program, operand)
                           ? "\"%s\" is given another value before anything is computed of what the request has"
                           : "\"%s\" is no option, and no expression needs it",
                       name);
}

enum problem_kind expression_text_refuse_result(struct call *call, const char *name,
                                                const struct expression_failure *failure) {
    return problem_set(&call->problem, failure->kind == EXPRESSION_OVERFLOW ? PROBLEM_NO_INTEGER : PROBLEM_OUT_OF_RANGE,
                       "/reduce", "%s%sresult %zu: the %s %s", name ? name : "", name ? ", " : "", failure->element,
                       failure->what, failure->problem);
}

enum problem_kind expression_text_refuse_element(struct call *call, struct text_view text, const char *pointer,
                                                 const struct expression_shape *shape,
                                                 const struct expression_failure *failure) {
    struct excerpt excerpt;
    char element[NPY_INDEX_MAX];
    size_t character = 0;
    if (failure->is_reduced) {
        return expression_text_refuse_result(call, NULL, failure);
    }
    for (size_t i = 0; i < failure->byte; i++) {
        character += !continues_character(text.bytes[i]);
    }
    excerpt_make(text, failure->byte, &excerpt);
    npy_print_index(shape->lengths, shape->dimensions, failure->element, ", ", element);
    return problem_set(&call->problem, PROBLEM_NO_INTEGER, pointer,
                       "at element [%s] the int64 %s %s: character %zu\n%s\n%s^", element, failure->what,
                       failure->problem, character + 1, excerpt.line, excerpt.indent);
}
