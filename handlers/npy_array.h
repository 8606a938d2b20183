#pragma once
/* .npy arrays in a call's body, one after the other, and one as its reply. Numbers are neither copied on their way in
 * nor on their way out: kernels read and overwrite them where they lie. */
#include "codecs/npy.h"
#include "server/call.h"

/* At most one dimension. */
struct npy_array {
    char *data; /* in the body, at any alignment */
    size_t count;
    enum npy_dtype dtype;
    bool is_number; /* no dimension: one number */
};

/* For decode: reads the head of the body's array that starts at *offset, and moves *offset behind its data. `name` says
 * which field it is. Where the body ends at *offset the field is missing. Returns call->problem.kind. */
MUST_CHECK enum problem_kind npy_array_next(struct call *call, size_t *offset, const char *name,
                                            struct npy_array *array);

/* For decode: refuses a body that goes on at `offset`, after the last array. Returns call->problem.kind. */
MUST_CHECK enum problem_kind npy_array_end(struct call *call, size_t offset);

/* For load: the data, aligned for its type; moved over its own head where it wasn't. Once per array. */
void *npy_array_align(const struct npy_array *array);

/* For encode: makes one array of `count` numbers the reply. They are sent from where they are: they live as long as the
 * call. Returns call->problem.kind. */
MUST_CHECK enum problem_kind npy_array_reply(struct call *call, const void *values, enum npy_dtype dtype, size_t count);
