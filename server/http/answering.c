#include "server/http/answering.h"

#include "server/engine/memory_budget.h"
#include "server/http/peers.h"
#include "server/http/transport.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <assert.h>

/* A client that takes its answer more slowly than --answer-rate over so long a time is ended. */
#define TAKING_CHECK_NS (10 * NS_PER_S)

/* What holds less isn't worth counting for the address's share. */
enum { HELD_LEAST_BYTES = 64 * 1024 };

static const struct config *config_of(const struct exchange *exchange) {
    return &exchange->setting->host->facts->config;
}

void answering_drop_run(struct exchange *exchange) {
    run_abandon(exchange->run);
    exchange->run = NULL;
}

static enum metrics_reason reason_of(enum problem_kind why) {
    switch (why) {
    case PROBLEM_CLIENT_GONE:
        return METRICS_CLIENT_GONE;
    case PROBLEM_DEADLINE_EXCEEDED:
        return METRICS_DEADLINE;
    case PROBLEM_REQUEST_TIMEOUT:
        return METRICS_LATE_BODY;
    case PROBLEM_SHUTTING_DOWN:
        return METRICS_SHUTTING_DOWN;
    default:
        return METRICS_REFUSED;
    }
}

void answering_note_cut(const struct exchange *exchange, enum problem_kind why) {
    const struct run *run = exchange->run;
    if (run->is_working && !run->cut) {
        metrics_count_cancellation(exchange->setting->metrics, reason_of(why));
    }
}

void answering_take_times(struct exchange *exchange) {
    const struct run *run = exchange->run;
    exchange->times = run->times;
    if (run->is_working) {
        run_add_turn(run, &exchange->times);
    }
}

void answering_replace(struct exchange *exchange, enum problem_kind why, const char *detail) {
    exchange->problem = (struct problem){0};
    problem_set(&exchange->problem, why, NULL, "%s", detail);
    answering_take_times(exchange);
    if (!exchange->run->is_working) {
        exchange->refusal.threads = exchange->run->answer.threads;
    }
    answer_problem(&exchange->refusal, &exchange->problem, exchange->id);
    answering_note_cut(exchange, why);
    answering_drop_run(exchange);
}

static const struct answer *answer_of(const struct exchange *exchange) {
    return exchange->run ? &exchange->run->answer : &exchange->refusal;
}

/* What is said of an answer that grows before it is known how it ends. */
static const struct answer *begin_growing(struct exchange *exchange) {
    struct answer *head = &exchange->refusal;
    answer_empty(head, 200);
    answer_add(head, "Content-Type", media_name(exchange->run->order.reply_media));
    answer_add_fields(head, &exchange->run->call);
    return head;
}

/* It is kept: the log line is written when the run may be gone. */
static void take_problem(struct exchange *exchange, const struct answer *answer) {
    if (answer->problem) {
        exchange->problem = *answer->problem;
    }
}

/* What the run says is kept, too. */
static void take_answer(struct exchange *exchange, const struct answer *answer) {
    if (exchange->run) {
        exchange->times = exchange->run->times;
    }
    exchange->times.total = clock_now_ns() - exchange->times.opened;
    take_problem(exchange, answer);
    exchange->threads = answer->threads;
    exchange->status = answer->status;
    bool has_body = exchange->request.method != REQUEST_HEAD && answer->status != 304;
    exchange->answer_bytes = has_body ? answer->length : 0;
}

/* The client may take as long as --answer-timeout, and is looked at in between. */
static void await_taking(struct exchange *exchange, uint64_t now_ns) {
    uint64_t last_ns = exchange->answered_ns + config_of(exchange)->answer_timeout_ns;
    uint64_t next_ns = now_ns + TAKING_CHECK_NS;
    if (exchange_is_growing(exchange) && !exchange->run->cut && exchange->run->deadline_ns < next_ns) {
        next_ns = exchange->run->deadline_ns;
    }
    connection_set_phase(exchange->connection, CONNECTION_ANSWERING, next_ns < last_ns ? next_ns : last_ns);
}

/* Answers that its address hasn't taken hold half of the memory with this one: others find room beside it. A single
 * one may hold more, or it could never be sent. */
static bool holds_too_much(const struct exchange *exchange) {
    const struct connection *connection = exchange->connection;
    const struct run *run = exchange->run;
    if (!run || exchange->grows || run->account.charged_bytes < HELD_LEAST_BYTES ||
        connection->admission != CONNECTION_ADMITTED) {
        return false;
    }
    size_t held_bytes = peers_held_bytes(connection->set->front->peers, connection->principal);
    return held_bytes > 0 && held_bytes + run->account.charged_bytes > exchange->setting->host->memory->limit_bytes / 2;
}

static void hold(struct exchange *exchange) {
    const struct connection *connection = exchange->connection;
    const struct run *run = exchange->run;
    if (run && !exchange->grows && run->account.charged_bytes >= HELD_LEAST_BYTES &&
        connection->admission == CONNECTION_ADMITTED) {
        exchange->held_bytes = run->account.charged_bytes;
        peers_hold(connection->set->front->peers, connection->principal, exchange->held_bytes);
    }
}

