#include "server/http/admission.h"

#include "codecs/prefer.h"
#include "server/engine/endpoint.h"
#include "server/http/order_fields.h"
#include "server/http/peers.h"
#include "server/http/route.h"
#include "server/system/facts.h"

#include <string.h>

static enum problem_kind admit_line(const struct request *request, struct problem *problem) {
    if (request->target_fault) {
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "%s", request->target_fault);
    }
    if (request->is_for_server && request->method != REQUEST_OPTIONS) {
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "\"*\" is a target for OPTIONS alone");
    }
    return PROBLEM_NONE;
}

/* A connection beyond a limit has a place kept for it so that a probe, which decides over the whole process's life, is
 * answered whatever clients do. */
static enum problem_kind admit_connection(const struct connection *connection, const struct request *request,
                                          struct run *run) {
    const struct config *config = &run->host->facts->config;
    const struct endpoint *endpoint = run->order.endpoint;
    struct problem *problem = &run->call.problem;
    if (endpoint && endpoint->is_probe) {
        return PROBLEM_NONE;
    }
    if (request->is_preflight && connection->admission != CONNECTION_FOR_PROBES) {
        return PROBLEM_NONE; /* else no page would see the problem that the request itself will meet */
    }
    switch (connection->admission) {
    case CONNECTION_ADMITTED:
        return PROBLEM_NONE;
    case CONNECTION_OVER_LIMIT:
        return problem_set(problem, PROBLEM_TOO_MANY_CONNECTIONS, NULL,
                           "as many connections are open as may be (--max-connections is %u)", config->max_connections);
    case CONNECTION_OVER_ADDRESS_LIMIT:
        return problem_set(
            problem, PROBLEM_TOO_MANY_CONNECTIONS, NULL,
            "as many connections are open from your address as may be (--max-connections-per-address is %u)",
            config->max_connections_per_address);
    case CONNECTION_OVER_MEMORY:
        return problem_set(problem, PROBLEM_MEMORY_BUSY, NULL,
                           "there is no memory for one more connection: connections may hold half of the %zu bytes in "
                           "all (--memory), and requests hold the rest",
                           config->memory_bytes);
    case CONNECTION_FOR_PROBES:
        break;
    }
    return problem_set(problem, PROBLEM_NOT_FOUND, NULL, "this port (--health-port) has the probes alone");
}

/* Of the rows of the path the one that has this method. */
static enum problem_kind admit_method(struct request *request, struct run *run) {
    const struct facts *facts = run->host->facts;
    const struct endpoint *found = run->order.endpoint;
    if (request->method == REQUEST_OPTIONS && (found || request->is_for_server || request->is_preflight)) {
        request->allow = route_allow(facts->endpoints, facts->endpoint_count, found);
        return PROBLEM_NONE;
    }
    if (!found) {
        return problem_set(&run->call.problem, PROBLEM_NOT_FOUND, NULL,
                           "GET / lists what there is; paths are compared as they are sent, byte by byte");
    }
    const struct endpoint *chosen = route_choose(facts->endpoints, facts->endpoint_count, found, request->method);
    if (chosen) {
        run->order.endpoint = chosen;
        return PROBLEM_NONE;
    }
    request->allow = route_allow(facts->endpoints, facts->endpoint_count, found);
    return problem_set(&run->call.problem, PROBLEM_METHOD_NOT_ALLOWED, NULL, "allowed here: %s", request->allow);
}

static enum problem_kind admit_coding(const struct connection *connection, const struct head *head, struct run *run) {
    struct order *order = &run->order;
    struct problem *problem = &run->call.problem;
    if (content_coding_parse(head->content_encoding, &order->body_coding, problem) ||
        content_coding_choose(head->accept_encoding, CONTENT_MADE, &order->reply_coding, &order->reply_must_be_coded,
                              problem)) {
        return problem->kind;
    }
    /* Compressing takes 3 to 7 ns a byte, a network of 1 Gbit/s 8, the way to a client on the same machine 0.3. */
    if (connection->is_local && !order->reply_must_be_coded) {
        order->reply_coding = CONTENT_IDENTITY;
    }
    return PROBLEM_NONE;
}

/* What a service says about itself is short and goes as it is, but for files, which have a tag and are there in several
 * codings. */
static enum problem_kind admit_precoded(const struct head *head, struct run *run) {
    struct order *order = &run->order;
    bool is_file = order->endpoint->tag && order->endpoint->tag(&run->call);
    return is_file ? content_coding_choose(head->accept_encoding, CONTENT_STORED, &order->reply_coding,
                                           &order->reply_must_be_coded, &run->call.problem)
                   : PROBLEM_NONE;
}

