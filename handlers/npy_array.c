#include "handlers/npy_array.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { POINTER_BYTES = 34 };

static enum problem_kind refuse_end(struct call *call, const char *pointer, const struct npy_head *head,
                                    size_t available) {
    if (!head->complete) {
        return problem_set(&call->problem, PROBLEM_INVALID_NPY, pointer, "the body ends within the array's head");
    }
    return problem_set(&call->problem, PROBLEM_INVALID_NPY, pointer,
                       "the array has %zu bytes of numbers; the body ends after %zu of them", head->data_bytes,
                       available - head->head_bytes);
}

enum problem_kind npy_array_next(struct call *call, size_t *offset, const char *name, struct npy_array *array) {
    char pointer[POINTER_BYTES];
    struct npy_head head;
    size_t available = call->body_length - *offset;
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    if (call->body_length == 0) {
        return problem_set(&call->problem, PROBLEM_EMPTY_BODY, NULL, "an array in the .npy format is expected");
    }
    if (available == 0) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, pointer,
                           "\"%s\" is missing; it is a number in the query, or one more array in the body", name);
    }
    if (npy_read_head(call->body + *offset, available, &head, pointer, &call->problem)) {
        return call->problem.kind;
    }
    if (!head.complete || available - head.head_bytes < head.data_bytes) {
        return refuse_end(call, pointer, &head, available);
    }
    if (head.dimensions > 1) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer,
                           "\"%s\" has %u dimensions; one is expected: x.ravel() makes it one", name, head.dimensions);
    }
    *array = (struct npy_array){.data = call->body + *offset + head.head_bytes,
                                .count = head.count,
                                .dtype = head.dtype,
                                .is_number = head.dimensions == 0};
    *offset += head.head_bytes + head.data_bytes;
    return PROBLEM_NONE;
}

enum problem_kind npy_array_end(struct call *call, size_t offset) {
    if (offset == call->body_length) {
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

enum problem_kind npy_array_reply(struct call *call, const void *values, enum npy_dtype dtype, size_t count) {
    char head[NPY_HEAD_WRITTEN];
    npy_write_head(head, dtype, 1, &count);
    json_raw(&call->reply, head, sizeof head); /* a writer of bytes here */
    if (count == 0) {
        return PROBLEM_NONE;
    }
    struct reply_piece *piece = call_take(call, sizeof *piece);
    if (!piece) {
        return call->problem.kind;
    }
    *piece = (struct reply_piece){.bytes = values, .length = count * npy_number_bytes(dtype)};
    call->reply_pieces = piece;
    call->reply_piece_count = 1;
    call->reply_pieces_at = call->reply.length;
    return PROBLEM_NONE;
}
