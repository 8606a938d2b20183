/* Everything that can be refused before a byte of the body is read: malformed heads, limits on connections, routes,
 * methods, media types, lengths, memory. */
#include "server/engine/media.h"
#include "server/http/exchange.h"
#include "server/http/loop.h"
#include "server/http/route.h"

#include <string.h>

static enum problem_kind admit_head(struct exchange *exchange, const char *path, const char *version) {
    struct problem *problem = &exchange->call.problem;
    if (!exchange->target_is_sane) {
        return problem_set(
            problem, PROBLEM_MALFORMED_REQUEST, NULL,
            "the request target is not a well-formed URL: path and query are ASCII, with escapes (%%C3, at "
            "most %d in a row) that decode to UTF-8 without NUL",
            HEAD_ESCAPES_MAX);
    }
    if (!exchange->method_is_sane) {
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "the method is not a token");
    }
    if (head_read(exchange->connection->mhd, version, &exchange->head, problem) != PROBLEM_NONE) {
        return problem->kind;
    }
    if (strcmp(path, "*") == 0 && exchange->method != EXCHANGE_OPTIONS) {
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "\"*\" is a target for OPTIONS alone");
    }
    if (exchange->connection->turned_away == CONNECTION_OVER_LIMIT) {
        return problem_set(problem, PROBLEM_TOO_MANY_CONNECTIONS, NULL,
                           "as many connections are open as may be (--max-connections is %u)",
                           exchange_config(exchange)->max_connections);
    }
    if (exchange->connection->turned_away == CONNECTION_OVER_ADDRESS_LIMIT) {
        return problem_set(
            problem, PROBLEM_TOO_MANY_CONNECTIONS, NULL,
            "as many connections are open from your address as may be (--max-connections-per-address is %u)",
            exchange_config(exchange)->max_connections_per_address);
    }
    return PROBLEM_NONE;
}

static enum problem_kind admit_route(struct exchange *exchange, const char *path) {
    struct problem *problem = &exchange->call.problem;
    const struct facts *facts = &exchange_service(exchange)->facts;
    bool whole_server = strcmp(path, "*") == 0;
    exchange->endpoint = route_find(facts->endpoints, facts->endpoint_count, path);
    exchange->order.endpoint = exchange->endpoint;
    if (exchange->method == EXCHANGE_OPTIONS && (exchange->endpoint || whole_server)) {
        exchange->allow = route_allow(exchange->endpoint);
        exchange->call.reply_status = 204;
        return PROBLEM_NONE;
    }
    if (!exchange->endpoint) {
        return problem_set(problem, PROBLEM_NOT_FOUND, NULL, "GET / lists what there is");
    }
    bool wants_post = exchange->endpoint->method == ENDPOINT_POST;
    bool allowed = wants_post ? exchange->method == EXCHANGE_POST
                              : exchange->method == EXCHANGE_GET || exchange->method == EXCHANGE_HEAD;
    if (allowed) {
        return PROBLEM_NONE;
    }
    exchange->allow = route_allow(exchange->endpoint);
    return problem_set(problem, PROBLEM_METHOD_NOT_ALLOWED, NULL, "allowed here: %s", exchange->allow);
}

static enum problem_kind admit_coding(struct exchange *exchange) {
    const struct head *head = &exchange->head;
    struct problem *problem = &exchange->call.problem;
    if (content_coding_parse(head->content_encoding, &exchange->body_coding, problem) != PROBLEM_NONE) {
        return problem->kind;
    }
    return content_coding_choose(head->accept_encoding, &exchange->reply_coding, &exchange->reply_must_be_coded,
                                 problem);
}

static enum problem_kind admit_media(struct exchange *exchange) {
    struct call *call = &exchange->call;
    struct order *order = &exchange->order;
    const struct head *head = &exchange->head;
    const struct endpoint *endpoint = exchange->endpoint;
    char names[MEDIA_NAMES_MAX];
    if (!media_find(head->content_type, endpoint->consumes, &order->body_media)) {
        return problem_set(&call->problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL,
                           "Content-Type must be %s (text in UTF-8), not %.60s", media_list(endpoint->consumes, names),
                           head->content_type ? head->content_type : "absent");
    }
    if (!media_choose(head->accept, endpoint->produces, &order->reply_media)) {
        return problem_set(&call->problem, PROBLEM_NOT_ACCEPTABLE, NULL, "answers here are %s",
                           media_list(endpoint->produces, names));
    }
    if (order->body_media == MEDIA_JSON && order->query.length > 0) {
        return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, NULL,
                           "options of a JSON request are members of its body, not of the URL's query");
    }
    if (order->query.length > 0 && !order->query.bytes) {
        return call_memory_short(call, order->query.length);
    }
    return admit_coding(exchange);
}

/* Reserves the whole declared body at once: a request that was let in doesn't fail half-way for lack of memory. */
static enum problem_kind admit_body(struct exchange *exchange) {
    struct problem *problem = &exchange->call.problem;
    const struct head *head = &exchange->head;
    bool streams = exchange->order.body_media == MEDIA_TEXT && exchange->endpoint->window;
    envelope_begin(&exchange->call.envelope, exchange->endpoint->bulk);
    size_t limit = streams ? exchange_config(exchange)->max_stream_bytes : exchange_config(exchange)->max_body_bytes;
    if (head->content_length > limit && (limit > 0 || !streams)) {
        return problem_set(problem, PROBLEM_BODY_TOO_LARGE, NULL, "the body has %llu bytes, the limit (%s) is %zu",
                           (unsigned long long)head->content_length, streams ? "--max-stream" : "--max-body", limit);
    }
    bool leaves_loop =
        head->chunked || head->content_length > EXCHANGE_INLINE_BODY_BYTES || exchange->body_coding != CONTENT_IDENTITY;
    if (leaves_loop && scheduler_is_full(exchange_service(exchange)->scheduler)) {
        return exchange_refuse_overload(exchange);
    }
    if (streams) {
        return stream_open(exchange);
    }
    if (!head->has_content_length || head->content_length == 0) {
        return PROBLEM_NONE;
    }
    if (!payload_take(&exchange->call.body, &exchange->account.base, (size_t)head->content_length)) {
        return call_memory_short(&exchange->call, (size_t)head->content_length);
    }
    return PROBLEM_NONE;
}

enum problem_kind admission_check(struct exchange *exchange, const char *path, const char *version) {
    enum problem_kind found = admit_head(exchange, path, version);
    if (found == PROBLEM_NONE) {
        found = admit_route(exchange, path);
    }
    if (found == PROBLEM_NONE && exchange->method == EXCHANGE_POST) {
        found = admit_media(exchange);
    }
    if (found == PROBLEM_NONE && exchange->method == EXCHANGE_POST) {
        found = admit_body(exchange);
    }
    return found;
}
