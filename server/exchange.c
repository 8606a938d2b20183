#include "exchange.h"

#include "clock.h"
#include "loop.h"
#include "media.h"
#include "request_id.h"
#include "route.h"

#include <stdlib.h>
#include <string.h>

/* First room for a body of undeclared length. */
enum { CHUNKED_BODY_BYTES = 64 * 1024 };

static struct service *service_of(const struct exchange *exchange) {
    return exchange->connection->loop->service;
}
static const struct config *config_of(const struct exchange *exchange) {
    return &service_of(exchange)->facts.config;
}

static enum exchange_method method_of(const char *method) {
    static const char *const names[] = {"GET", "HEAD", "POST", "OPTIONS"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(method, names[i]) == 0)
            return (enum exchange_method)i;
    }
    return EXCHANGE_OTHER_METHOD;
}

/* Copies what fits, for the log. */
static void copy_cut(char *out, size_t capacity, const char *text) {
    size_t length = strnlen(text, capacity - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

void exchange_open(struct exchange *exchange, struct connection *connection, const char *target) {
    struct service *service = connection->loop->service;
    *exchange = (struct exchange){.connection = connection};
    exchange->times.opened = clock_now_ns();
    exchange->target_is_sane = head_target_is_sane(target);
    const char *query = strchr(target, '?');
    exchange->has_query = query != NULL && query[1] != '\0';
    copy_cut(exchange->log_path, sizeof exchange->log_path, target);
    exchange->log_path[strcspn(exchange->log_path, "?")] = '\0'; /* queries may carry what doesn't belong into logs */
    account_init(&exchange->account, &service->memory, service->buffers);
    exchange->call.facts = &service->facts;
    exchange->call.memory = &exchange->account.base;
    exchange->call.memory_held_bytes = &exchange->account.charged_bytes;
    exchange->call.memory_limit_bytes = service->memory.limit_bytes;
    exchange->call.reply_media_type = "application/json";
    exchange->call.reply_status = 200;
    json_writer_init(&exchange->call.reply, &exchange->account.base, service->memory.limit_bytes);
    connection_set_phase(connection, CONNECTION_HEAD, exchange->times.opened + service->facts.config.header_timeout_ns);
}

/* --- admission: everything that can be refused before the body is read ------------------------------------------ */

static enum problem_kind admit_head(struct exchange *exchange, const char *path, const char *version) {
    struct problem *problem = &exchange->call.problem;
    if (!exchange->target_is_sane)
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "the request target is not a well-formed URL");
    if (!exchange->method_is_sane)
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "the method is not a token");
    if (head_read(exchange->connection->mhd, version, &exchange->head, problem) != PROBLEM_NONE)
        return problem->kind;
    if (strcmp(path, "*") == 0 && exchange->method != EXCHANGE_OPTIONS)
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "\"*\" is a target for OPTIONS alone");
    if (exchange->connection->turned_away != PROBLEM_NONE)
        return problem_set(problem, exchange->connection->turned_away, NULL,
                           "the limit of connections (%u in all%s) is reached", config_of(exchange)->max_connections,
                           config_of(exchange)->max_connections_per_address != 0 ? ", fewer from one address" : "");
    return PROBLEM_NONE;
}

static enum problem_kind admit_route(struct exchange *exchange, const char *path) {
    struct problem *problem = &exchange->call.problem;
    const struct facts *facts = &service_of(exchange)->facts;
    bool whole_server = strcmp(path, "*") == 0;
    exchange->endpoint = route_find(facts->endpoints, facts->endpoint_count, path);
    exchange->call.endpoint = exchange->endpoint;
    if (exchange->method == EXCHANGE_OPTIONS && (exchange->endpoint != NULL || whole_server)) {
        exchange->allow = route_allow(exchange->endpoint);
        exchange->call.reply_status = 204;
        return PROBLEM_NONE;
    }
    if (exchange->endpoint == NULL)
        return problem_set(problem, PROBLEM_NOT_FOUND, NULL, "GET / lists what there is");
    bool wants_post = exchange->endpoint->method == ENDPOINT_POST;
    bool allowed = wants_post ? exchange->method == EXCHANGE_POST
                              : exchange->method == EXCHANGE_GET || exchange->method == EXCHANGE_HEAD;
    if (allowed)
        return PROBLEM_NONE;
    exchange->allow = route_allow(exchange->endpoint);
    return problem_set(problem, PROBLEM_METHOD_NOT_ALLOWED, NULL, "allowed here: %s", exchange->allow);
}

