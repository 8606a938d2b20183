#include "handlers/map_text.h"

#include "handlers/field.h"
#include "handlers/options.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_BEFORE = 24, SHOWN_AFTER = 16, ELEMENT_MAX = 64 };

/* The line of the text that has the place, or as much of it around there as is shown, and a caret below it. */
struct excerpt {
    const char *bytes;
    int length;
    int column; /* the caret's, in characters */
};

static bool continues_character(char byte) {
    return ((unsigned char)byte & 0xC0U) == 0x80;
}

static struct excerpt excerpt_of(struct text_view text, size_t at) {
    size_t begin = at, end = at;
    int column = 0;
    while (begin > 0 && text.bytes[begin - 1] != '\n' && at - begin < SHOWN_BEFORE) {
        begin--;
    }
    while (begin < at && continues_character(text.bytes[begin])) {
        begin++;
    }
    while (end < text.length && text.bytes[end] != '\n' && end - at < SHOWN_AFTER) {
        end++;
    }
    while (end > at && end < text.length && continues_character(text.bytes[end])) {
        end--;
    }
    for (size_t i = begin; i < at; i++) {
        column += !continues_character(text.bytes[i]);
    }
    return (struct excerpt){text.bytes + begin, (int)(end - begin), column};
}

static void point_to(const struct map_text *text, size_t index, char *out, size_t size) {
    (void)snprintf(out, size, text->is_one ? "/expr" : "/exprs/%s", text->names[index]);
}

/* A name that is an option can't be an operand as well. */
static bool is_option(const struct field *own, struct text_view text, size_t at) {
    char name[ENVELOPE_NAME_MAX];
    size_t length = 0;
    while (at + length < text.length && length < sizeof name - 1 && expression_is_name(text.bytes + at, length + 1)) {
        length++;
    }
    memcpy(name, text.bytes + at, length);
    name[length] = '\0';
    for (; strcmp(own->name, FIELD_ANY) != 0; own++) {
        if (strcmp(own->name, name) == 0) {
            return true;
        }
    }
    return options_has(name);
}

static enum problem_kind refuse_text(struct call *call, const struct field *own, const struct map_text *text,
                                     const struct expression_error *error) {
    struct text_view at_fault = text->texts[error->text];
    char pointer[sizeof call->problem.pointer];
    if (at_fault.length > EXPRESSION_TEXT_MAX) {
        point_to(text, error->text, pointer, sizeof pointer);
        return problem_set(&call->problem, PROBLEM_INVALID_EXPRESSION, pointer, "%s", error->message);
    }
    struct excerpt excerpt = excerpt_of(at_fault, error->byte);
    bool is_taken = strncmp(error->message, "there is no \"", sizeof "there is no \"" - 1) == 0 &&
                    is_option(own, at_fault, error->byte);
    point_to(text, error->text, pointer, sizeof pointer);
    return problem_set(&call->problem, PROBLEM_INVALID_EXPRESSION, pointer, "at character %zu: %s\n%.*s\n%*s^",
                       error->offset,
                       is_taken ? "this is the name of an option: give the operand another name" : error->message,
                       excerpt.length, excerpt.bytes, excerpt.column, "");
}

static enum problem_kind read_texts(struct call *call, struct map_text *text) {
    bool has_one = document_type_of(call->document, "expr") != DOCUMENT_ABSENT;
    bool has_several = document_type_of(call->document, "exprs") != DOCUMENT_ABSENT;
    text->is_one = !has_several;
    text->count = 1;
    if (has_one && has_several) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/exprs",
                           "\"expr\" is one expression, \"exprs\" are several by name; give one of them");
    }
    return has_several ? document_texts(call->document, "exprs", EXPRESSION_RESULTS_MAX, text->names, text->texts,
                                        &text->count, &call->problem)
                       : document_text(call->document, "expr", text->texts, &call->problem);
}

/* An operand that nothing is computed of is a mistake: its name, or the expression's. One of a batch's defaults may be
 * for others. */
static enum problem_kind check_use(struct call *call, const struct map_operands *operands,
                                   const struct map_text *text) {
    for (size_t i = 0; i < operands->count; i++) {
        const char *name = operands->types[i].name;
        if (expression_uses(text->program, i) || (call->is_item && !document_has_own(call->document, name))) {
            continue;
        }
        char pointer[ENVELOPE_NAME_MAX + 4];
        (void)snprintf(pointer, sizeof pointer, "/%s", name);
        return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, pointer,
                           "\"%s\" is no option, and no expression needs it", name);
    }
    return PROBLEM_NONE;
}

enum problem_kind map_text_compile(struct call *call, const struct field *own, const struct map_operands *operands,
                                   struct map_text *text) {
    uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    struct expression_text texts[EXPRESSION_RESULTS_MAX];
    struct expression_error error;
    if (read_texts(call, text)) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < text->count; i++) {
        texts[i] = (struct expression_text){text->texts[i].bytes, text->texts[i].length};
    }
    size_t bytes = expression_compile(texts, text->count, operands->types, operands->count, memory, &error);
    if (bytes == 0) {
        return refuse_text(call, own, text, &error);
    }
    void *program = call_take(call, bytes);
    if (!program) {
        return call->problem.kind;
    }
    memcpy(program, memory, bytes);
    text->program = program;
    return check_use(call, operands, text);
}

/* "[3, 4]", or "7" where there is one dimension. */
static void print_element(const struct expression_shape *shape, size_t element, char out[ELEMENT_MAX]) {
    size_t indices[EXPRESSION_DIMENSIONS_MAX];
    size_t used = 0;
    for (unsigned i = shape->dimensions; i-- > 0;) {
        indices[i] = element % shape->lengths[i];
        element /= shape->lengths[i];
    }
    out[0] = '\0';
    for (unsigned i = 0; i < shape->dimensions && used < ELEMENT_MAX; i++) {
        used += (size_t)snprintf(out + used, ELEMENT_MAX - used, "%s%zu", i > 0 ? ", " : "", indices[i]);
    }
}

enum problem_kind map_text_refuse_element(struct call *call, const struct map_text *text,
                                          const struct expression_shape *shape,
                                          const struct expression_failure *failure) {
    struct text_view at_fault = text->texts[failure->text];
    struct excerpt excerpt = excerpt_of(at_fault, failure->byte);
    char pointer[sizeof call->problem.pointer];
    char element[ELEMENT_MAX];
    size_t character = 0;
    for (size_t i = 0; i < failure->byte; i++) {
        character += !continues_character(at_fault.bytes[i]);
    }
    if (failure->is_reduced) {
        return problem_set(&call->problem,
                           failure->kind == EXPRESSION_OVERFLOW ? PROBLEM_NO_INTEGER : PROBLEM_OUT_OF_RANGE, "/reduce",
                           "result %zu: the %s %s", failure->element, failure->what, failure->problem);
    }
    point_to(text, failure->text, pointer, sizeof pointer);
    print_element(shape, failure->element, element);
    return problem_set(&call->problem, PROBLEM_NO_INTEGER, pointer,
                       "at element [%s] the int64 %s %s: character %zu\n%.*s\n%*s^", element, failure->what,
                       failure->problem, character, excerpt.length, excerpt.bytes, excerpt.column, "");
}
