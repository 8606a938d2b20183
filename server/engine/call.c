#include "server/engine/call.h"

#include "server/engine/memory_budget.h"
#include "server/system/facts.h"

#include <assert.h>
#include <string.h>

void call_init(struct call *call, const struct order *order, const struct host *host, struct memory *memory) {
    memset(call, 0, offsetof(struct call, first_blocks)); /* the list of blocks as it fills */
    call->first_blocks.previous = NULL;
    call->order = order;
    call->host = host;
    call->memory = memory;
    call->progress =
        (struct progress){.cancel = &call->cancel, .cpu_ns = &call->cpu_ns, .done = &call->done, .total = &call->total};
    json_writer_init(&call->reply, memory, host->memory->limit_bytes);
}

/* Where the next block is noted, NULL without memory for the list. */
static struct call_blocks *blocks_with_room(struct call *call) {
    struct call_blocks *last = call->last_blocks ? call->last_blocks : &call->first_blocks;
    if (call->block_count == 0 || call->block_count % CALL_BLOCKS_EACH != 0) {
        return last;
    }
    struct call_blocks *next = memory_take(call->memory, sizeof *next);
    if (next) {
        next->previous = last;
        call->last_blocks = next;
    }
    return next;
}

void *call_take(struct call *call, size_t bytes) {
    size_t taken_bytes = bytes > 0 ? bytes : 1;
    void *block = memory_take(call->memory, taken_bytes);
    if (!block) {
        call_memory_short(call, bytes);
        return NULL;
    }
    struct call_blocks *blocks = blocks_with_room(call);
    if (!blocks) {
        memory_give(call->memory, block, taken_bytes);
        call_memory_short(call, bytes + sizeof *blocks);
        return NULL;
    }
    size_t at = call->block_count % CALL_BLOCKS_EACH;
    blocks->list[at].block = block;
    blocks->list[at].bytes = taken_bytes;
    call->block_count++;
    return block;
}

static void give_last_block(struct call *call) {
    struct call_blocks *blocks = call->last_blocks ? call->last_blocks : &call->first_blocks;
    call->block_count--;
    size_t at = call->block_count % CALL_BLOCKS_EACH;
    memory_give(call->memory, blocks->list[at].block, blocks->list[at].bytes);
    if (at == 0 && call->last_blocks) {
        call->last_blocks = blocks->previous == &call->first_blocks ? NULL : blocks->previous;
        memory_give(call->memory, blocks, sizeof *blocks);
    }
}

enum problem_kind call_memory_short(struct call *call, size_t bytes) {
    size_t held = call->memory_held_bytes ? *call->memory_held_bytes : 0;
    size_t limit = call->host->memory->limit_bytes;
    size_t carried = held + atomic_load(&call->host->facts->connection_bytes); /* what goes on being there */
    if (carried > limit || bytes > limit - carried) {
        char needed[PROBLEM_BYTES_MAX];
        return problem_set(&call->problem, PROBLEM_MEMORY_LIMIT, NULL,
                           "the request needs %s beside the %zu it has, the limit (--memory) is %zu in all",
                           problem_bytes(bytes, needed), held, limit);
    }
    return problem_set(
        &call->problem, PROBLEM_MEMORY_BUSY, NULL,
        "the request needs %zu bytes beside the %zu it has; of the %zu in all (--memory) others hold too "
        "many just now",
        bytes, held, limit);
}

enum problem_kind call_add_field(struct call *call, const char *name, const char *value) {
    if (call->field_count == CALL_FIELDS_MAX) { /* of a job's result, perhaps, that somebody else has written */
        return problem_set(&call->problem, PROBLEM_INTERNAL, NULL, "the answer has too many header fields");
    }
    size_t bytes = strlen(value) + 1;
    char *copy = call_take(call, bytes);
    if (!copy) {
        return call->problem.kind;
    }
    memcpy(copy, value, bytes);
    call->fields[call->field_count++] = (struct answer_field){name, copy};
    return PROBLEM_NONE;
}

enum problem_kind call_own(struct call *call, void *object, void (*release)(void *object)) {
    struct call_owned *owned = call_take(call, sizeof *owned);
    if (!owned) {
        release(object);
        return call->problem.kind;
    }
    *owned = (struct call_owned){object, release, call->owned};
    call->owned = owned;
    return PROBLEM_NONE;
}

static void drop_payload(void *object) {
    payload_drop(object);
}

enum problem_kind call_hold(struct call *call, const struct payload *payload) {
    struct payload *held = call_take(call, sizeof *held);
    if (!held) {
        return call->problem.kind;
    }
    *held = payload_hold(payload);
    return call_own(call, held, drop_payload);
}

static void free_decoded(struct call *call, size_t kept_blocks) {
    while (call->owned) {
        const struct call_owned *last = call->owned;
        call->owned = last->next;
        last->release(last->object);
    }
    document_free(call->document);
    call->document = NULL;
    while (call->block_count > kept_blocks) {
        give_last_block(call);
    }
}

void call_restart(struct call *call, size_t kept_blocks) {
    free_decoded(call, kept_blocks);
    call->demand = (struct demand){0};
    call->store = (struct call_store){0};
    call->answer_media = MEDIA_NONE;
    call->problem = (struct problem){0};
    call->status = 0;
    call->content_type = NULL;
    call->is_verbatim = false;
    call->field_count = 0;
    memset(call->arguments, 0, sizeof call->arguments);
}

void call_release(struct call *call) {
    payload_drop(&call->body);
    free_decoded(call, 0);
    json_writer_deinit(&call->reply);
    envelope_end(&call->envelope);
}
