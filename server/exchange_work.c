/* The computing part of an exchange: decode, choose a team, compute, encode – on the loop for tiny requests, else on
 * lanes.
 *
 * Thread rule: run_stage has the exchange to itself on a lane's thread, between scheduler_submit and report. Everything
 * else here runs on the loop. */
#include "clock.h"
#include "exchange.h"
#include "loop.h"

#include <stddef.h>

static struct service *service_of(const struct exchange *exchange) {
    return exchange->connection->loop->service;
}

static uint64_t deadline_of(const struct exchange *exchange) {
    uint64_t own = exchange->call.demand.timeout_ns;
    return exchange->times.received + (own != 0 ? own : service_of(exchange)->facts.config.timeout_ns);
}

static bool is_tiny(const struct exchange *exchange) {
    const struct demand *demand = &exchange->call.demand;
    return demand->cost_ns < EXCHANGE_INLINE_COST_NS && demand->cores == NULL;
}

/* How many threads the computing shall have. */
static unsigned team_size(const struct exchange *exchange) {
    const struct demand *demand = &exchange->call.demand;
    unsigned budget = service_of(exchange)->facts.cores.count;
    if (is_tiny(exchange))
        return 1;
    uint64_t wanted = demand->threads != 0 ? demand->threads : demand->cost_ns / EXCHANGE_AUTO_NS_PER_THREAD;
    return wanted < 1 ? 1 : wanted > budget ? budget : (unsigned)wanted;
}

/* Time since the last lap: phases follow one another without gaps, so one look at the clock ends one and begins the
 * next. */
static uint64_t lap(struct exchange *exchange) {
    uint64_t before = exchange->times.lap;
    exchange->times.lap = clock_now_ns();
    return exchange->times.lap - before;
}

static void decode(struct exchange *exchange) {
    exchange->call.body = (struct text_view){exchange->body, exchange->body_length};
    exchange->endpoint->decode(&exchange->call);
    exchange->times.decode = lap(exchange);
}

static void compute(struct exchange *exchange, unsigned threads) {
    struct call *call = &exchange->call;
    call->threads_granted = threads;
    exchange->is_small = is_tiny(exchange);
    enum problem_kind found = exchange->endpoint->compute(call);
    exchange->times.compute = lap(exchange);
    if (found != PROBLEM_NONE || atomic_load_explicit(&call->cancel, memory_order_relaxed))
        return;
    json_begin_object(&call->reply);
    exchange->endpoint->encode(call);
    if (json_writer_failed(&call->reply))
        call_memory_short(call, call->reply.capacity);
    exchange->times.encode = lap(exchange);
}

/* May a work that has decoded go on to compute without going back to the loop? Only where the loop has nothing to
 * change: neither the team nor the deadline. */
static bool goes_on(const struct exchange *exchange) {
    const struct demand *demand = &exchange->call.demand;
    return exchange->call.problem.kind == PROBLEM_NONE && team_size(exchange) == 1 && demand->cores == NULL &&
           demand->timeout_ns == 0;
}

static struct exchange *exchange_of(struct work *work) {
    return (struct exchange *)((char *)work - offsetof(struct exchange, work));
}

static void run_stage(struct work *work) {
    struct exchange *exchange = exchange_of(work);
    uint64_t cpu_start = clock_thread_cpu_ns();
    exchange->times.queue += lap(exchange);
    if (exchange->stage == EXCHANGE_DECODE) {
        decode(exchange);
        if (goes_on(exchange))
            exchange->stage = EXCHANGE_COMPUTE;
    }
    if (exchange->stage == EXCHANGE_COMPUTE && !atomic_load_explicit(&exchange->call.cancel, memory_order_relaxed))
        compute(exchange, work->threads);
    exchange->times.cpu += clock_thread_cpu_ns() - cpu_start;
}

static void report(struct work *work) {
    struct exchange *exchange = exchange_of(work);
    loop_complete(exchange->connection->loop, exchange);
}

