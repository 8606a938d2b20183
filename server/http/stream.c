#include "server/http/stream.h"

#include "codecs/coding/content_decoder.h"
#include "server/http/exchange.h"
#include "server/http/loop.h"
#include "server/system/clock.h"

#include <string.h>

static enum problem_kind take_memory(struct exchange *exchange, struct stream *stream) {
    struct call *call = &exchange->call;
    const struct head *head = &exchange->head;
    bool is_short = head->has_content_length && head->content_length < STREAM_WINDOW_BYTES;
    stream->window_bytes = is_short ? (size_t)head->content_length : STREAM_WINDOW_BYTES;
    for (int i = 0; i < (is_short ? 1 : 2); i++) {
        stream->windows[i] = call_take(call, stream->window_bytes);
        if (!stream->windows[i]) {
            return call->problem.kind;
        }
    }
    if (exchange->body_coding == CONTENT_IDENTITY) {
        return PROBLEM_NONE;
    }
    stream->unfolded = call_take(call, STREAM_WINDOW_BYTES);
    if (!stream->unfolded) {
        return call->problem.kind;
    }
    if (content_decoder_new(exchange->body_coding, call->memory, &stream->decoder, &call->problem) != PROBLEM_NONE) {
        return coding_explain_memory(call, CONTENT_DECODER_BYTES_MAX);
    }
    return PROBLEM_NONE;
}

enum problem_kind stream_open(struct exchange *exchange) {
    struct call *call = &exchange->call;
    struct stream *stream = call_take(call, sizeof *stream);
    if (!stream) {
        return call->problem.kind;
    }
    *stream = (struct stream){.exchange = exchange};
    exchange->stream = stream;
    if (take_memory(exchange, stream) != PROBLEM_NONE) {
        return call->problem.kind;
    }
    exchange->times.lap = clock_now_ns();
    enum problem_kind found = exchange->endpoint->decode(call);
    exchange->times.decode = clock_now_ns() - exchange->times.lap;
    return found;
}

/* --- on the lane ------------------------------------------------------------------------------------------------- */

/* Unfolds the window piece by piece and works on each. */
static enum problem_kind work_unfolded(struct stream *stream, const char *bytes, size_t length) {
    struct call *call = &stream->exchange->call;
    struct content_io io = {.in = bytes, .in_length = length};
    do {
        io.out = stream->unfolded;
        io.out_room = STREAM_WINDOW_BYTES;
        if (content_decode(stream->decoder, &io, &call->problem) != PROBLEM_NONE) {
            return coding_explain_memory(call, CONTENT_DECODER_BYTES_MAX);
        }
        size_t unfolded = STREAM_WINDOW_BYTES - io.out_room;
        if (stream->exchange->endpoint->window(call, stream->unfolded, unfolded, false) != PROBLEM_NONE) {
            return call->problem.kind;
        }
    } while ((io.in_length > 0 || io.out_room == 0) && !atomic_load_explicit(&call->cancel, memory_order_relaxed));
    if (!stream->last || atomic_load_explicit(&call->cancel, memory_order_relaxed)) {
        return PROBLEM_NONE;
    }
    if (content_decoder_finish(stream->decoder, &call->problem) != PROBLEM_NONE) {
        return call->problem.kind;
    }
    return stream->exchange->endpoint->window(call, stream->unfolded, 0, true);
}

static void work_on(struct stream *stream, const char *bytes, size_t length) {
    struct call *call = &stream->exchange->call;
    if (stream->decoder) {
        (void)work_unfolded(stream, bytes, length); /* call->problem says the same */
    } else {
        (void)stream->exchange->endpoint->window(call, bytes, length, stream->last);
    }
}

static void run_window(struct work *work) {
    struct exchange *exchange = exchange_of(work);
    struct stream *stream = exchange->stream;
    exchange_arrive(exchange);
    work_on(stream, stream->windows[stream->filling ^ 1], stream->lane_length);
    exchange->times.compute += exchange_lap(exchange);
    if (stream->last) {
        exchange_encode(exchange);
    }
    exchange_count_cpu(exchange);
}

/* --- on the loop ------------------------------------------------------------------------------------------------- */

static void suspend(struct exchange *exchange) {
    if (exchange->connection->phase == CONNECTION_WORKING) {
        return;
    }
    connection_suspend(exchange->connection, exchange->connection->loop->now_ns + exchange_timeout_ns(exchange));
}

/* A window's worth of it has to come within --body-timeout. */
static void await_body(struct exchange *exchange) {
    connection_set_phase(exchange->connection, CONNECTION_BODY,
                         exchange->connection->loop->now_ns + exchange_config(exchange)->body_timeout_ns);
}

/* Gives the filled window to a lane and goes on with the other. */
static void hand_over(struct exchange *exchange, bool last) {
    struct stream *stream = exchange->stream;
    struct work *work = &exchange->work;
    stream->lane_length = stream->filled;
    stream->filling ^= 1;
    stream->filled = 0;
    stream->last = last;
    work->threads = exchange_team_size(exchange);
    work->cores = exchange->call.demand.cores;
    work->core_count = exchange->call.demand.core_count;
    work->continued = stream->begun;
    work->run = run_window;
    work->done = exchange_report;
    exchange->times.lap = clock_now_ns();
    stream->busy = scheduler_submit(exchange_service(exchange)->scheduler, work);
    if (!stream->busy) {
        exchange_refuse_overload(exchange);
    }
    stream->begun = true;
}

