/* A body that is worked on as a whole: it is collected, and its bulk members are found while it arrives. */
#include "server/engine/run_body.h"

#include "server/engine/body_limit.h"
#include "server/engine/endpoint.h"
#include "server/engine/run_ask.h"
#include "server/engine/run_steps.h"
#include "server/engine/run_turns.h"
#include "server/engine/run_windows.h"
#include "server/system/facts.h"

#include <string.h>

/* First room for a body of undeclared length. */
enum { UNDECLARED_BYTES = 64 * 1024 };

/* What is shorter is split when it is complete: it takes microseconds. */
enum { ARRIVING_LEAST_BYTES = 64 * 1024 };

/* Each time so much has come it is announced again: at 5 MB/s and more it counts all the while. */
enum { ANNOUNCED_PIECE_BYTES = 1024 * 1024 };

/* Each time so much has come it is given to whoever keeps it: far more than to wake a thread costs. */
enum { KEPT_PIECE_BYTES = 1024 * 1024 };

static bool is_stream(const struct run *run) {
    bool is_text = run->order.body_media == MEDIA_TEXT && run->order.endpoint->window;
    return run->keeping == KEEP_WINDOWS || is_text;
}

static enum problem_kind check_declared(struct run *run, bool streams) {
    const struct order *order = &run->order;
    const struct body_limit limit = body_limit_of(&run->call, streams);
    if (!order->is_declared || order->declared_bytes <= limit.bytes) {
        return PROBLEM_NONE;
    }
    return problem_set(&run->call.problem, PROBLEM_BODY_TOO_LARGE, NULL,
                       "the body has %llu bytes, the limit (%s) is %zu%s", (unsigned long long)order->declared_bytes,
                       limit.option, limit.bytes, limit.offer);
}

enum problem_kind run_open(struct run *run) {
    struct call *call = &run->call;
    const struct endpoint *endpoint = run->order.endpoint;
    run->keeping = endpoint->keeps ? endpoint->keeps(call) : KEEP_NOTHING;
    bool streams = is_stream(run);
    envelope_begin(&call->envelope, endpoint->bulk);
    call->envelope.memory = call->memory;
    call->envelope.non_finite_media = endpoint->consumes & MEDIA_NPY ? media_name(MEDIA_NPY) : NULL;
    if (check_declared(run, streams) || (endpoint->open && endpoint->open(call))) {
        return call->problem.kind;
    }
    if (streams) {
        return run_windows_open(run);
    }
    size_t bytes = run->order.is_declared ? (size_t)run->order.declared_bytes : 0;
    if (bytes == 0) {
        return PROBLEM_NONE;
    }
    if (!account_reserve(&run->account, PAYLOAD_HEAD_BYTES + bytes, &run->reserved)) {
        return call_memory_short(call, bytes);
    }
    /* Nobody's yet: it becomes a payload when it is complete and charged. */
    call->body.bytes = run->reserved.block + PAYLOAD_HEAD_BYTES;
    call->body.capacity = bytes;
    return PROBLEM_NONE;
}

/* What a client announces costs it nothing; what it sends is charged before it is kept. */
static enum problem_kind charge_body(struct run *run, size_t length) {
    struct reservation *reserved = &run->reserved;
    if (!reserved->block || account_charge_reserved(&run->account, reserved, PAYLOAD_HEAD_BYTES + length)) {
        return PROBLEM_NONE;
    }
    return call_memory_short(&run->call, reserved->bytes - reserved->charged_bytes);
}

enum problem_kind run_body_complete(struct run *run) {
    struct reservation *reserved = &run->reserved;
    struct payload *body = &run->call.body;
    if (!reserved->block) {
        return PROBLEM_NONE;
    }
    if (charge_body(run, reserved->bytes - PAYLOAD_HEAD_BYTES)) {
        return run->call.problem.kind;
    }
    payload_adopt(body, run->call.memory, reserved->block, reserved->bytes, body->length);
    *reserved = (struct reservation){0};
    return PROBLEM_NONE;
}

void run_body_drop(struct run *run) {
    if (run->reserved.block) {
        run->call.body = (struct payload){0};
        account_give_reserved(&run->account, &run->reserved);
    }
}

