#include "server/http/exchange.h"

#include "codecs/entity_tag.h"
#include "codecs/query.h"
#include "server/engine/endpoint.h"
#include "server/engine/outlet.h"
#include "server/http/admission.h"
#include "server/http/answering.h"
#include "server/http/exchange_trace.h"
#include "server/http/peers.h"
#include "server/http/refusing.h"
#include "server/http/request_id.h"
#include "server/http/route.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <assert.h>
#include <string.h>

static const struct config *config_of(const struct exchange *exchange) {
    return &exchange->setting->host->facts->config;
}

/* Copies what fits, for the log. */
static void copy_cut(char *out, size_t capacity, const char *text) {
    size_t length = strnlen(text, capacity - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

/* --- the head ---------------------------------------------------------------------------------------------------- */

/* libmicrohttpd decodes the target where it lies, so that we keep what we need of it as it came. Few requests do:
 * admission.c sees whether there was memory for one that does. */
static struct text_view keep(struct run *run, const char *bytes, size_t length) {
    char *copy = run_keep(run, bytes, length);
    run->call.problem = (struct problem){0};
    return (struct text_view){copy, length};
}

/* Returns where the path leads, for the metrics. */
static size_t keep_target(struct run *run, const char *target) {
    const struct facts *facts = run->host->facts;
    struct route route = route_find(facts->endpoints, facts->endpoint_count, route_path(target));
    const char *query = strchr(target, '?');
    run->order.endpoint = route.endpoint;
    if (route.part.length > 0) {
        run->order.part = keep(run, route.part.bytes, route.part.length);
    }
    if (query && query[1] != '\0') {
        run->order.query = keep(run, query + 1, strlen(query + 1));
    }
    return route.index;
}

bool exchange_open(struct client *client, const struct exchange_setting *setting, const char *target) {
    struct exchange *exchange = &client->exchange;
    if (client->connection.phase == CONNECTION_LINGERING) {
        return false; /* it has its answer, and no other one will be heard */
    }
    struct run *run = run_new(setting->host, setting->mailbox, exchange);
    if (!run) {
        return false;
    }
    memset(exchange, 0, sizeof *exchange);
    exchange->connection = &client->connection;
    exchange->setting = setting;
    exchange->run = run;
    client->has_exchange = true;
    request_id_make(exchange->id);
    memcpy(run->order.id, exchange->id, sizeof exchange->id);
    exchange->times = run->times;
    exchange->cors = cors_unread(config_of(exchange)->cors_origin, "");
    exchange->request.target_fault = head_target_fault(target);
    exchange->request.is_for_server = strcmp(target, "*") == 0;
    copy_cut(exchange->log_path, sizeof exchange->log_path, route_told(target));
    exchange->log_path[strcspn(exchange->log_path, "?")] = '\0'; /* queries may carry what doesn't belong into logs */
    exchange->route = keep_target(run, target);
    connection_set_phase(&client->connection, CONNECTION_HEAD,
                         run->times.opened + config_of(exchange)->header_timeout_ns);
    return true;
}

/* A client may name its request itself. */
static void take_name(struct exchange *exchange) {
    const char *given = exchange->request.head.request_id;
    if (given && request_id_is_sane(given, ORDER_ID_MAX)) {
        copy_cut(exchange->id, sizeof exchange->id, given);
        memcpy(exchange->run->order.id, exchange->id, sizeof exchange->id);
    }
}

/* While the service drains, something of a body has to come every few seconds. */
static void await_piece(struct exchange *exchange) {
    uint64_t until_ns = exchange->body_until_ns;
    uint64_t silent_ns = exchange->setting->now_ns + EXCHANGE_DRAIN_SILENCE_NS;
    bool hurries = exchange->setting->is_draining && silent_ns < until_ns;
    connection_set_phase(exchange->connection, CONNECTION_BODY, hurries ? silent_ns : until_ns);
}

/* A window's worth of it, or all of it, has to come within --body-timeout. */
static void await_body(struct exchange *exchange) {
    exchange->body_until_ns = exchange->setting->now_ns + config_of(exchange)->body_timeout_ns;
    await_piece(exchange);
}

/* A body that won't be used is read and dropped up to this size, so that its sender may go on with the connection: so
 * short a one lies in the socket's buffer. For a longer one the answer goes out at once, and the connection ends:
 * receiving it would take the loop longer than many an answer (bench/README.md, "overload"). */
enum { DISCARDED_BYTES_MAX = 128 * 1024 };

static enum MHD_Result take_head(struct exchange *exchange, const char *method, const char *version) {
    struct request *request = &exchange->request;
    copy_cut(exchange->log_method, sizeof exchange->log_method, method);
    request->method = route_method(method);
    request->is_old = strcmp(version, "HTTP/1.0") == 0;
    if (exchange->connection->framing.has_loose_values) {
        head_trim(exchange->connection->mhd);
    }
    if (exchange->connection->framing.has_expectation) {
        head_drop_idle_expectation(exchange->connection->mhd);
    }
    exchange->cors = cors_read(config_of(exchange)->cors_origin, exchange->connection->mhd, request->method);
    request->is_preflight = exchange->cors.is_preflight;
    enum problem_kind found = admission_check(exchange->connection, request, exchange->run);
    take_name(exchange);
    exchange_trace_take(exchange);
    await_body(exchange);
    if (!found) {
        exchange->step = EXCHANGE_FEEDS_RUN;
        return MHD_YES;
    }
    run_refuse(exchange->run);
    exchange->step = EXCHANGE_DISCARDS_BODY;
    bool hopeless = found == PROBLEM_MALFORMED_REQUEST || found == PROBLEM_HEAD_TOO_LARGE;
    bool has_body = request_has_payload(request) || request->method == REQUEST_OTHER_METHOD;
    bool is_long = request->head.content_length > DISCARDED_BYTES_MAX;
    if ((is_long || (hopeless && has_body)) && !request->head.expects_continue) {
        answering_refuse(exchange);
        return MHD_YES;
    }
    exchange->closes = hopeless || request->head.expects_continue;
    return exchange->closes ? answering_queue(exchange) : MHD_YES;
}

/* --- the body ---------------------------------------------------------------------------------------------------- */

/* Suspended, and with a deadline. */
static void await_run(struct exchange *exchange) {
    uint64_t deadline_ns = exchange->run->deadline_ns;
    if (exchange->connection->phase == CONNECTION_WORKING) {
        connection_set_phase(exchange->connection, CONNECTION_WORKING, deadline_ns);
    } else {
        connection_suspend(exchange->connection, deadline_ns);
    }
}

static enum MHD_Result discard(struct exchange *exchange, size_t *data_size) {
    exchange->received_bytes += *data_size;
    exchange->discarded_bytes += *data_size;
    *data_size = 0;
    if (exchange->connection->phase == CONNECTION_LINGERING) {
        return connection_linger(exchange->connection) ? MHD_YES : MHD_NO;
    }
    if (exchange->discarded_bytes <= DISCARDED_BYTES_MAX) {
        return MHD_YES;
    }
    if (exchange->step != EXCHANGE_DISCARDS_BODY) {
        problem_set(&exchange->run->call.problem, PROBLEM_BODY_TOO_LARGE, NULL,
                    "a request with this method needs no body; one of more than %d bytes is not read",
                    DISCARDED_BYTES_MAX);
        run_refuse(exchange->run);
    }
    answering_refuse(exchange);
    return MHD_YES;
}

static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t *data_size) {
    if (exchange->step != EXCHANGE_FEEDS_RUN || !request_has_payload(&exchange->request)) {
        return discard(exchange, data_size);
    }
    size_t taken = 0;
    enum run_feeding feeding = run_feed(exchange->run, data, *data_size, &taken);
    exchange->received_bytes += taken;
    *data_size -= taken;
    switch (feeding) {
    case RUN_FED:
        if (exchange->run->window_count != exchange->window_count) {
            exchange->window_count = exchange->run->window_count;
            await_body(exchange);
        } else if (exchange->setting->is_draining) {
            await_piece(exchange);
        }
        return MHD_YES;
    case RUN_IS_FULL:
        await_run(exchange);
        return MHD_YES;
    case RUN_REFUSES:
        break;
    }
    exchange->step = EXCHANGE_DISCARDS_BODY;
    await_body(exchange);
    return *data_size > 0 ? discard(exchange, data_size) : MHD_YES;
}

/* What doesn't change has a name, and who has it already needn't get it again (RFC 9110, 13.1.2). The body stays with
 * the answer: its length is what Content-Length says of it, and libmicrohttpd sends none with 304. */
static void name_answer(struct exchange *exchange) {
    const struct run *run = exchange->run;
    const struct endpoint *endpoint = run->order.endpoint;
    struct answer *answer = &exchange->run->answer;
    const char *tag = endpoint->tag && answer->status == 200 ? endpoint->tag(&run->call) : NULL;
    if (!tag) {
        return;
    }
    const char *held = run->order.fields.if_none_match.bytes;
    if (held && entity_tag_is_listed(held, tag)) {
        answer->status = 304;
        answer_drop_body_fields(answer);
    }
    answer_add(answer, "ETag", tag);
    answer_add(answer, "Cache-Control",
               "no-cache"); /* kept, and asked for every time: the service may be another one */
}

/* Without a lane: what the service says about itself, and what is allowed. */
static bool informs(const struct exchange *exchange) {
    return exchange->request.method == REQUEST_OPTIONS || exchange->run->order.endpoint->answer;
}

static void inform(struct exchange *exchange) {
    struct run *run = exchange->run;
    if (exchange->request.method == REQUEST_OPTIONS) {
        answer_empty(&run->answer, 204);
    } else {
        run_inform(run, exchange->setting->information_memory);
        name_answer(exchange);
    }
}

/* What may be done on the loop. A request alone on it holds nobody up. */
static struct run_policy choose_policy(const struct exchange *exchange) {
    bool is_alone = connections_busy(exchange->connection->set) == 1;
    return (struct run_policy){
        .decode_bytes = is_alone ? ADMISSION_INLINE_BODY_BYTES_ALONE : ADMISSION_INLINE_BODY_BYTES,
        .compute_ns = is_alone ? EXCHANGE_INLINE_COST_NS_ALONE : EXCHANGE_INLINE_COST_NS,
        .outlet_bytes =
            exchange->run->order.reply_media == MEDIA_EVENTS ? ANSWERING_EVENTS_BYTES : ANSWERING_OUTLET_BYTES};
}

static enum MHD_Result end_body(struct exchange *exchange) {
    struct run *run = exchange->run;
    if (exchange->connection->phase == CONNECTION_LINGERING) {
        return MHD_NO; /* answered already */
    }
    if (exchange->step == EXCHANGE_DISCARDS_BODY) {
        run_note_received(run);
        return answering_queue(exchange);
    }
    if (informs(exchange)) {
        run_note_received(run);
        inform(exchange);
        return answering_queue(exchange);
    }
    const struct run_policy policy = choose_policy(exchange);
    if (run_start(run, &policy) == RUN_DONE) {
        return answering_queue(exchange);
    }
    exchange->step = EXCHANGE_WORKS;
    connection_await(exchange->connection, run->deadline_ns);
    return MHD_YES;
}

enum MHD_Result exchange_receive(struct exchange *exchange, const char *method, const char *version, const char *data,
                                 size_t *data_size) {
    switch (exchange->step) {
    case EXCHANGE_EXPECTS_HEAD:
        return take_head(exchange, method, version);
    case EXCHANGE_FEEDS_RUN:
    case EXCHANGE_DISCARDS_BODY:
        return *data_size > 0 ? take_body(exchange, data, data_size) : end_body(exchange);
    case EXCHANGE_HAS_ANSWER:
        return answering_queue(exchange);
    case EXCHANGE_WORKS:
        connection_suspend(exchange->connection, exchange->run->deadline_ns);
        return MHD_YES;
    case EXCHANGE_ANSWERED:
        break; /* not called then */
    }
    return MHD_NO;
}

/* --- the run, from outside --------------------------------------------------------------------------------------- */

static void resume(struct exchange *exchange) {
    if (exchange->connection->phase == CONNECTION_WORKING) {
        connection_resume(exchange->connection);
    }
}

static void exchange_go_on(struct exchange *exchange, enum run_state state) {
    bool is_suspended = exchange->connection->phase == CONNECTION_WORKING;
    bool has_ended = exchange->step == EXCHANGE_WORKS || exchange->step == EXCHANGE_HAS_ANSWER;
    exchange->times = exchange->run->times;
    switch (state) {
    case RUN_RECEIVES:
        if (is_suspended) {
            resume(exchange);
            await_body(exchange);
        }
        break;
    case RUN_WORKS:
        if (is_suspended) { /* else a stream that isn't held back yet */
            await_run(exchange);
        }
        break;
    case RUN_DONE:
        exchange->step = has_ended ? EXCHANGE_HAS_ANSWER : EXCHANGE_DISCARDS_BODY;
        resume(exchange);
        if (!has_ended && is_suspended) {
            await_body(exchange);
        }
        break;
    }
}

/* What has come before goes on being sent, or begins to be. */
static void settle(struct exchange *exchange) {
    bool is_growing = exchange_is_growing(exchange);
    enum run_state state = run_resume(exchange->run);
    if (!is_growing) {
        exchange_go_on(exchange, state);
    } else if (state == RUN_DONE) {
        answering_complete(exchange);
    }
}

static void send_more(struct exchange *exchange) {
    if (exchange->step == EXCHANGE_WORKS) {
        exchange->step = EXCHANGE_HAS_ANSWER;
        exchange->grows = true;
        resume(exchange);
    } else if (exchange_is_growing(exchange)) {
        answering_go_on(exchange);
    }
}

void exchange_hear(struct mailbox_link *link) {
    bool is_outlet = link->kind == MAILBOX_OUTLET;
    struct run *run = is_outlet ? outlet_of_link(link) : run_of_link(link);
    if (run && is_outlet) {
        send_more(run->owner);
    } else if (run) {
        settle(run->owner);
    }
}

void exchange_cut(struct exchange *exchange, enum problem_kind why) {
    struct run *run = exchange->run;
    bool is_over = !run || (exchange->step >= EXCHANGE_HAS_ANSWER && !run->is_working) || run->cut;
    if (is_over) {
        return;
    }
    answering_note_cut(exchange, why);
    enum run_state state = run_cut(run, why); /* of one that grows RUN_WORKS: it is being computed */
    if (state != RUN_WORKS) {
        exchange_go_on(exchange, state);
    }
}

/* What a client that is ended may still send before its connection is closed for good. */
#define END_LINGER_NS (200 * NS_PER_MS)

void exchange_end_now(struct client *client, const struct exchange_setting *setting) {
    struct connection *connection = &client->connection;
    switch (connection->phase) {
    case CONNECTION_WORKING:
        exchange_cut(&client->exchange, PROBLEM_SHUTTING_DOWN);
        return;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        refusing_late(client, setting, PROBLEM_SHUTTING_DOWN,
                      "the server is stopping, and the request did not arrive in time");
        connection->lingering.until_ns = setting->now_ns + END_LINGER_NS;
        return;
    case CONNECTION_ANSWERING:
        if (exchange_is_growing(&client->exchange)) { /* its last line says why it ends */
            exchange_cut(&client->exchange, PROBLEM_SHUTTING_DOWN);
            return;
        }
        answering_note_end(&client->exchange, PROBLEM_SHUTTING_DOWN,
                           "the server stopped before the client had taken all of the answer");
        break;
    case CONNECTION_OPENING:
    case CONNECTION_IDLE:
    case CONNECTION_LINGERING:
        break;
    }
    connection_hang_up(connection);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

/* Nobody waits for the rest of the body any more. */
static void give_body_up(struct exchange *exchange) {
    if (exchange->times.received == 0) {
        exchange->times.receive = clock_now_ns() - exchange->times.opened;
    }
}

static void note_outcome(struct exchange *exchange, bool completed) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
    if (exchange->status == 0 && info) {
        exchange->status = info->http_status; /* libmicrohttpd refused the request by itself */
    }
    if (exchange->status == 0) {
        exchange->problem = (struct problem){0};
        problem_set(&exchange->problem, PROBLEM_CLIENT_GONE, NULL, "the client went away");
        exchange->status = problem_status(PROBLEM_CLIENT_GONE);
        give_body_up(exchange);
    }
    if (!completed && exchange->step == EXCHANGE_ANSWERED) {
        answering_note_end(exchange, PROBLEM_CLIENT_GONE, "the client did not take all of the answer");
        problem_set(&exchange->problem, exchange->ended, NULL, "%s", exchange->ended_detail);
    }
}

static_assert((int)METRICS_STATES == CONNECTION_PHASES && (int)METRICS_OTHER_METHOD == REQUEST_OTHER_METHOD,
              "metrics.h repeats them");

static void count_request(const struct exchange *exchange, uint64_t now_ns) {
    bool is_named = exchange->log_method[0] != '\0'; /* else nothing is known of the head */
    const struct metrics_request counted = {
        .route = exchange->route,
        .method = is_named ? exchange->request.method : REQUEST_OTHER_METHOD,
        .status = exchange->status,
        .problem = exchange->problem.kind,
        .id = exchange->id,
        .times = &exchange->times,
        .send_ns = exchange->step == EXCHANGE_ANSWERED ? now_ns - exchange->answered_ns : 0,
        .now_ns = now_ns,
        .threads = exchange->threads,
        .received_bytes = exchange->received_bytes,
        .sent_bytes = exchange->answer_bytes};
    metrics_count_request(exchange->setting->metrics, &counted);
}

static void write_log(struct exchange *exchange) {
    uint64_t now_ns = clock_now_ns();
    exchange->received_bytes += exchange->connection->dropped_bytes;
    if (exchange->grows) {
        exchange->answer_bytes = exchange->reply.read_bytes;
    }
    exchange->times.total = now_ns - exchange->times.opened; /* this time with the sending */
    count_request(exchange, now_ns);
    exchange_trace_tell(exchange);
    if (!request_log_has(exchange->status)) {
        return;
    }
    const struct request_log entry = {.id = exchange->id,
                                      .trace = exchange_trace(exchange),
                                      .parent_span_id = exchange->parent_span_id,
                                      .peer = exchange->connection->peer,
                                      .method = exchange->log_method,
                                      .path = exchange->log_path,
                                      .status = exchange->status,
                                      .problem = &exchange->problem,
                                      .bytes_in = exchange->received_bytes,
                                      .bytes_out = exchange->answer_bytes,
                                      .threads = exchange->threads,
                                      .times = exchange->times};
    request_log_write(&entry, exchange->setting->log);
}

void exchange_close(struct client *client, bool completed) {
    struct exchange *exchange = &client->exchange;
    client->has_exchange = false;
    refusing_note_head(client, exchange->setting);
    if (exchange->run && exchange->run->is_working) {
        answering_take_times(exchange);
    }
    note_outcome(exchange, completed);
    if (exchange->run) {
        answering_note_cut(exchange, exchange->ended ? exchange->ended : PROBLEM_CLIENT_GONE);
    }
    write_log(exchange);
    if (exchange->step == EXCHANGE_ANSWERED) {
        answering_close(exchange);
    }
    if (exchange->run) {
        answering_drop_run(exchange);
    }
    answer_deinit(&exchange->refusal);
}