enum MHD_Result answering_queue(struct exchange *exchange) {
    struct connection *connection = exchange->connection;
    if (holds_too_much(exchange)) {
        answering_replace(exchange, PROBLEM_MEMORY_BUSY,
                          "with this answer those that your address has not taken yet would hold more than half of "
                          "--memory");
    }
    const struct answer *answer = exchange->grows ? begin_growing(exchange) : answer_of(exchange);
    take_answer(exchange, answer);
    exchange->closes |= connection->admission != CONNECTION_ADMITTED ||
                        atomic_load_explicit(&exchange->setting->host->facts->draining, memory_order_relaxed);
    exchange->reply = (struct reply){.answer = answer,
                                     .growing = exchange->grows ? exchange->run : NULL,
                                     .connection = connection,
                                     .times = &exchange->times,
                                     .id = exchange->id,
                                     .trace = exchange_trace(exchange),
                                     .request = &exchange->request,
                                     .cors = &exchange->cors,
                                     .closes = exchange->closes};
    enum MHD_Result queued =
        reply_queue(&exchange->reply, connection, exchange->run ? &exchange->run->account.base : NULL);
    exchange->step = EXCHANGE_ANSWERED;
    hold(exchange);
    exchange->answered_ns = exchange->times.opened + exchange->times.total;
    /* A short answer fits into the socket's buffer: nearly always it is gone before anybody looks, and to ask would
     * cost each request a system call. Counted from the connection's start it may pass the first look undeservedly. */
    bool is_short = exchange->reply.answer->length < HELD_LEAST_BYTES;
    exchange->taken_bytes = is_short ? 0 : transport_taken_bytes(connection->fd);
    await_taking(exchange, exchange->answered_ns);
    return queued;
}

void answering_go_on(struct exchange *exchange) {
    struct connection *connection = exchange->connection;
    if (connection->phase != CONNECTION_WORKING) {
        return; /* it hasn't come to an end of what there is */
    }
    connection_resume(connection);
    exchange->answered_ns = exchange->setting->now_ns;
    exchange->taken_bytes = transport_taken_bytes(connection->fd);
    await_taking(exchange, exchange->answered_ns);
}

void answering_complete(struct exchange *exchange) {
    struct answer *answer = &exchange->run->answer;
    exchange->times = exchange->run->times;
    take_problem(exchange, answer);
    exchange->threads = answer->threads;
    if (answer->problem) {
        answer_end_line(answer);
    }
    answering_go_on(exchange);
}

void answering_note_end(struct exchange *exchange, enum problem_kind why, const char *detail) {
    if (!exchange->ended) {
        exchange->ended = why;
        exchange->ended_detail = detail;
    }
}

bool answering_goes_on(struct exchange *exchange, uint64_t now_ns) {
    const struct config *config = config_of(exchange);
    struct run *run = exchange->run;
    if (exchange_is_growing(exchange) && !run->cut && now_ns >= run->deadline_ns) {
        answering_note_cut(exchange, PROBLEM_DEADLINE_EXCEEDED);
        enum run_state state = run_cut(run, PROBLEM_DEADLINE_EXCEEDED); /* a lane has it: it will be reported */
        assert(state == RUN_WORKS);
        (void)state;
        await_taking(exchange, now_ns);
        return true;
    }
    uint64_t taken_bytes = transport_taken_bytes(exchange->connection->fd);
    uint64_t wanted_bytes = config->answer_rate_bytes * (TAKING_CHECK_NS / NS_PER_S);
    if (now_ns >= exchange->answered_ns + config->answer_timeout_ns) {
        answering_note_end(exchange, PROBLEM_CLIENT_GONE, "the client did not take its answer within --answer-timeout");
        return false;
    }
    if (taken_bytes != UINT64_MAX && taken_bytes - exchange->taken_bytes < wanted_bytes) {
        answering_note_end(exchange, PROBLEM_CLIENT_GONE,
                           "the client took its answer more slowly than --answer-rate for 10 s");
        return false;
    }
    exchange->taken_bytes = taken_bytes;
    await_taking(exchange, now_ns);
    return true;
}

struct lingering answering_linger(const struct exchange_setting *setting, uint64_t until_ns) {
    size_t body_bytes = setting->host->facts->config.max_body_bytes;
    uint64_t least_ns = setting->now_ns + LINGER_SILENT_NS;
    return (struct lingering){
        .silent_ns = LINGER_SILENT_NS,
        .until_ns = until_ns > least_ns ? until_ns : least_ns,
        .limit_bytes = body_bytes < SIZE_MAX / 2 ? 2 * body_bytes + LINGER_LEAST_BYTES : SIZE_MAX,
    };
}

void answering_refuse(struct exchange *exchange) {
    struct reply_head head;
    const struct answer *answer = answer_of(exchange);
    take_answer(exchange, answer);
    exchange->times.receive = exchange->times.total; /* it still does */
    exchange->step = EXCHANGE_DISCARDS_BODY;
    const struct reply reply = {.answer = answer,
                                .times = &exchange->times,
                                .id = exchange->id,
                                .trace = exchange_trace(exchange),
                                .request = &exchange->request,
                                .cors = &exchange->cors,
                                .closes = true};
    reply_list_fields(&reply, &head);
    const struct refusal refusal = {.status = answer->status,
                                    .fields = head.fields,
                                    .field_count = head.field_count,
                                    .body = answer->pieces[0].bytes,
                                    .length = answer->pieces[0].length,
                                    .has_no_body = exchange->request.method == REQUEST_HEAD};
    const struct lingering lingering = answering_linger(exchange->setting, exchange->body_until_ns);
    connection_refuse(exchange->connection, &refusal, &lingering, exchange->setting->now_ns);
}

void answering_close(struct exchange *exchange) {
    const struct connection *connection = exchange->connection;
    if (exchange->held_bytes > 0) {
        peers_release(connection->set->front->peers, connection->principal, exchange->held_bytes);
    }
    if (exchange->run && !exchange->grows) {
        reply_close(&exchange->reply, &exchange->run->account.base);
    }
}
