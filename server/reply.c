/* The answer's last part, written on the loop when all phases but the sending are over: "threads" and "timing",
 * headers, and the hand-over to libmicrohttpd. The body stays the exchange's; libmicrohttpd is done with it before
 * exchange_close. */
#include "clock.h"
#include "codecs/number_text.h"
#include "exchange.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>

enum { PROBLEM_TEXT_BYTES = 2048, SERVER_TIMING_BYTES = 320 };

/* Seconds that a refused client is asked to wait: the shortest that the header can say. */
static const char retry_after_s[] = "1";

struct phase {
    const char *name; /* in Server-Timing */
    const char *key;  /* in "timing" */
    size_t offset;
};

static const struct phase phases[] = {
    {"receive", "receive_ms", offsetof(struct exchange_times, receive)},
    {"queue", "queue_ms", offsetof(struct exchange_times, queue)},
    {"decode", "decode_ms", offsetof(struct exchange_times, decode)},
    {"compute", "compute_ms", offsetof(struct exchange_times, compute)},
    {"encode", "encode_ms", offsetof(struct exchange_times, encode)},
    {"total", "total_ms", offsetof(struct exchange_times, total)},
    {"cpu", "cpu_ms", offsetof(struct exchange_times, cpu)},
};
enum { PHASE_COUNT = sizeof phases / sizeof *phases };

static uint64_t phase_ns(const struct exchange *exchange, size_t index) {
    uint64_t value;
    memcpy(&value, (const char *)&exchange->times + phases[index].offset, sizeof value);
    return value;
}

static void write_reason(struct exchange *exchange) {
    struct json_writer *reply = &exchange->call.reply;
    unsigned requested = exchange->call.demand.threads;
    unsigned budget = exchange->connection->loop->service->facts.cores.count;
    if (requested == 0 || requested == exchange->call.threads_granted)
        return;
    json_key(reply, "reason");
    if (exchange->is_small) {
        json_cstring(reply, "small work runs on one thread");
    } else if (exchange->call.threads_granted == budget) {
        char reason[64] = "core budget is ";
        size_t length = strlen(reason);
        json_text(reply, reason, length + number_text_unsigned(budget, reason + length));
    } else {
        json_cstring(reply, "the system has no more threads");
    }
}

void reply_write_threads(struct json_writer *writer, const struct call *call) {
    json_key(writer, "requested");
    if (call->demand.threads == 0)
        json_cstring(writer, "auto");
    else
        json_unsigned(writer, call->demand.threads);
    json_key(writer, "granted");
    json_unsigned(writer, call->threads_granted);
}

void reply_write_timing(struct json_writer *writer, const struct exchange *exchange) {
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        json_key(writer, phases[i].key);
        json_milliseconds(writer, phase_ns(exchange, i));
    }
}

static void finish_result(struct exchange *exchange) {
    struct json_writer *reply = &exchange->call.reply;
    json_key(reply, "threads");
    json_begin_object(reply);
    reply_write_threads(reply, &exchange->call);
    write_reason(exchange);
    json_end_object(reply);
    json_key(reply, "timing");
    json_begin_object(reply);
    reply_write_timing(reply, exchange);
    json_end_object(reply);
    json_end_object(reply);
    if (json_writer_failed(reply))
        call_memory_short(&exchange->call, reply->capacity);
}

static size_t print_server_timing(const struct exchange *exchange, char *out) {
    size_t length = 0;
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        if (i > 0) {
            memcpy(out + length, ", ", 2);
            length += 2;
        }
        size_t name_length = strlen(phases[i].name);
        memcpy(out + length, phases[i].name, name_length);
        length += name_length;
        memcpy(out + length, ";dur=", 5);
        length += 5;
        length += number_text_milliseconds(phase_ns(exchange, i), out + length);
    }
    out[length] = '\0';
    return length;
}

/* Memory may be what is short: then a fixed text must do. */
static struct MHD_Response *problem_response(struct exchange *exchange) {
    static const char fallback[] = "{\"type\":\"urn:forkjoin:problem:memory-busy\",\"status\":503}";
    struct problem *problem = &exchange->call.problem;
    exchange->problem_text = malloc(PROBLEM_TEXT_BYTES);
    if (exchange->problem_text == NULL) {
        exchange->status = 503;
        exchange->answer_bytes = sizeof fallback - 1;
        return MHD_create_response_from_buffer(exchange->answer_bytes, (void *)(uintptr_t)fallback,
                                               MHD_RESPMEM_PERSISTENT);
    }
    exchange->status = problem_status(problem->kind);
    exchange->answer_bytes = problem_print(problem, exchange->request_id, exchange->problem_text, PROBLEM_TEXT_BYTES);
    return MHD_create_response_from_buffer(exchange->answer_bytes, exchange->problem_text, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *make_response(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (call->problem.kind == PROBLEM_NONE && exchange->method == EXCHANGE_POST)
        finish_result(exchange);
    if (call->problem.kind != PROBLEM_NONE)
        return problem_response(exchange);
    exchange->status = call->reply_status;
    exchange->answer_bytes = call->reply.length;
    return MHD_create_response_from_buffer(call->reply.length, call->reply.data, MHD_RESPMEM_PERSISTENT);
}

static bool add_headers(struct exchange *exchange, struct MHD_Response *response) {
    char timing[SERVER_TIMING_BYTES];
    print_server_timing(exchange, timing);
    bool is_problem = exchange->call.problem.kind != PROBLEM_NONE;
    const char *media_type = is_problem ? "application/problem+json" : exchange->call.reply_media_type;
    bool added = MHD_add_response_header(response, "X-Request-Id", exchange->request_id) == MHD_YES &&
                 MHD_add_response_header(response, "Server-Timing", timing) == MHD_YES;
    if (added && exchange->answer_bytes > 0)
        added = MHD_add_response_header(response, "Content-Type", media_type) == MHD_YES;
    if (added && exchange->allow != NULL)
        added = MHD_add_response_header(response, "Allow", exchange->allow) == MHD_YES;
    if (added && exchange->status == 503)
        added = MHD_add_response_header(response, "Retry-After", retry_after_s) == MHD_YES;
    if (added && exchange->closes)
        added = MHD_add_response_header(response, "Connection", "close") == MHD_YES;
    return added;
}

enum MHD_Result reply_queue(struct exchange *exchange) {
    struct service *service = exchange->connection->loop->service;
    uint64_t now = clock_now_ns();
    exchange->times.total = now - exchange->times.opened;
    exchange->times.cpu += atomic_load_explicit(&exchange->call.cpu_ns, memory_order_relaxed);
    exchange->closes |= atomic_load_explicit(&service->facts.draining, memory_order_relaxed);
    struct MHD_Response *response = make_response(exchange);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result queued = MHD_NO;
    if (add_headers(exchange, response))
        queued = MHD_queue_response(exchange->connection->mhd, exchange->status, response);
    MHD_destroy_response(response);
    exchange->step = EXCHANGE_ANSWERED;
    if (exchange->method == EXCHANGE_HEAD)
        exchange->answer_bytes = 0; /* libmicrohttpd sends the head alone */
    connection_set_phase(exchange->connection, CONNECTION_ANSWERING, now + service->facts.config.body_timeout_ns);
    return queued;
}
