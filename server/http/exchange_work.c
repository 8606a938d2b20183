/* The computing part of an exchange: decode, choose a team, compute, encode – on the loop for tiny requests, else on
 * lanes.
 *
 * Thread rule: run_stage has the exchange to itself on a lane's thread, between scheduler_submit and report. Everything
 * else here runs on the loop. */
#include "server/http/exchange.h"
#include "server/http/loop.h"
#include "server/system/clock.h"

#include <stddef.h>

uint64_t exchange_timeout_ns(const struct exchange *exchange) {
    uint64_t own = exchange->call.demand.timeout_ns;
    return own != 0 ? own : exchange_config(exchange)->timeout_ns;
}

static uint64_t deadline_of(const struct exchange *exchange) {
    return exchange->times.received + exchange_timeout_ns(exchange);
}

void exchange_see_others(struct exchange *exchange) {
    exchange->is_alone = exchange->connection->loop->busy_connections == 1;
}

bool exchange_is_tiny(const struct exchange *exchange, uint64_t cost_ns) {
    uint64_t limit_ns = exchange->is_alone ? EXCHANGE_INLINE_COST_NS_ALONE : EXCHANGE_INLINE_COST_NS;
    return cost_ns < limit_ns && !exchange->call.demand.cores;
}

static bool is_tiny(const struct exchange *exchange) {
    return exchange_is_tiny(exchange, exchange->call.demand.cost_ns);
}

unsigned exchange_team_size(const struct exchange *exchange) {
    const struct demand *demand = &exchange->call.demand;
    unsigned budget = exchange_service(exchange)->facts.cores.count;
    if (is_tiny(exchange)) {
        return 1;
    }
    uint64_t wanted = demand->threads;
    if (wanted == 0) {
        wanted = demand->cost_ns / EXCHANGE_AUTO_NS_PER_THREAD;
        if (demand->tasks != 0 && wanted > demand->tasks) {
            wanted = demand->tasks;
        }
    }
    return wanted < 1 ? 1 : wanted > budget ? budget : (unsigned)wanted;
}

uint64_t exchange_lap(struct exchange *exchange) {
    uint64_t before = exchange->times.lap;
    exchange->times.lap = clock_now_ns();
    return exchange->times.lap - before;
}

void exchange_count_cpu(struct exchange *exchange) {
    struct times *times = &exchange->times;
    uint64_t now = exchange->on_lane ? clock_thread_cpu_ns() : times->lap;
    times->cpu += now - times->cpu_lap + atomic_exchange_explicit(&exchange->call.cpu_ns, 0, memory_order_relaxed);
    times->cpu_lap = now;
}

static bool is_cancelled(const struct call *call) {
    return atomic_load_explicit(&call->cancel, memory_order_relaxed);
}

static void decode(struct exchange *exchange) {
    bool is_plain = exchange->body_coding == CONTENT_IDENTITY || coding_unfold(exchange) == PROBLEM_NONE;
    if (is_plain && !is_cancelled(&exchange->call)) {
        exchange->endpoint->decode(&exchange->call);
    }
    exchange->times.decode += exchange_lap(exchange);
}

void exchange_grant(struct exchange *exchange, unsigned threads) {
    const struct demand *demand = &exchange->call.demand;
    exchange->team = (struct team){.threads = threads, .schedule = demand->schedule, .chunk = demand->chunk};
    exchange->call.team = &exchange->team;
    exchange->is_small = is_tiny(exchange);
}

void exchange_encode(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (call->problem.kind != PROBLEM_NONE || is_cancelled(call)) {
        return;
    }
    if (call->order->reply_media == MEDIA_JSON) {
        json_begin_object(&call->reply);
    }
    enum problem_kind found = exchange->endpoint->encode(call);
    exchange->times.encode = exchange_lap(exchange);
    exchange->times.total = exchange->times.lap - exchange->times.opened;
    exchange_count_cpu(exchange);
    if (found != PROBLEM_NONE || is_cancelled(call)) {
        return;
    }
    result_finish(exchange);
    exchange->times.encode += exchange_lap(exchange);
}

static void compute(struct exchange *exchange, unsigned threads) {
    struct call *call = &exchange->call;
    exchange_grant(exchange, threads);
    if (exchange->endpoint->load) {
        enum problem_kind refused = exchange->endpoint->load(call);
        exchange->times.decode += exchange_lap(exchange);
        if (refused != PROBLEM_NONE || is_cancelled(call)) {
            return;
        }
    }
    enum problem_kind found = exchange->endpoint->compute(call);
    exchange->times.compute = exchange_lap(exchange);
    if (found != PROBLEM_NONE || is_cancelled(call)) {
        return;
    }
    exchange_encode(exchange);
}

