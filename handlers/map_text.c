#include "handlers/map_text.h"

#include "codecs/json/readable.h"
#include "handlers/expression_text.h"

static void point_to(const void *context, size_t index, char *out, size_t size) {
    const struct map_text *text = context;
    readable_pointer(text->is_one ? "expr" : "exprs", out, size);
    if (!text->is_one) {
        readable_pointer_append(text->names[index], out, size);
    }
}

enum problem_kind map_text_check_given(struct call *call) {
    return document_type_of(call->document, "expr") == DOCUMENT_ABSENT &&
                   document_type_of(call->document, "exprs") == DOCUMENT_ABSENT
               ? expression_text_refuse_missing(call, "exprs", "what is to be computed; or \"exprs\", several by name")
               : PROBLEM_NONE;
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

/* An operand that nothing is computed of is a mistake: its name, or the expression's. */
static enum problem_kind check_use(struct call *call, const struct map_operands *operands,
                                   const struct map_text *text) {
    for (size_t i = 0; i < operands->count; i++) {
        if (expression_text_check_use(call, text->program, i, operands->types[i].name)) {
            return call->problem.kind;
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind map_text_compile(struct call *call, const struct field *own, const struct map_operands *operands,
                                   struct map_text *text) {
    if (read_texts(call, text)) {
        return call->problem.kind;
    }
    const struct expression_source source = {
        .own = own,
        .texts = text->texts,
        .text_count = text->count,
        .operands = operands->types,
        .operand_count = operands->count,
        .taken = "give the operand another name",
        .absent = operands->count == 0 ? "; a member of this name would be an operand" : "",
        .point_to = point_to,
        .context = text};
    return expression_text_compile(call, &source, &text->program) ? call->problem.kind
                                                                  : check_use(call, operands, text);
}

enum problem_kind map_text_refuse_element(struct call *call, const struct map_text *text,
                                          const struct expression_shape *shape,
                                          const struct expression_failure *failure) {
    char pointer[sizeof call->problem.pointer];
    if (failure->is_reduced && !text->is_one) {
        return expression_text_refuse_result(call, text->names[failure->text], failure);
    }
    point_to(text, failure->text, pointer, sizeof pointer);
    return expression_text_refuse_element(call, text->texts[failure->text], pointer, shape, failure);
}
