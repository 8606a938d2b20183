#pragma once
/* .npy arrays in a call's body, one after the other, and one as its reply. Numbers are neither copied on their way in
 * nor on their way out: kernels read and overwrite them where they lie. */
#include "codecs/npy.h"
#include "server/engine/call.h"

struct npy_array {
    char *data; /* in the body, at any alignment */
    enum npy_dtype dtype;
    unsigned dimensions;              /* 0: one number */
    size_t shape[NPY_DIMENSIONS_MAX]; /* 1 where there is no such dimension */
    size_t count;                     /* of numbers */
};

/* For decode: reads the head of the body's array that starts at *offset, and moves *offset behind its data. `name` says
 * which field it is. The body doesn't end at *offset, unless it is empty. Returns call->problem.kind. */
MUST_CHECK enum problem_kind npy_array_next(struct call *call, size_t *offset, const char *name,
                                            struct npy_array *array);

/* For decode: refuses an array, the field `name`, of another dtype than that of the field "x". Returns
 * call->problem.kind. */
MUST_CHECK enum problem_kind npy_array_check_dtype(struct call *call, const struct npy_array *x, const char *name,
                                                   const struct npy_array *array);

/* For decode: refuses a body that goes on at `offset`, after the last array. Returns call->problem.kind. */
MUST_CHECK enum problem_kind npy_array_end(struct call *call, size_t offset);

/* For load: the data, aligned for its type; moved over its own head where it wasn't. Once per array. */
void *npy_array_align(const struct npy_array *array);

/* For an answer in JSON: the numbers as doubles, `values` itself where they are. NULL: call->problem says why. */
double *npy_array_widen(struct call *call, void *values, enum npy_dtype dtype, size_t count);

/* For load: memory of the call for a result that may become an .npy reply: there is room for the head before it.
 * `bytes` are known to be within the memory budget, or at most what the body has. */
void *npy_array_take(struct call *call, size_t bytes);

/* For encode: makes one array the reply. Its numbers, in the body or from npy_array_take, are sent from where they are:
 * they live as long as the call. Returns call->problem.kind. */
MUST_CHECK enum problem_kind npy_array_reply(struct call *call, void *values, enum npy_dtype dtype, unsigned dimensions,
                                             const size_t *shape);