static enum problem_kind admit_answer_media(const struct head *head, struct run *run) {
    char names[MEDIA_NAMES_MAX];
    unsigned produced = run->order.endpoint->produces;
    bool is_patient = run->order.endpoint->is_probe; /* whatever it accepts, it wants to know */
    if (media_choose(head->accept, produced, &run->order.reply_media) ||
        (is_patient && media_choose(NULL, produced, &run->order.reply_media))) {
        return PROBLEM_NONE;
    }
    return problem_set(&run->call.problem, PROBLEM_NOT_ACCEPTABLE, NULL, "answers here are %s",
                       media_list(produced, names, sizeof names));
}

/* Which of the endpoint's media the body is in, and that it is in UTF-8 where it is text. */
static enum problem_kind admit_body_media(const struct request *request, struct run *run) {
    struct order *order = &run->order;
    const char *content_type = request->head.content_type;
    char names[MEDIA_NAMES_MAX];
    char charset[MEDIA_CHARSET_MAX];
    if (request->method == REQUEST_QUERY && !content_type) {
        return problem_set(&run->call.problem, PROBLEM_MALFORMED_REQUEST, NULL, "a QUERY needs a Content-Type: %s",
                           media_list(order->endpoint->consumes, names, sizeof names));
    }
    if (!media_find(content_type, order->endpoint->consumes, &order->body_media)) {
        return problem_set(&run->call.problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL, "Content-Type must be %s, %s%.60s",
                           media_list(order->endpoint->consumes, names, sizeof names),
                           content_type ? "not " : "and is absent or empty", content_type ? content_type : "");
    }
    if (order->body_media != MEDIA_NPY && !media_is_utf8(content_type, charset)) {
        return problem_set(&run->call.problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL,
                           "the charset \"%s\" of Content-Type is not read here: %s is UTF-8", charset,
                           media_name(order->body_media));
    }
    return PROBLEM_NONE;
}

/* What is needed of the target was copied when that came. */
static enum problem_kind admit_target(struct run *run) {
    const struct order *order = &run->order;
    if ((order->query.length > 0 && !order->query.bytes) || (order->part.length > 0 && !order->part.bytes)) {
        return call_memory_short(&run->call, order->query.length + order->part.length);
    }
    return PROBLEM_NONE;
}

static enum problem_kind admit_media(const struct connection *connection, const struct request *request,
                                     struct run *run) {
    const struct head *head = &request->head;
    struct order *order = &run->order;
    struct problem *problem = &run->call.problem;
    if (admit_body_media(request, run) || admit_answer_media(head, run)) {
        return problem->kind;
    }
    if (order->body_media == MEDIA_JSON && !order->endpoint->options_in_query && order->query.length > 0) {
        return problem_set(problem, PROBLEM_UNKNOWN_FIELD, NULL,
                           "options of a JSON request are members of its body, not of the URL's query");
    }
    return admit_target(run) ? problem->kind : admit_coding(connection, head, run);
}

/* Answers that nobody takes. */
static enum problem_kind admit_share(const struct connection *connection, struct run *run) {
    size_t limit = run->host->facts->config.memory_bytes / 2; /* others find room beside it */
    size_t held = peers_held_bytes(connection->set->front->peers, connection->principal);
    if (held <= limit) {
        return PROBLEM_NONE;
    }
    return problem_set(
        &run->call.problem, PROBLEM_MEMORY_BUSY, NULL,
        "answers that your address has not taken yet hold %zu bytes; they may hold %zu (half of --memory)", held,
        limit);
}

/* An order that may be answered later becomes the submission of a job. What is conditional is answered at once, since
 * the condition is of now, and what promises to change nothing: a preference may be left aside (RFC 7240, 2). But not a
 * callback, which its client would wait for in vain. */
static enum problem_kind defer(struct run *run) {
    struct order *order = &run->order;
    const struct endpoint *submission = run->host->submission;
    const struct order_fields *fields = &order->fields;
    bool is_of_now = fields->if_match.bytes || fields->if_none_match.bytes || order->changes_nothing;
    struct prefer prefer;
    if (!fields->prefer.bytes) {
        return PROBLEM_NONE;
    }
    prefer_read(fields->prefer.bytes, &prefer);
    if (prefer.respond_async && submission && order->endpoint->method == ENDPOINT_POST && !is_of_now) {
        order->deferred = order->endpoint;
        order->endpoint = submission;
    }
    bool is_lost = prefer.has_stray_callback || (prefer.callback.bytes && !order->deferred);
    return is_lost
               ? problem_set(&run->call.problem, PROBLEM_UNKNOWN_FIELD, NULL,
                             "\"callback\" in Prefer is a parameter of respond-async, of a POST that is run as a job "
                             "and has no If-Match and If-None-Match: respond-async; callback=\"https://...\"")
               : PROBLEM_NONE;
}

