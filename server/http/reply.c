/* The answer's last part, written on the loop when all phases but the sending are over: "threads" and "timing",
 * headers, and the hand-over to libmicrohttpd. The body stays the exchange's; libmicrohttpd is done with it before
 * exchange_close. */
#include "server/http/exchange.h"
#include "server/http/loop.h"
#include "server/system/clock.h"

#include <stdlib.h>
#include <string.h>

enum { PROBLEM_TEXT_BYTES = 2048 };

/* What libmicrohttpd copies and sends at a time. The Gaussian of 1,000,000 elements in JSON takes 32 ms with 128 KiB,
 * 28.3 with 512 and 27.5 with 1 MiB (bench/README.md, "round trips"); meanwhile the loop's other clients wait. The
 * library's buffer is charged to the request; where memory is short a small one, which is not, must do. */
enum { SENT_AT_ONCE_BYTES = 512 * 1024, SENT_WHEN_SHORT_BYTES = 16 * 1024 };

/* Seconds that a refused client is asked to wait: the shortest that the header can say. */
static const char retry_after_s[] = "1";

/* Memory may be what is short: then a fixed text must do. */
static struct MHD_Response *problem_response(struct exchange *exchange) {
    static const char fallback[] = "{\"type\":\"urn:forkjoin:problem:memory-busy\",\"status\":503}";
    struct problem *problem = &exchange->call.problem;
    exchange->problem_text = malloc(PROBLEM_TEXT_BYTES);
    if (!exchange->problem_text) {
        exchange->status = 503;
        exchange->answer_bytes = sizeof fallback - 1;
        return MHD_create_response_from_buffer(exchange->answer_bytes, (void *)(uintptr_t)fallback,
                                               MHD_RESPMEM_PERSISTENT);
    }
    exchange->status = problem_status(problem->kind);
    exchange->answer_bytes = problem_print(problem, exchange->request_id, exchange->problem_text, PROBLEM_TEXT_BYTES);
    return MHD_create_response_from_buffer(exchange->answer_bytes, exchange->problem_text, MHD_RESPMEM_PERSISTENT);
}

/* An answer in parts that lie apart, and how far it has been read. */
struct parts {
    size_t count;
    size_t at;       /* the part that the next byte is in … */
    uint64_t passed; /* … and the bytes of those before it */
    struct reply_piece list[];
};

/* Empty ones needn't have an address. */
static void add_part(struct parts *parts, const char *bytes, size_t length) {
    if (length > 0) {
        parts->list[parts->count++] = (struct reply_piece){bytes, length};
    }
}

/* MHD_ContentReaderCallback. Copying costs little beside sending. An iovec response would save it, but libmicrohttpd
 * (0.9.75) copies its list into what is left of the connection's pool, and where it doesn't fit there, which depends on
 * what the client sends, hangs up or even ends the process ("Failed to destroy mutex"). */
static ssize_t read_parts(void *context, uint64_t position, char *out, size_t capacity) {
    struct parts *parts = context;
    size_t copied = 0;
    while (copied < capacity && parts->at < parts->count) {
        const struct reply_piece *part = &parts->list[parts->at];
        size_t skipped = (size_t)(position + copied - parts->passed);
        size_t left = part->length - skipped;
        size_t length = left < capacity - copied ? left : capacity - copied;
        memcpy(out + copied, part->bytes + skipped, length);
        copied += length;
        if (length == left) {
            parts->passed += part->length;
            parts->at++;
        }
    }
    return copied > 0 ? (ssize_t)copied : MHD_CONTENT_READER_END_OF_STREAM;
}

static size_t send_buffer_bytes(struct exchange *exchange) {
    size_t bytes = exchange->answer_bytes < SENT_AT_ONCE_BYTES ? exchange->answer_bytes : SENT_AT_ONCE_BYTES;
    if (memory_charge(&exchange->account.base, bytes)) {
        exchange->send_buffer_bytes = bytes;
        return bytes;
    }
    return bytes < SENT_WHEN_SHORT_BYTES ? bytes : SENT_WHEN_SHORT_BYTES;
}

static struct MHD_Response *parts_response(struct exchange *exchange, struct parts *parts) {
    exchange->answer_bytes = 0;
    for (size_t i = 0; i < parts->count; i++) {
        exchange->answer_bytes += parts->list[i].length;
    }
    return MHD_create_response_from_callback(exchange->answer_bytes, send_buffer_bytes(exchange), read_parts, parts,
                                             NULL);
}