/* Room for `more` bytes behind what is there already. Only bodies of undeclared length grow. */
static enum problem_kind grow_body(struct run *run, size_t more) {
    struct call *call = &run->call;
    struct payload *body = &call->body;
    size_t limit = run->host->facts->config.max_body_bytes;
    if (more > limit - body->length) {
        return problem_set(&call->problem, PROBLEM_BODY_TOO_LARGE, NULL,
                           "the body has more than %zu bytes, which is the limit (--max-body)%s", limit,
                           body_limit_offer(call));
    }
    size_t needed = body->length + more;
    if (needed <= body->capacity) {
        return PROBLEM_NONE;
    }
    size_t capacity = body->capacity > 0 ? body->capacity : UNDECLARED_BYTES;
    while (capacity < needed) {
        capacity = capacity > limit / 2 ? limit : capacity * 2;
    }
    bool has_grown = body->bytes ? payload_grow(body, capacity) : payload_take(body, call->memory, capacity);
    return has_grown ? PROBLEM_NONE : call_memory_short(call, capacity - body->capacity);
}

/* Bulk members of a long body are located while it arrives, as long as the bytes are in the cache: decoding has to look
 * at the rest only. Costs a tenth of what receiving does. */
static void locate_bulk(struct run *run) {
    struct call *call = &run->call;
    const struct order *order = &run->order;
    if (order->endpoint->bulk && order->body_media == MEDIA_JSON && order->body_coding == CONTENT_IDENTITY &&
        call->body.length > ARRIVING_LEAST_BYTES) {
        envelope_split(&call->envelope, call->body.bytes, call->body.length, false, NULL);
    }
}

/* A body counts as soon as some of it has come, and one that comes briskly all the while, however long it is. */
static void announce(struct run *run, size_t before) {
    bool is_piece = before == 0 || run->received_bytes / ANNOUNCED_PIECE_BYTES != before / ANNOUNCED_PIECE_BYTES;
    if (run->is_announced && is_piece) {
        scheduler_announce(run->host->scheduler, &run->announcement);
    }
}

enum run_feeding run_lend(struct run *run, const struct payload *body) {
    struct call *call = &run->call;
    size_t limit = run->host->facts->config.max_body_bytes;
    if (body->length > limit) {
        problem_set(&call->problem, PROBLEM_BODY_TOO_LARGE, NULL,
                    "the body has %zu bytes, the limit (--max-body) is %zu%s", body->length, limit,
                    body_limit_offer(call));
        (void)run_conclude(run);
        return RUN_REFUSES;
    }
    call->body = payload_hold(body);
    run->received_bytes = body->length;
    return RUN_FED;
}

/* Gives what has come, and isn't with whoever keeps it yet. Is there to be waited for? */
static bool keep_piece(struct run *run) {
    const struct payload *body = &run->call.body;
    size_t from = run->kept_bytes;
    run->kept_bytes = body->length;
    run->has_kept_last = run->has_ended;
    return run_keep_piece(run, body->bytes + from, body->length - from, run->has_ended);
}

static enum run_state refuse_body(struct run *run) {
    run_body_drop(run);
    payload_drop(&run->call.body);
    return run_conclude(run);
}

enum run_state run_body_keep(struct run *run) {
    bool is_piece = run->call.body.length - run->kept_bytes >= KEPT_PIECE_BYTES;
    bool is_due = run->has_ended ? !run->has_kept_last : is_piece;
    if (!run->call.problem.kind && is_due && keep_piece(run)) {
        return run->has_ended ? RUN_WORKS : RUN_RECEIVES;
    }
    if (run->call.problem.kind) {
        return refuse_body(run);
    }
    if (run->has_ended) {
        run_end_keeping(run);
    }
    return RUN_RECEIVES;
}

enum run_feeding run_feed(struct run *run, const char *bytes, size_t length, size_t *taken) {
    if (run->windows) {
        return run_windows_feed(run, bytes, length, taken);
    }
    struct payload *body = &run->call.body;
    *taken = 0;
    if (length == 0) {
        return RUN_FED; /* there may be no room yet, and none is needed */
    }
    if (grow_body(run, length) || charge_body(run, body->length + length)) {
        if (run->is_working) {
            return RUN_IS_FULL; /* it is refused when nobody reads it any more */
        }
        (void)refuse_body(run);
        return RUN_REFUSES;
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
    run->received_bytes += length;
    *taken = length;
    announce(run, run->received_bytes - length);
    locate_bulk(run);
    if (run->keeping && !run->is_working && run_body_keep(run) == RUN_DONE) {
        return RUN_REFUSES;
    }
    return RUN_FED;
}