static enum problem_kind admit_body(const struct connection *connection, const struct head *head, struct run *run) {
    struct order *order = &run->order;
    order->is_declared = head->has_content_length;
    order->declared_bytes = head->content_length;
    if (defer(run)) {
        return run->call.problem.kind;
    }
    bool leaves_loop = !order->deferred && (head->chunked || head->content_length > ADMISSION_INLINE_BODY_BYTES ||
                                            order->body_coding != CONTENT_IDENTITY);
    if (admit_share(connection, run) || (leaves_loop && run_announce(run))) {
        return run->call.problem.kind;
    }
    return run_open(run);
}

/* All that the asker would take, for an endpoint whose resources aren't there in all that it produces. */
static void list_choices(const struct head *head, struct order *order) {
    unsigned left = order->endpoint->produces;
    for (size_t i = 0; i < MEDIA_CHOICES_MAX && media_choose(head->accept, left, &order->reply_choices[i]); i++) {
        left &= ~(unsigned)order->reply_choices[i];
    }
}

/* A computation without a body. */
static enum problem_kind admit_bodiless(const struct connection *connection, const struct head *head, struct run *run) {
    list_choices(head, &run->order);
    run->order.body_media = MEDIA_NONE;
    if (admit_target(run) || admit_coding(connection, head, run) || admit_share(connection, run) || defer(run)) {
        return run->call.problem.kind;
    }
    return run_open(run);
}

/* What is computed with named data may need no body: no Content-Type either, then. */
static bool has_all_in_query(const struct request *request, const struct order *order) {
    const struct head *head = &request->head;
    return order->endpoint->method == ENDPOINT_POST && order->query.length > 0 && !head->content_type &&
           !head->chunked && head->content_length == 0;
}

static enum problem_kind admit(const struct connection *connection, struct request *request, struct head_lists *lists,
                               struct run *run) {
    struct problem *problem = &run->call.problem;
    if (admit_line(request, problem) || head_read(connection->mhd, &request->head, lists, problem) ||
        admit_connection(connection, request, run) || admit_method(request, run)) {
        return problem->kind;
    }
    if (request->method == REQUEST_OPTIONS) {
        return PROBLEM_NONE;
    }
    if (request->head.has_order_fields && order_fields_read(connection->mhd, run)) {
        return problem->kind;
    }
    run->order.principal = connection->principal;
    run->order.changes_nothing = request->method == REQUEST_QUERY;
    if (request->method == REQUEST_HEAD) {
        run->order.fields.range = run->order.fields.if_range = (struct text_view){0}; /* they are GET's */
    }
    if (request_has_payload(request) && !has_all_in_query(request, &run->order)) {
        return admit_media(connection, request, run) ? problem->kind : admit_body(connection, &request->head, run);
    }
    if (admit_answer_media(&request->head, run)) {
        return problem->kind;
    }
    if (!run->order.endpoint->decode) {
        return admit_precoded(&request->head, run);
    }
    return admit_bodiless(connection, &request->head, run);
}

enum problem_kind admission_check(const struct connection *connection, struct request *request, struct run *run) {
    const struct facts *facts = run->host->facts;
    struct head_lists lists; /* not the request's: nobody else looks at them, and ten thousand may wait */
    enum problem_kind found = admit(connection, request, &lists, run);
    request->head.accept = request->head.accept_encoding = NULL;
    const struct endpoint *endpoint = run->order.endpoint;
    request->tells_codings = found == PROBLEM_UNSUPPORTED_ENCODING;
    bool is_wrong_body = found == PROBLEM_UNSUPPORTED_MEDIA_TYPE || request->tells_codings ||
                         (found == PROBLEM_MALFORMED_REQUEST && !request->head.content_type);
    if ((is_wrong_body || request->allow) && endpoint) {
        endpoint = route_choose(facts->endpoints, facts->endpoint_count, endpoint, REQUEST_QUERY);
        request->queried = endpoint ? endpoint->consumes : 0;
    }
    return found;
}
