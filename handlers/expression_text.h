#pragma once
/* Internal to handlers. A text of the caller's, compiled, and what is wrong with it said with its place and a caret
 * below it: what the endpoints that take expressions have in common. */
#include "codecs/npy.h"
#include "kernels/expression/expression.h"
#include "server/engine/call.h"

struct field;

/* The expressions of a request over one list of operands. */
struct expression_source {
    const struct field *own; /* the endpoint's own fields, which FIELD_ANY ends: no operand has the name of one */
    const struct text_view *texts;
    size_t text_count;
    const struct expression_operand *operands;
    size_t operand_count;
    /* What is said, besides, where the text has the name of an option; and where it has a name that stands for nothing.
     */
    const char *taken;
    const char *absent;
    /* A text's JSON pointer, in at most `size` bytes. */
    void (*point_to)(const void *context, size_t text, char *out, size_t size);
    const void *context;
};

/* As arrays have it. */
enum npy_dtype expression_text_dtype(enum expression_type type);

/* Is it the name of an option, or of a field of the endpoint's own? Then no operand has it. */
bool expression_text_is_option(const struct field *own, const char *name);

/* Refuses a member that can be no operand. */
enum problem_kind expression_text_refuse_name(struct call *call, const char *name, const char *why);

/* Of a member that was refused as an operand, or for its value: was an option meant by it, which isn't there? Then the
 * problem says so. Or is it an option, and the expression means an operand by its name? */
void expression_text_suggest(struct call *call, const struct field *own);

/* Refuses a request that has neither "expr" nor the `other`: `missing` says what they are, and the member is named by
 * which one of them may be meant. */
enum problem_kind expression_text_refuse_missing(struct call *call, const char *other, const char *missing);

/* Refuses a name that no operand may have, since the text couldn't say it. */
MUST_CHECK enum problem_kind expression_text_check_name(struct call *call, const char *name);

/* For decode: the program, in memory of the call. Returns what is in call->problem. */
MUST_CHECK enum problem_kind expression_text_compile(struct call *call, const struct expression_source *source,
                                                     const struct expression_program **program);

/* Refuses a member of the request that the program doesn't use, but for one of a batch's defaults, which may be for
 * other items. */
MUST_CHECK enum problem_kind expression_text_check_use(struct call *call, const struct expression_program *program,
                                                       size_t operand, const char *name);

/* Records that a reduction's result has no value. `name` is its text's where there are several, else NULL. */
enum problem_kind expression_text_refuse_result(struct call *call, const char *name,
                                                const struct expression_failure *failure);

/* Records that an element of the result, or where the failure is a reduction's that one, has no value. `pointer` is
 * that of its text. */
enum problem_kind expression_text_refuse_element(struct call *call, struct text_view text, const char *pointer,
                                                 const struct expression_shape *shape,
                                                 const struct expression_failure *failure);