static enum problem_kind admit_media(struct exchange *exchange) {
    struct problem *problem = &exchange->call.problem;
    const struct head *head = &exchange->head;
    if (head->content_encoding != NULL && strcasecmp(head->content_encoding, "identity") != 0)
        return problem_set(problem, PROBLEM_UNSUPPORTED_ENCODING, NULL,
                           "Content-Encoding must be absent or identity, not %.40s", head->content_encoding);
    if (!media_type_is(head->content_type, "application/json"))
        return problem_set(problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL,
                           "Content-Type must be application/json (in UTF-8), not %.60s",
                           head->content_type != NULL ? head->content_type : "absent");
    if (!media_accepts(head->accept, "application/json"))
        return problem_set(problem, PROBLEM_NOT_ACCEPTABLE, NULL, "answers here are application/json");
    if (exchange->has_query)
        return problem_set(problem, PROBLEM_UNKNOWN_FIELD, NULL,
                           "options of a JSON request are members of its body, not of the URL's query");
    return PROBLEM_NONE;
}

/* Reserves the whole declared body at once: a request that was let in doesn't fail half-way for lack of memory. */
static enum problem_kind admit_body(struct exchange *exchange) {
    struct problem *problem = &exchange->call.problem;
    const struct head *head = &exchange->head;
    size_t limit = config_of(exchange)->max_body_bytes;
    if (head->content_length > limit)
        return problem_set(problem, PROBLEM_BODY_TOO_LARGE, NULL,
                           "the body has %llu bytes, the limit (--max-body) is %zu",
                           (unsigned long long)head->content_length, limit);
    bool leaves_loop = head->chunked || head->content_length > EXCHANGE_INLINE_BODY_BYTES;
    if (leaves_loop && scheduler_is_full(service_of(exchange)->scheduler))
        return problem_set(problem, PROBLEM_OVERLOADED, NULL, "%u requests are waiting already, which is the limit",
                           config_of(exchange)->queue_length);
    if (!head->has_content_length || head->content_length == 0)
        return PROBLEM_NONE;
    exchange->body_capacity = (size_t)head->content_length;
    exchange->body = memory_take(&exchange->account.base, exchange->body_capacity);
    if (exchange->body == NULL) {
        exchange->body_capacity = 0;
        return call_memory_short(&exchange->call, (size_t)head->content_length);
    }
    return PROBLEM_NONE;
}

static enum problem_kind admit(struct exchange *exchange, const char *path, const char *version) {
    enum problem_kind found = admit_head(exchange, path, version);
    if (found == PROBLEM_NONE)
        found = admit_route(exchange, path);
    if (found == PROBLEM_NONE && exchange->method == EXCHANGE_POST)
        found = admit_media(exchange);
    if (found == PROBLEM_NONE && exchange->method == EXCHANGE_POST)
        found = admit_body(exchange);
    return found;
}

static void name_request(struct exchange *exchange) {
    const char *given = exchange->head.request_id;
    if (given != NULL && request_id_is_sane(given, EXCHANGE_ID_MAX))
        copy_cut(exchange->request_id, sizeof exchange->request_id, given);
    else
        request_id_make(exchange->request_id);
}

/* --- the body ---------------------------------------------------------------------------------------------------- */

/* A body that won't be used is read and dropped up to this size, so that its sender gets to read the answer instead of
 * a reset connection; a longer one isn't worth it. */
static size_t discard_limit(const struct exchange *exchange) {
    size_t limit = config_of(exchange)->max_body_bytes;
    return limit < SIZE_MAX / 2 ? 2 * limit + 1024 * 1024 : SIZE_MAX;
}

static enum MHD_Result take_head(struct exchange *exchange, const char *url, const char *method, const char *version) {
    copy_cut(exchange->log_method, sizeof exchange->log_method, method);
    exchange->method = method_of(method);
    exchange->method_is_sane = head_is_token(method, strlen(method));
    enum problem_kind found = admit(exchange, route_path(url), version);
    name_request(exchange);
    const struct head *head = &exchange->head;
    connection_set_phase(exchange->connection, CONNECTION_BODY,
                         exchange->connection->loop->now_ns + config_of(exchange)->body_timeout_ns);
    exchange->step = found == PROBLEM_NONE ? EXCHANGE_EXPECTS_BODY : EXCHANGE_DISCARDS_BODY;
    if (found == PROBLEM_NONE)
        return MHD_YES;
    bool hopeless = found == PROBLEM_MALFORMED_REQUEST || found == PROBLEM_HEAD_TOO_LARGE;
    bool unwanted = head->expects_continue || head->content_length > discard_limit(exchange);
    exchange->closes = hopeless || unwanted || found == PROBLEM_TOO_MANY_CONNECTIONS;
    return hopeless || unwanted ? reply_queue(exchange) : MHD_YES;
}

