#pragma once
/* Internal to handlers. The expressions of a request: "expr", or the members of "exprs". */
#include "handlers/map_operands.h"

struct map_text {
    size_t count;
    bool is_one;                                    /* "expr" */
    const char *names[EXPRESSION_RESULTS_MAX];      /* of exprs' members */
    struct text_view texts[EXPRESSION_RESULTS_MAX]; /* live as long as the document */
    const struct expression_program *program;       /* the call's */
};

/* For decode: refuses a request that has none of them. */
MUST_CHECK enum problem_kind map_text_check_given(struct call *call);

/* For decode: reads and compiles them. Returns what is in call->problem: what is wrong is said with its place. */
MUST_CHECK enum problem_kind map_text_compile(struct call *call, const struct field *own,
                                              const struct map_operands *operands, struct map_text *text);

/* Records that an element of the result has no value. */
enum problem_kind map_text_refuse_element(struct call *call, const struct map_text *text,
                                          const struct expression_shape *shape,
                                          const struct expression_failure *failure);