/* Room for `count` parts. */
static struct parts *take_parts(struct exchange *exchange, size_t count) {
    struct parts *parts = call_take(&exchange->call, sizeof *parts + count * sizeof parts->list[0]);
    if (parts) {
        *parts = (struct parts){0};
    }
    return parts;
}

/* Compressed, in the pieces that the encoder made. */
static struct MHD_Response *coded_response(struct exchange *exchange) {
    const struct content_pieces *coded = &exchange->coded;
    struct parts *parts = take_parts(exchange, coded->count);
    if (!parts) {
        return problem_response(exchange);
    }
    for (size_t i = 0; i < coded->count; i++) {
        add_part(parts, coded->list[i].bytes, coded->list[i].length);
    }
    return parts_response(exchange, parts);
}

/* What the handler printed apart goes between what comes before and after it, if anything does. */
static struct MHD_Response *pieces_response(struct exchange *exchange) {
    const struct call *call = &exchange->call;
    size_t count = call->reply_piece_count;
    size_t at = call->reply_pieces_at;
    if (count == 1 && call->reply.text.length == 0) {
        exchange->answer_bytes = call->reply_pieces[0].length;
        return MHD_create_response_from_buffer(exchange->answer_bytes, (void *)(uintptr_t)call->reply_pieces[0].bytes,
                                               MHD_RESPMEM_PERSISTENT);
    }
    struct parts *parts = take_parts(exchange, count + 2);
    if (!parts) {
        return problem_response(exchange);
    }
    add_part(parts, call->reply.text.data, at);
    for (size_t i = 0; i < count; i++) {
        add_part(parts, call->reply_pieces[i].bytes, call->reply_pieces[i].length);
    }
    if (call->reply.text.length > at) {
        add_part(parts, call->reply.text.data + at, call->reply.text.length - at);
    }
    return parts_response(exchange, parts);
}

static struct MHD_Response *make_response(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (call->problem.kind != PROBLEM_NONE) {
        return problem_response(exchange);
    }
    exchange->status = call->reply_status;
    if (exchange->coded.count > 0) {
        return coded_response(exchange);
    }
    if (call->reply_piece_count > 0) {
        return pieces_response(exchange);
    }
    exchange->answer_bytes = call->reply.text.length;
    return MHD_create_response_from_buffer(call->reply.text.length, call->reply.text.data, MHD_RESPMEM_PERSISTENT);
}

static bool add_headers(struct exchange *exchange, struct MHD_Response *response) {
    char timing[TIMES_HEADER_BYTES];
    times_print(&exchange->times, timing);
    bool is_problem = exchange->call.problem.kind != PROBLEM_NONE;
    const char *media_type = is_problem ? "application/problem+json" : media_name(exchange->order.reply_media);
    bool added = MHD_add_response_header(response, "X-Request-Id", exchange->request_id) == MHD_YES &&
                 MHD_add_response_header(response, "Server-Timing", timing) == MHD_YES;
    if (added && exchange->answer_bytes > 0) {
        added = MHD_add_response_header(response, "Content-Type", media_type) == MHD_YES;
    }
    if (added && exchange->coded.count > 0 && !is_problem) {
        added = MHD_add_response_header(response, "Content-Encoding", content_coding_name(exchange->reply_coding)) ==
                    MHD_YES &&
                MHD_add_response_header(response, "Vary", "Accept-Encoding") == MHD_YES;
    }
    if (added && exchange->allow) {
        added = MHD_add_response_header(response, "Allow", exchange->allow) == MHD_YES;
    }
    if (added && exchange->status == 503) {
        added = MHD_add_response_header(response, "Retry-After", retry_after_s) == MHD_YES;
    }
    if (added && exchange->closes) {
        added = MHD_add_response_header(response, "Connection", "close") == MHD_YES;
    }
    return added;
}

enum MHD_Result reply_queue(struct exchange *exchange) {
    struct service *service = exchange->connection->loop->service;
    uint64_t now = clock_now_ns();
    exchange->times.total = now - exchange->times.opened;
    exchange->closes |= atomic_load_explicit(&service->facts.draining, memory_order_relaxed);
    struct MHD_Response *response = make_response(exchange);
    if (!response) {
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_NO;
    if (add_headers(exchange, response)) {
        queued = MHD_queue_response(exchange->connection->mhd, exchange->status, response);
    }
    MHD_destroy_response(response);
    exchange->step = EXCHANGE_ANSWERED;
    if (exchange->method == EXCHANGE_HEAD) {
        exchange->answer_bytes = 0; /* libmicrohttpd sends the head alone */
    }
    connection_set_phase(exchange->connection, CONNECTION_ANSWERING, now + service->facts.config.body_timeout_ns);
    return queued;
}