/* From here on the body is of no use. */
static void drop_body(struct exchange *exchange) {
    memory_give(&exchange->account.base, exchange->body, exchange->body_capacity);
    exchange->body = NULL;
    exchange->body_capacity = 0;
    exchange->step = EXCHANGE_DISCARDS_BODY;
}

/* Room for `more` bytes behind what is there already. Only chunked bodies grow. */
static enum problem_kind grow_body(struct exchange *exchange, size_t more) {
    size_t limit = config_of(exchange)->max_body_bytes;
    if (more > limit - exchange->body_length)
        return problem_set(&exchange->call.problem, PROBLEM_BODY_TOO_LARGE, NULL,
                           "the body has more than %zu bytes, which is the limit (--max-body)", limit);
    size_t needed = exchange->body_length + more;
    if (needed <= exchange->body_capacity)
        return PROBLEM_NONE;
    size_t capacity = exchange->body_capacity > 0 ? exchange->body_capacity : CHUNKED_BODY_BYTES;
    while (capacity < needed)
        capacity = capacity > limit / 2 ? limit : capacity * 2;
    char *grown = memory_resize(&exchange->account.base, exchange->body, exchange->body_capacity, capacity);
    if (grown == NULL)
        return call_memory_short(&exchange->call, capacity - exchange->body_capacity);
    exchange->body = grown;
    exchange->body_capacity = capacity;
    return PROBLEM_NONE;
}

static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t *data_size) {
    size_t size = *data_size;
    exchange->received_bytes += size;
    if (exchange->step == EXCHANGE_EXPECTS_BODY && exchange->method == EXCHANGE_POST) {
        if (grow_body(exchange, size) == PROBLEM_NONE) {
            memcpy(exchange->body + exchange->body_length, data, size);
            exchange->body_length += size;
        } else {
            drop_body(exchange);
        }
    } else if (exchange->received_bytes > discard_limit(exchange)) {
        return MHD_NO;
    }
    *data_size = 0;
    return MHD_YES;
}

static void answer_information(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (exchange->method != EXCHANGE_OPTIONS) {
        service_refresh_facts(service_of(exchange));
        if (exchange->endpoint->answer(call) == PROBLEM_NONE &&
            !media_accepts(exchange->head.accept, call->reply_media_type))
            problem_set(&call->problem, PROBLEM_NOT_ACCEPTABLE, NULL, "the answer here is %s", call->reply_media_type);
    }
    exchange->step = EXCHANGE_HAS_RESULT;
}

static enum MHD_Result end_body(struct exchange *exchange) {
    exchange->times.received = clock_now_ns();
    exchange->times.lap = exchange->times.received;
    exchange->times.receive = exchange->times.received - exchange->times.opened;
    if (exchange->step == EXCHANGE_DISCARDS_BODY)
        return reply_queue(exchange);
    if (exchange->method == EXCHANGE_POST)
        exchange_begin_work(exchange);
    else
        answer_information(exchange);
    return exchange->step == EXCHANGE_HAS_RESULT ? reply_queue(exchange) : MHD_YES;
}

enum MHD_Result exchange_receive(struct exchange *exchange, const char *path, const char *method, const char *version,
                                 const char *data, size_t *data_size) {
    switch (exchange->step) {
    case EXCHANGE_EXPECTS_HEAD:
        return take_head(exchange, path, method, version);
    case EXCHANGE_EXPECTS_BODY:
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

void exchange_close(struct exchange *exchange, enum MHD_RequestTerminationCode code) {
    if (exchange->status == 0 && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        /* libmicrohttpd refused the request by itself, before or instead of calling us. */
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(exchange->connection->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
        exchange->status = info != NULL ? info->http_status : 400;
    } else if (exchange->status == 0) {
        problem_set(&exchange->call.problem, PROBLEM_CLIENT_GONE, NULL, "the client went away");
        exchange->status = problem_status(exchange->call.problem.kind);
    }
    request_log_write(exchange);
    call_release(&exchange->call);
    memory_give(&exchange->account.base, exchange->body, exchange->body_capacity);
    account_close(&exchange->account);
    free(exchange->problem_text);
    exchange->problem_text = NULL;
    exchange->body = NULL;
    exchange->body_capacity = 0;
}
