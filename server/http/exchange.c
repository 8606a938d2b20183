#include "server/http/exchange.h"

#include "codecs/query.h"
#include "server/engine/media.h"
#include "server/http/loop.h"
#include "server/http/request_id.h"
#include "server/http/route.h"
#include "server/system/clock.h"

#include <stdlib.h>
#include <string.h>

/* First room for a body of undeclared length. */
enum { CHUNKED_BODY_BYTES = 64 * 1024 };
/* Longest answer of an information endpoint. */
enum { ANSWER_BYTES_MAX = 1024 * 1024 };

static enum exchange_method method_of(const char *method) {
    static const char *const names[] = {"GET", "HEAD", "POST", "OPTIONS"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(method, names[i]) == 0) {
            return (enum exchange_method)i;
        }
    }
    return EXCHANGE_OTHER_METHOD;
}

/* Copies what fits, for the log. */
static void copy_cut(char *out, size_t capacity, const char *text) {
    size_t length = strnlen(text, capacity - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

/* libmicrohttpd decodes the query where it lies, so that we keep it as it came. */
static void keep_query(struct exchange *exchange, const char *query) {
    struct call *call = &exchange->call;
    if (!query || query[1] == '\0') {
        return;
    }
    size_t length = strlen(query + 1);
    char *copy = call_take(call, length);
    if (copy) {
        memcpy(copy, query + 1, length);
    }
    call->problem = (struct problem){0}; /* few requests need it: admission.c sees whether this one does */
    exchange->order.query = (struct text_view){copy, length};
}

/* A head that libmicrohttpd's buffer can't hold would stall there, unanswered: each argument of the query takes room in
 * it beside the text. */
static void refuse_large(struct exchange *exchange, const char *target) {
    struct problem *problem = &exchange->call.problem;
    size_t arguments = 1;
    for (const char *at = target; (at = strchr(at, '&')); at++) {
        arguments++;
    }
    if (strlen(target) > HEAD_BYTES_MAX) {
        problem_set(problem, PROBLEM_HEAD_TOO_LARGE, NULL, "the request target has %zu bytes, the limit is %d",
                    strlen(target), HEAD_BYTES_MAX);
    } else if (arguments > QUERY_ITEMS_MAX) {
        problem_set(problem, PROBLEM_HEAD_TOO_LARGE, NULL, "the query has %zu arguments, the limit is %d", arguments,
                    QUERY_ITEMS_MAX);
    }
    if (problem->kind != PROBLEM_NONE) {
        connection_refuse(exchange->connection, problem);
    }
}

void exchange_open(struct exchange *exchange, struct connection *connection, const char *target) {
    struct service *service = connection->loop->service;
    *exchange = (struct exchange){.connection = connection};
    exchange->times.opened = clock_now_ns();
    request_id_make(exchange->request_id);
    exchange->target_is_sane = head_target_is_sane(target);
    copy_cut(exchange->log_path, sizeof exchange->log_path, target);
    exchange->log_path[strcspn(exchange->log_path, "?")] = '\0'; /* queries may carry what doesn't belong into logs */
    account_init(&exchange->account, &service->memory, service->buffers);
    exchange->order.body_media = MEDIA_JSON;
    exchange->order.reply_media = MEDIA_JSON;
    call_init(&exchange->call, &exchange->order, &service->host, &exchange->account.base);
    exchange->call.memory_held_bytes = &exchange->account.charged_bytes;
    connection->has_exchange = true;
    keep_query(exchange, strchr(target, '?'));
    connection_set_phase(connection, CONNECTION_HEAD, exchange->times.opened + service->facts.config.header_timeout_ns);
    refuse_large(exchange, target);
}

/* A client may name its request itself. */
static void take_name(struct exchange *exchange) {
    const char *given = exchange->head.request_id;
    if (given && request_id_is_sane(given, EXCHANGE_ID_MAX)) {
        copy_cut(exchange->request_id, sizeof exchange->request_id, given);
    }
}

/* --- the body ---------------------------------------------------------------------------------------------------- */

/* A body that won't be used is read and dropped up to this size, so that its sender gets to read the answer instead of
 * a reset connection; a longer one isn't worth it. */
static size_t discard_limit(const struct exchange *exchange) {
    size_t limit = exchange_config(exchange)->max_body_bytes;
    return limit < SIZE_MAX / 2 ? 2 * limit + 1024 * 1024 : SIZE_MAX;
}

static enum MHD_Result take_head(struct exchange *exchange, const char *url, const char *method, const char *version) {
    copy_cut(exchange->log_method, sizeof exchange->log_method, method);
    exchange->method = method_of(method);
    exchange->method_is_sane = head_is_token(method, strlen(method));
    enum problem_kind found = admission_check(exchange, route_path(url), version);
    take_name(exchange);
    const struct head *head = &exchange->head;
    connection_set_phase(exchange->connection, CONNECTION_BODY,
                         exchange->connection->loop->now_ns + exchange_config(exchange)->body_timeout_ns);
    if (found == PROBLEM_NONE) {
        exchange->step = exchange->stream ? EXCHANGE_STREAMS_BODY : EXCHANGE_EXPECTS_BODY;
        return MHD_YES;
    }
    exchange->step = EXCHANGE_DISCARDS_BODY;
    bool hopeless = found == PROBLEM_MALFORMED_REQUEST || found == PROBLEM_HEAD_TOO_LARGE;
    bool unwanted = head->expects_continue || head->content_length > discard_limit(exchange);
    exchange->closes = hopeless || unwanted || found == PROBLEM_TOO_MANY_CONNECTIONS;
    return hopeless || unwanted ? reply_queue(exchange) : MHD_YES;
}

/* Room for `more` bytes behind what is there already. Only chunked bodies grow. */
static enum problem_kind grow_body(struct exchange *exchange, size_t more) {
    size_t limit = exchange_config(exchange)->max_body_bytes;
    struct payload *body = &exchange->call.body;
    if (more > limit - body->length) {
        return problem_set(&exchange->call.problem, PROBLEM_BODY_TOO_LARGE, NULL,
                           "the body has more than %zu bytes, which is the limit (--max-body)", limit);
    }
    size_t needed = body->length + more;
    if (needed <= body->capacity) {
        return PROBLEM_NONE;
    }
    size_t capacity = body->capacity > 0 ? body->capacity : CHUNKED_BODY_BYTES;
    while (capacity < needed) {
        capacity = capacity > limit / 2 ? limit : capacity * 2;
    }
    bool has_room = body->owner ? payload_grow(body, capacity) : payload_take(body, &exchange->account.base, capacity);
    return has_room ? PROBLEM_NONE : call_memory_short(&exchange->call, capacity - body->capacity);
}

/* Bulk members of a long body are located while it arrives, as long as the bytes are in the cache: decoding has to look
 * at the rest only. Costs a tenth of what receiving does. */
static void locate_bulk(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (exchange->endpoint->bulk && exchange->order.body_media == MEDIA_JSON &&
        exchange->body_coding == CONTENT_IDENTITY && call->body.length > EXCHANGE_INLINE_BODY_BYTES_ALONE) {
        envelope_split(&call->envelope, call->body.bytes, call->body.length, false, NULL);
    }
}

static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t *data_size) {
    if (exchange->step == EXCHANGE_STREAMS_BODY) {
        stream_take(exchange, data, data_size);
        return exchange->step == EXCHANGE_STREAMS_BODY ? MHD_YES : take_body(exchange, data, data_size);
    }
    size_t size = *data_size;
    exchange->received_bytes += size;
    if (exchange->step == EXCHANGE_EXPECTS_BODY && exchange->method == EXCHANGE_POST) {
        if (grow_body(exchange, size) == PROBLEM_NONE) {
            memcpy(exchange->call.body.bytes + exchange->call.body.length, data, size);
            exchange->call.body.length += size;
            locate_bulk(exchange);
        } else {
            payload_drop(&exchange->call.body);
            exchange->step = EXCHANGE_DISCARDS_BODY;
        }
    } else {
        exchange->discarded_bytes += size;
        if (exchange->discarded_bytes > discard_limit(exchange)) {
            return MHD_NO;
        }
    }
    *data_size = 0;
    return MHD_YES;
}

static void answer_information(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (exchange->method != EXCHANGE_OPTIONS) {
        char names[MEDIA_NAMES_MAX];
        /* Whoever asks how the service is gets an answer when its memory is used up, too. */
        json_writer_init(&call->reply, &exchange->connection->loop->answer_memory.base, ANSWER_BYTES_MAX);
        enum problem_kind found = exchange->endpoint->answer(call);
        if (found == PROBLEM_NONE && json_writer_failed(&call->reply)) {
            problem_set(&call->problem, PROBLEM_INTERNAL, NULL, "the answer has more than %d bytes", ANSWER_BYTES_MAX);
        } else if (found == PROBLEM_NONE &&
                   !media_choose(exchange->head.accept, exchange->endpoint->produces, &exchange->order.reply_media)) {
            problem_set(&call->problem, PROBLEM_NOT_ACCEPTABLE, NULL, "the answer here is %s",
                        media_list(exchange->endpoint->produces, names));
        }
    }
    exchange->step = EXCHANGE_HAS_RESULT;
}

static enum MHD_Result end_body(struct exchange *exchange) {
    exchange->times.received = clock_now_ns();
    exchange->times.receive = exchange->times.received - exchange->times.opened;
    if (exchange->step == EXCHANGE_DISCARDS_BODY) {
        return reply_queue(exchange);
    }
    if (exchange->step == EXCHANGE_STREAMS_BODY) {
        stream_end(exchange);
        return exchange->step == EXCHANGE_HAS_RESULT ? reply_queue(exchange) : MHD_YES;
    }
    exchange->times.lap = exchange->times.received;
    exchange->times.cpu_lap = exchange->times.received;
    if (exchange->method == EXCHANGE_POST) {
        exchange_begin_work(exchange);
    } else {
        answer_information(exchange);
    }
    return exchange->step == EXCHANGE_HAS_RESULT ? reply_queue(exchange) : MHD_YES;
}

enum MHD_Result exchange_receive(struct exchange *exchange, const char *path, const char *method, const char *version,
                                 const char *data, size_t *data_size) {
    switch (exchange->step) {
    case EXCHANGE_EXPECTS_HEAD:
        return take_head(exchange, path, method, version);
    case EXCHANGE_EXPECTS_BODY:
    case EXCHANGE_STREAMS_BODY:
    case EXCHANGE_DISCARDS_BODY:
        return *data_size > 0 ? take_body(exchange, data, data_size) : end_body(exchange);
    case EXCHANGE_HAS_RESULT:
        return reply_queue(exchange);
    case EXCHANGE_WORKS:
    case EXCHANGE_ANSWERED:
        break; /* not called then */
    }
    return MHD_NO;
}

void exchange_close(struct exchange *exchange, bool completed) {
    stream_close(exchange);
    if (exchange->cut == PROBLEM_REQUEST_TIMEOUT) {
        exchange_explain_cut(exchange);
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
    if (exchange->status == 0 && info) {
        exchange->status = info->http_status; /* libmicrohttpd refused the request by itself */
    }
    if (exchange->status == 0) {
        problem_set(&exchange->call.problem, PROBLEM_CLIENT_GONE, NULL, "the client went away");
        exchange->status = problem_status(exchange->call.problem.kind);
    }
    if (!completed && exchange->step == EXCHANGE_ANSWERED) {
        problem_set(&exchange->call.problem, PROBLEM_CLIENT_GONE, NULL, "the client did not take all of the answer");
    }
    exchange->connection->has_exchange = false;
    request_log_write(exchange);
    content_pieces_free(&exchange->coded);
    call_release(&exchange->call);
    memory_refund(&exchange->account.base, exchange->send_buffer_bytes);
    account_close(&exchange->account);
    free(exchange->problem_text);
    exchange->problem_text = NULL;
}
