#pragma once
/* Internal to handlers. The operands of an expression: every member of a request that isn't an option, and the arrays
 * of a .npy body, in the order of the query's "names". */
#include "handlers/operand.h"
#include "kernels/expression/expression.h"

struct map_operands {
    size_t count;
    struct operand *operands; /* the call's, as all below */
    struct expression_operand *types;
    struct expression_array *arrays;
    struct expression_shape shape; /* what all of them are broadcast to */
};

/* The endpoint's own fields; FIELD_ANY ends them. */
struct field;

/* For decode, after options_decode: finds and measures them, and what their shapes make together. Returns what is in
 * call->problem. */
MUST_CHECK enum problem_kind map_operands_find(struct call *call, const struct field *own, struct map_operands *map);

/* For load: their values. */
MUST_CHECK enum problem_kind map_operands_load(struct call *call, struct map_operands *map);

/* Those whose place a result of that dtype may take, NULL at the end: `over` has room for one more than there are. */
void map_operands_list_whole(const struct map_operands *map, const struct operand **over);

uint64_t map_operands_cost_ns(const struct map_operands *map);