/* The connection is suspended after the work was taken: only this thread, later, resumes it. Never suspended and
 * resumed within one call of the handler: libmicrohttpd acts on that in its next run, and nothing would wake it. From
 * the submission on the exchange is the lane's, so what is read of it is read before. */
static void submit(struct exchange *exchange, enum exchange_stage stage, unsigned threads) {
    struct call *call = &exchange->call;
    struct work *work = &exchange->work;
    bool first = exchange->step != EXCHANGE_WORKS;
    exchange->stage = stage;
    work->threads = threads;
    work->cores = stage == EXCHANGE_COMPUTE ? call->demand.cores : NULL;
    work->core_count = stage == EXCHANGE_COMPUTE ? call->demand.core_count : 0;
    work->continued = !first;
    work->run = run_stage;
    work->done = report;
    exchange->step = EXCHANGE_WORKS;
    uint64_t deadline_ns = deadline_of(exchange);
    exchange->times.lap = clock_now_ns();
    if (scheduler_submit(service_of(exchange)->scheduler, work)) {
        if (first)
            connection_suspend(exchange->connection, deadline_ns);
        else
            connection_set_phase(exchange->connection, CONNECTION_WORKING, deadline_ns);
        return;
    }
    problem_set(&call->problem, PROBLEM_OVERLOADED, NULL, "%u requests are waiting already, which is the limit",
                service_of(exchange)->facts.config.queue_length);
    exchange->step = EXCHANGE_HAS_RESULT;
}

/* Decoded: compute right here if that is the cheapest, else on a lane. */
static void choose_team(struct exchange *exchange) {
    if (is_tiny(exchange)) {
        compute(exchange, 1);
        exchange->times.cpu += exchange->times.compute + exchange->times.encode;
        if (exchange->step == EXCHANGE_WORKS)
            connection_resume(exchange->connection);
        exchange->step = EXCHANGE_HAS_RESULT;
        return;
    }
    submit(exchange, EXCHANGE_COMPUTE, team_size(exchange));
}

void exchange_begin_work(struct exchange *exchange) {
    if (exchange->body_length > EXCHANGE_INLINE_BODY_BYTES) {
        submit(exchange, EXCHANGE_DECODE, 1);
        return;
    }
    decode(exchange);
    exchange->times.cpu += exchange->times.decode;
    if (exchange->call.problem.kind != PROBLEM_NONE)
        exchange->step = EXCHANGE_HAS_RESULT;
    else
        choose_team(exchange);
}

static void explain_cut(struct exchange *exchange) {
    uint64_t limit_ms = (deadline_of(exchange) - exchange->times.received) / NS_PER_MS;
    struct problem *problem = &exchange->call.problem;
    *problem = (struct problem){0};
    if (exchange->cut == PROBLEM_DEADLINE_EXCEEDED)
        problem_set(problem, exchange->cut, NULL, "the result was not ready %llu ms after the request had arrived",
                    (unsigned long long)limit_ms);
    else
        problem_set(problem, exchange->cut, NULL, "the work was stopped");
}

void exchange_settle(struct exchange *exchange) {
    if (exchange->cut != PROBLEM_NONE)
        explain_cut(exchange);
    exchange->times.queue += lap(exchange); /* the way back from the lane */
    if (exchange->call.problem.kind == PROBLEM_NONE && exchange->stage == EXCHANGE_DECODE) {
        choose_team(exchange);
        return;
    }
    exchange->step = EXCHANGE_HAS_RESULT;
    connection_resume(exchange->connection);
}

void exchange_cut(struct exchange *exchange, enum problem_kind why) {
    if (exchange->cut != PROBLEM_NONE)
        return;
    exchange->cut = why;
    atomic_store_explicit(&exchange->call.cancel, true, memory_order_relaxed);
    if (scheduler_withdraw(service_of(exchange)->scheduler, &exchange->work))
        exchange_settle(exchange);
}