static enum problem_kind check_length(struct exchange *exchange) {
    size_t limit = exchange_config(exchange)->max_stream_bytes;
    if (limit == 0 || exchange->received_bytes <= limit) {
        return PROBLEM_NONE;
    }
    return problem_set(&exchange->call.problem, PROBLEM_BODY_TOO_LARGE, NULL,
                       "the body has more than %zu bytes, which is the limit (--max-stream)", limit);
}

/* Both windows are full: hands one over if the lane is idle. False when there is no room for more now. */
static bool make_room(struct exchange *exchange) {
    struct stream *stream = exchange->stream;
    if (stream->busy) {
        suspend(exchange);
        return false;
    }
    /* Only while the lane is idle is what it has found ours to look at. */
    if (exchange->call.problem.kind == PROBLEM_NONE && check_length(exchange) == PROBLEM_NONE) {
        hand_over(exchange, false);
    }
    await_body(exchange);
    if (stream->busy) {
        return true;
    }
    exchange->step = EXCHANGE_DISCARDS_BODY;
    return false;
}

void stream_take(struct exchange *exchange, const char *data, size_t *data_size) {
    struct stream *stream = exchange->stream;
    while (*data_size > 0) {
        size_t room = stream->window_bytes - stream->filled;
        if (room == 0 && !make_room(exchange)) {
            return;
        }
        room = stream->window_bytes - stream->filled;
        size_t taken = *data_size < room ? *data_size : room;
        memcpy(stream->windows[stream->filling] + stream->filled, data, taken);
        stream->filled += taken;
        exchange->received_bytes += taken;
        data += taken;
        *data_size -= taken;
    }
}

/* What the window that is being filled costs. */
static uint64_t predict_ns(const struct exchange *exchange) {
    return exchange->call.demand.cost_ns * exchange->stream->filled / STREAM_WINDOW_BYTES;
}

/* A body that never filled a window and takes no time: right here. */
static void work_inline(struct exchange *exchange) {
    struct stream *stream = exchange->stream;
    stream->last = true;
    exchange_grant(exchange, 1);
    exchange->is_small = true;
    exchange->times.lap = exchange->times.received;
    exchange->times.cpu_lap = exchange->times.received;
    work_on(stream, stream->windows[0], stream->filled);
    exchange->times.compute = exchange_lap(exchange);
    exchange_encode(exchange);
    exchange_count_cpu(exchange);
}

void stream_end(struct exchange *exchange) {
    struct stream *stream = exchange->stream;
    stream->ended = true;
    if (!stream->busy && exchange->call.problem.kind == PROBLEM_NONE && check_length(exchange) == PROBLEM_NONE) {
        exchange_see_others(exchange);
        if (!stream->begun && !stream->decoder && exchange_is_tiny(exchange, predict_ns(exchange))) {
            work_inline(exchange);
        } else {
            hand_over(exchange, true);
        }
    }
    if (stream->busy) {
        suspend(exchange);
    } else {
        exchange->step = EXCHANGE_HAS_RESULT;
    }
}

/* Back to receiving, for which the client has time anew; or to the answer. */
static void resume(struct exchange *exchange) {
    connection_resume(exchange->connection);
    if (!exchange->stream->ended) {
        await_body(exchange);
    }
}

/* After the last window, or after a problem: the answer, which has to wait for the body's end. */
static void conclude(struct exchange *exchange) {
    exchange->step = exchange->stream->ended ? EXCHANGE_HAS_RESULT : EXCHANGE_DISCARDS_BODY;
    if (exchange->connection->phase == CONNECTION_WORKING) {
        resume(exchange);
    }
}

void stream_settle(struct exchange *exchange) {
    struct stream *stream = exchange->stream;
    bool is_suspended = exchange->connection->phase == CONNECTION_WORKING;
    stream->busy = false;
    if (exchange->cut != PROBLEM_NONE) {
        exchange_explain_cut(exchange);
    }
    if (exchange->call.problem.kind != PROBLEM_NONE || stream->last) {
        conclude(exchange);
        return;
    }
    if (!is_suspended) {
        return; /* the other window isn't full yet */
    }
    if (check_length(exchange) == PROBLEM_NONE) {
        hand_over(exchange, stream->ended);
    }
    if (!stream->busy) {
        conclude(exchange);
    } else if (!stream->ended) {
        resume(exchange);
    } else {
        connection_set_phase(exchange->connection, CONNECTION_WORKING,
                             exchange->connection->loop->now_ns + exchange_timeout_ns(exchange));
    }
}

void stream_close(struct exchange *exchange) {
    struct stream *stream = exchange->stream;
    if (!stream) {
        return;
    }
    if (stream->busy) {
        atomic_store_explicit(&exchange->call.cancel, true, memory_order_relaxed);
        if (!scheduler_withdraw(exchange_service(exchange)->scheduler, &exchange->work)) {
            loop_reclaim(exchange->connection->loop, exchange);
        }
        stream->busy = false;
    }
    content_decoder_free(stream->decoder);
    stream->decoder = NULL;
}
