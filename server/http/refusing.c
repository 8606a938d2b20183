#include "server/http/refusing.h"

#include "server/http/answering.h"
#include "server/http/request_id.h"
#include "server/http/request_log.h"
#include "server/http/route.h"
#include "server/system/facts.h"

#include <stdio.h>
#include <string.h>

/* What has come of a head may say which page asks. What is allowed points into `framing`. */
static struct cors read_origin(struct framing *framing, const struct exchange_setting *setting) {
    char *end = framing->origin + framing->origin_length;
    while (end > framing->origin && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = '\0';
    }
    bool is_coming = framing->field == FRAMING_ORIGIN && framing->state == FRAMING_VALUE; /* or ended amid it */
    bool is_whole = framing->origin_length < FRAMING_ORIGIN_KEPT && !is_coming;
    return cors_unread(setting->host->facts->config.cors_origin, is_whole ? framing->origin : "");
}

static bool asks_for_head(const struct framing *framing) {
    return strcmp(framing->method, "HEAD") == 0;
}

/* A request that libmicrohttpd knows nothing of. */
static void refuse_stranger(struct connection *connection, const struct exchange_setting *setting,
                            enum problem_kind why, const char *detail) {
    struct problem problem = {0};
    struct answer answer = {0};
    char id[ORDER_ID_MAX + 1];
    const struct times times = {.opened = setting->now_ns};
    const struct cors cors = read_origin(&connection->framing, setting);
    problem_set(&problem, why, NULL, "%s", detail);
    request_id_make(id);
    answer_problem(&answer, &problem, id);
    const struct reply reply = {.answer = &answer, .times = &times, .id = id, .cors = &cors, .closes = true};
    struct reply_head head;
    reply_list_fields(&reply, &head);
    const struct refusal refusal = {.status = answer.status,
                                    .fields = head.fields,
                                    .field_count = head.field_count,
                                    .body = answer.pieces[0].bytes,
                                    .length = answer.pieces[0].length,
                                    .has_no_body = asks_for_head(&connection->framing)};
    const struct lingering lingering = answering_linger(setting, 0);
    connection_refuse(connection, &refusal, &lingering, setting->now_ns);
    const struct request_log entry = {.id = id,
                                      .peer = connection->peer,
                                      .method = connection->framing.method,
                                      .path = route_told(connection->framing.path),
                                      .status = answer.status,
                                      .problem = &problem,
                                      .bytes_out = refusal.has_no_body ? 0 : answer.length,
                                      .times = times};
    const struct metrics_request counted = {.route = setting->host->facts->endpoint_count,
                                            .method = route_method(connection->framing.method),
                                            .status = answer.status,
                                            .problem = why,
                                            .id = id,
                                            .times = &times,
                                            .now_ns = setting->now_ns,
                                            .sent_bytes = entry.bytes_out};
    metrics_count_request(setting->metrics, &counted);
    if (request_log_has(answer.status)) {
        request_log_write(&entry, setting->log);
    }
    answer_deinit(&answer);
}

/* libmicrohttpd tells method and fields when it has all of the head. */
void refusing_note_head(struct client *client, const struct exchange_setting *setting) {
    struct framing *framing = &client->connection.framing;
    struct exchange *exchange = &client->exchange;
    if (exchange->step == EXCHANGE_EXPECTS_HEAD && framing->requests == client->connection.requests) {
        (void)snprintf(exchange->log_method, sizeof exchange->log_method, "%s", framing->method);
        exchange->request.method = route_method(framing->method);
        exchange->cors = read_origin(framing, setting);
    }
}

void refusing_late(struct client *client, const struct exchange_setting *setting, enum problem_kind why,
                   const char *detail) {
    struct exchange *exchange = &client->exchange;
    if (!client->has_exchange) {
        refuse_stranger(&client->connection, setting, why, detail);
        return;
    }
    refusing_note_head(client, setting);
    if (exchange->step != EXCHANGE_DISCARDS_BODY) {
        answering_replace(exchange, why, detail);
    }
    answering_refuse(exchange);
}

static void refuse_faulty(struct client *client, const struct exchange_setting *setting) {
    struct connection *connection = &client->connection;
    const struct framing *framing = &connection->framing;
    bool is_present = framing->requests == connection->requests;
    bool is_next = framing->requests == connection->requests + 1 && !client->has_exchange;
    bool is_coming = connection->phase == CONNECTION_HEAD || connection->phase == CONNECTION_BODY;
    if (connection->phase == CONNECTION_LINGERING) {
        connection_linger(connection); /* it has its answer */
        return;
    }
    if (is_next || (is_present && client->has_exchange && is_coming)) {
        refusing_late(client, setting, framing->fault, framing->detail);
        connection_linger(connection);
    } else if (is_present && !client->has_exchange) {
        connection_hang_up(connection); /* the rest of a request that was answered before it was complete */
    }
}

void refusing_faulty(struct connections *set, const struct exchange_setting *setting) {
    struct connection *connection;
    while ((connection = connections_take(set, CONNECTION_FAULTY))) {
        refuse_faulty(client_of(connection), setting);
    }
}
