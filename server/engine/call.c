#include "server/engine/call.h"

#include <string.h>

void *call_take(struct call *call, size_t bytes) {
    if (call->block_count == CALL_BLOCKS_MAX) {
        problem_set(&call->problem, PROBLEM_INTERNAL, NULL, "a handler took more than %d blocks", CALL_BLOCKS_MAX);
        return NULL;
    }
    void *block = memory_take(call->memory, bytes > 0 ? bytes : 1);
    if (!block) {
        call_memory_short(call, bytes);
        return NULL;
    }
    call->blocks[call->block_count].block = block;
    call->blocks[call->block_count].bytes = bytes > 0 ? bytes : 1;
    call->block_count++;
    return block;
}

enum problem_kind call_memory_short(struct call *call, size_t bytes) {
    size_t held = call->memory_held_bytes ? *call->memory_held_bytes : 0;
    size_t limit = call->memory_limit_bytes;
    if (held > limit || bytes > limit - held) {
        return problem_set(&call->problem, PROBLEM_MEMORY_LIMIT, NULL,
                           "the request holds %zu bytes and needs %zu more, the limit (--memory) is %zu in all", held,
                           bytes, limit);
    }
    return problem_set(
        &call->problem, PROBLEM_MEMORY_BUSY, NULL,
        "the request needs %zu bytes beside the %zu it has; of the %zu in all (--memory) others hold too "
        "many just now",
        bytes, held, limit);
}

void call_drop_body(struct call *call) {
    if (call->body) {
        memory_give(call->memory, call->body, call->body_capacity);
    }
    call->body = NULL;
    call->body_length = 0;
    call->body_capacity = 0;
}

static void free_decoded(struct call *call, size_t kept_blocks) {
    document_free(call->document);
    call->document = NULL;
    while (call->block_count > kept_blocks) {
        call->block_count--;
        memory_give(call->memory, call->blocks[call->block_count].block, call->blocks[call->block_count].bytes);
    }
}

void call_restart(struct call *call, size_t kept_blocks) {
    free_decoded(call, kept_blocks);
    call->demand = (struct demand){0};
    call->problem = (struct problem){0};
    memset(call->arguments, 0, sizeof call->arguments);
}

void call_release(struct call *call) {
    call_drop_body(call);
    free_decoded(call, 0);
    json_writer_deinit(&call->reply);
}
