#include "handlers/npy_array.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { POINTER_BYTES = 34 };

static enum problem_kind refuse_end(struct call *call, const char *name, const struct npy_head *head,
                                    size_t available) {
    char pointer[POINTER_BYTES];
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    if (!head->complete) {
        return problem_set(&call->problem, PROBLEM_INVALID_NPY, pointer, "the body ends within the head of \"%s\"",
                           name);
    }
    return problem_set(&call->problem, PROBLEM_INVALID_NPY, pointer,
                       "\"%s\" has %zu bytes of numbers; the body ends after %zu of them", name, head->data_bytes,
                       available - head->head_bytes);
}

enum problem_kind npy_array_next(struct call *call, size_t *offset, const char *name, struct npy_array *array) {
    struct npy_head head;
    size_t available = call->body.length - *offset;
    if (call->body.length == 0) {
        return problem_set(&call->problem, PROBLEM_EMPTY_BODY, NULL, "an array in the .npy format is expected");
    }
    if (npy_read_head(call->body.bytes + *offset, available, &head, name, &call->problem)) {
        return call->problem.kind;
    }
    if (!head.complete || available - head.head_bytes < head.data_bytes) {
        return refuse_end(call, name, &head, available);
    }
    *array = (struct npy_array){.data = call->body.bytes + *offset + head.head_bytes,
                                .dtype = head.dtype,
                                .dimensions = head.dimensions,
                                .count = head.count};
    memcpy(array->shape, head.shape, sizeof array->shape);
    *offset += head.head_bytes + head.data_bytes;
    return PROBLEM_NONE;
}

static const char *dtype_name(enum npy_dtype dtype) {
    return dtype == NPY_FLOAT32 ? "float32" : "float64";
}

enum problem_kind npy_array_check_dtype(struct call *call, const struct npy_array *x, const char *name,
                                        const struct npy_array *array) {
    if (array->dtype == x->dtype) {
        return PROBLEM_NONE;
    }
    char pointer[POINTER_BYTES];
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer,
                       "\"x\" is %s, \"%s\" is %s; they have one dtype: %s.astype(x.dtype) converts",
                       dtype_name(x->dtype), name, dtype_name(array->dtype), name);
}

enum problem_kind npy_array_end(struct call *call, size_t offset) {
    if (offset == call->body.length) {
        return PROBLEM_NONE;
    }
    return problem_set(&call->problem, PROBLEM_INVALID_NPY, NULL,
                       "at byte %zu of the body: its end is expected, no more arrays and no other bytes", offset);
}

/* A head is longer than any number, so the array moves less than it is long. */
void *npy_array_align(const struct npy_array *array) {
    size_t size = npy_number_bytes(array->dtype);
    char *aligned = array->data - (uintptr_t)array->data % size;
    if (aligned != array->data) {
        memmove(aligned, array->data, array->count * size);
    }
    return aligned;
}

double *npy_array_widen(struct call *call, void *values, enum npy_dtype dtype, size_t count) {
    if (dtype == NPY_FLOAT64) {
        return values;
    }
    double *wide = call_take(call, count * sizeof *wide);
    if (wide) {
        npy_doubles(wide, values, dtype, count);
    }
    return wide;
}

void *npy_array_take(struct call *call, size_t bytes) {
    char *block = call_take(call, NPY_HEAD_WRITTEN + bytes);
    return block ? block + NPY_HEAD_WRITTEN : NULL;
}

/* Is there room for a head? What is in the body is behind its own, which may be shorter than the reply's. (No numbers
 * may be at the body's very end. What npy_array_take gave begins later than any block.) */
static bool has_room(const struct call *call, const char *values) {
    bool is_in_body =
        call->body.bytes && values >= call->body.bytes && values <= call->body.bytes + call->body.capacity;
    return !is_in_body || values - call->body.bytes >= NPY_HEAD_WRITTEN;
}

enum problem_kind npy_array_reply(struct call *call, void *values, enum npy_dtype dtype, unsigned dimensions,
                                  const size_t *shape) {
    size_t bytes = npy_number_bytes(dtype);
    for (unsigned i = 0; i < dimensions; i++) {
        bytes *= shape[i];
    }
    struct reply_piece *pieces = call_take(call, 2 * sizeof *pieces);
    bool is_one = has_room(call, values);
    char *head = is_one ? (char *)values - NPY_HEAD_WRITTEN : call_take(call, NPY_HEAD_WRITTEN);
    if (!pieces || !head) {
        return call->problem.kind;
    }
    npy_write_head(head, dtype, dimensions, shape);
    pieces[0] = (struct reply_piece){.bytes = head, .length = NPY_HEAD_WRITTEN + (is_one ? bytes : 0)};
    pieces[1] = (struct reply_piece){.bytes = values, .length = bytes};
    call->reply_pieces = pieces;
    call->reply_piece_count = is_one ? 1 : 2;
    return PROBLEM_NONE;
}