/* Must the loop see what was decoded before the computing may begin? Where a deadline stands in the body, it has to
 * note that. */
static bool needs_loop(const struct exchange *exchange) {
    const struct demand *demand = &exchange->call.demand;
    return exchange->call.problem.kind != PROBLEM_NONE || is_cancelled(&exchange->call) ||
           (demand->timeout_ns != 0 && !is_tiny(exchange));
}

static void want_team(struct exchange *exchange, unsigned threads) {
    exchange->stage = EXCHANGE_COMPUTE;
    exchange->work.threads = threads;
    exchange->work.cores = exchange->call.demand.cores;
    exchange->work.core_count = exchange->call.demand.core_count;
}

/* From decoding to computing without the loop: at once where this thread is all it takes, else when the team is there.
 */
static void go_on(struct exchange *exchange) {
    unsigned threads = exchange_team_size(exchange);
    bool has_team = threads == 1 && !exchange->call.demand.cores;
    want_team(exchange, threads);
    if (has_team) {
        compute(exchange, 1);
    } else {
        exchange->work.again = true;
    }
}

struct exchange *exchange_of(struct work *work) {
    return (struct exchange *)((char *)work - offsetof(struct exchange, work));
}

void exchange_arrive(struct exchange *exchange) {
    exchange->times.queue += exchange_lap(exchange);
    exchange->times.cpu_lap = clock_thread_cpu_ns();
    exchange->on_lane = true;
    exchange_grant(exchange, exchange->work.threads);
}

static void explain(struct exchange *exchange, enum problem_kind why) {
    struct problem *problem = &exchange->call.problem;
    *problem = (struct problem){0};
    if (why == PROBLEM_DEADLINE_EXCEEDED) {
        problem_set(problem, why, NULL, "the result was not ready within %llu ms",
                    (unsigned long long)(exchange_timeout_ns(exchange) / NS_PER_MS));
    } else if (why == PROBLEM_REQUEST_TIMEOUT) {
        problem_set(problem, why, NULL, "the request did not arrive in time");
    } else {
        problem_set(problem, why, NULL, "the work was stopped");
    }
}

void exchange_explain_cut(struct exchange *exchange) {
    explain(exchange, exchange->cut);
}

/* The deadline that stands in the body is known only now. */
static void refuse_late(struct exchange *exchange) {
    if (exchange->call.problem.kind == PROBLEM_NONE && exchange->times.lap > deadline_of(exchange)) {
        explain(exchange, PROBLEM_DEADLINE_EXCEEDED);
    }
}

static void run_stage(struct work *work) {
    struct exchange *exchange = exchange_of(work);
    exchange_arrive(exchange);
    if (exchange->stage == EXCHANGE_COMPUTE) {
        if (!is_cancelled(&exchange->call)) {
            compute(exchange, work->threads);
        }
    } else {
        decode(exchange);
        refuse_late(exchange);
        if (!needs_loop(exchange)) {
            go_on(exchange);
        }
    }
    exchange_count_cpu(exchange);
}

void exchange_report(struct work *work) {
    struct exchange *exchange = exchange_of(work);
    loop_complete(exchange->connection->loop, exchange);
}

enum problem_kind exchange_refuse_overload(struct exchange *exchange) {
    unsigned limit = exchange_config(exchange)->queue_length;
    if (limit == 0) {
        return problem_set(&exchange->call.problem, PROBLEM_OVERLOADED, NULL,
                           "the cores are busy, and no request may wait for them (--queue is 0)");
    }
    return problem_set(&exchange->call.problem, PROBLEM_OVERLOADED, NULL,
                       "%u request%s waiting already, which is the limit (--queue)", limit,
                       limit == 1 ? " is" : "s are");
}

/* The connection is suspended after the work was taken: only this thread, later, resumes it. Never suspended and
 * resumed within one call of the handler: libmicrohttpd acts on that in its next run, and nothing would wake it. From
 * the submission on the exchange is the lane's, so what is read of it is read before. */
static void submit(struct exchange *exchange) {
    struct work *work = &exchange->work;
    bool first = exchange->step != EXCHANGE_WORKS;
    work->continued = !first;
    work->run = run_stage;
    work->done = exchange_report;
    exchange->step = EXCHANGE_WORKS;
    uint64_t deadline_ns = deadline_of(exchange);
    exchange->times.lap = clock_now_ns();
    if (scheduler_submit(exchange_service(exchange)->scheduler, work)) {
        if (first) {
            connection_suspend(exchange->connection, deadline_ns);
        } else {
            connection_set_phase(exchange->connection, CONNECTION_WORKING, deadline_ns);
        }
        return;
    }
    exchange_refuse_overload(exchange);
    exchange->step = EXCHANGE_HAS_RESULT;
}

/* Decoded on the loop: compute here too if that is the cheapest, else on a lane. What has been to a lane stays with
 * lanes: how long it takes is a prediction, and a wrong one must not hold up the loop. */
static void choose_team(struct exchange *exchange) {
    if (!is_tiny(exchange) || exchange->step == EXCHANGE_WORKS) {
        want_team(exchange, exchange_team_size(exchange));
        submit(exchange);
        return;
    }
    compute(exchange, 1);
    exchange_count_cpu(exchange);
    exchange->step = EXCHANGE_HAS_RESULT;
}

/* How many bytes decoding has to look at, at the speed of a parser. Of what envelope_split has located these are none
 * of a text's; an array's commas are counted, 32 times as fast. */
static size_t bytes_to_decode(const struct call *call) {
    if (call->order->body_media == MEDIA_NPY) {
        return 0; /* the arrays' heads */
    }
    size_t bytes = call->body.length;
    for (size_t i = 0; i < call->envelope.span_count; i++) {
        const struct envelope_span *span = &call->envelope.spans[i];
        size_t length = span->inside.end - span->inside.begin;
        bytes -= span->field->kind == ENVELOPE_TEXT ? length : length - length / 32;
    }
    return bytes;
}

/* Decodes on the loop, and goes on if all is well. False when it isn't, with JSON so long that to say what is wrong may
 * take long: then nothing has happened. */
static bool decode_here(struct exchange *exchange, size_t limit_bytes) {
    struct call *call = &exchange->call;
    bool is_glance = call->order->body_media == MEDIA_JSON && call->body.length > limit_bytes;
    size_t blocks = call->block_count;
    call->envelope.is_glance = is_glance;
    decode(exchange);
    call->envelope.is_glance = false;
    exchange_count_cpu(exchange);
    if (call->problem.kind == PROBLEM_NONE) {
        choose_team(exchange);
    } else if (is_glance) {
        call_restart(call, blocks);
        return false;
    } else {
        exchange->step = EXCHANGE_HAS_RESULT;
    }
    return true;
}

void exchange_begin_work(struct exchange *exchange) {
    exchange_see_others(exchange);
    size_t limit_bytes = exchange->is_alone ? EXCHANGE_INLINE_BODY_BYTES_ALONE : EXCHANGE_INLINE_BODY_BYTES;
    bool is_short = exchange->body_coding == CONTENT_IDENTITY && bytes_to_decode(&exchange->call) <= limit_bytes;
    if (is_short && decode_here(exchange, limit_bytes)) {
        return;
    }
    exchange->stage = EXCHANGE_DECODE;
    exchange->work.threads = 1;
    submit(exchange);
}

void exchange_settle(struct exchange *exchange) {
    if (exchange->stream) {
        stream_settle(exchange);
        return;
    }
    if (exchange->cut != PROBLEM_NONE) {
        exchange_explain_cut(exchange);
    }
    exchange->times.queue += exchange_lap(exchange); /* the way back from the lane */
    exchange->times.cpu_lap = exchange->times.lap;
    exchange->on_lane = false;
    if (exchange->call.problem.kind == PROBLEM_NONE && exchange->stage == EXCHANGE_DECODE) {
        choose_team(exchange);
        return;
    }
    exchange->step = EXCHANGE_HAS_RESULT;
    connection_resume(exchange->connection);
}

void exchange_cut(struct exchange *exchange, enum problem_kind why) {
    if (exchange->cut != PROBLEM_NONE) {
        return;
    }
    exchange->cut = why;
    atomic_store_explicit(&exchange->call.cancel, true, memory_order_relaxed);
    if (scheduler_withdraw(exchange_service(exchange)->scheduler, &exchange->work)) {
        exchange_settle(exchange);
    }
}
