/* The access log: one JSON line a request, collected in the loop's buffer and handed to the log thread once per turn.
 */
#include "server/http/exchange.h"
#include "server/http/loop.h"
#include "server/system/clock.h"
#include "server/system/log.h"

static enum log_level level_of(const struct exchange *exchange) {
    if (exchange->status == 500) {
        return LOG_ERROR;
    }
    return exchange->status >= 500 ? LOG_WARN : LOG_INFO;
}

static void write_member(struct json_writer *log, const char *key, const char *value) {
    json_key(log, key);
    json_cstring(log, value);
}

void request_log_write(struct exchange *exchange) {
    enum log_level level = level_of(exchange);
    if (!log_enabled(level)) {
        return;
    }
    exchange->times.total = clock_now_ns() - exchange->times.opened; /* this time with the sending */
    struct json_writer *log = &exchange->connection->loop->log;
    const struct call *call = &exchange->call;
    char time[LOG_TIME_BYTES];
    json_begin_object(log);
    json_key(log, "time");
    json_text(log, time, log_time(time, sizeof time));
    write_member(log, "level", log_level_name(level));
    write_member(log, "event", "request");
    write_member(log, "request_id", exchange->request_id);
    write_member(log, "peer", exchange->connection->peer);
    write_member(log, "method", exchange->log_method);
    write_member(log, "path", exchange->log_path);
    json_key(log, "status");
    json_unsigned(log, exchange->status);
    if (call->problem.kind != PROBLEM_NONE) {
        write_member(log, "problem", problem_slug(call->problem.kind));
        write_member(log, "detail", call->problem.detail);
    }
    json_key(log, "bytes_in");
    json_unsigned(log, exchange->received_bytes);
    json_key(log, "bytes_out");
    json_unsigned(log, exchange->answer_bytes);
    if (call->team) {
        json_key(log, "threads");
        json_begin_object(log);
        result_write_threads(log, call);
        json_end_object(log);
    }
    times_write(log, &exchange->times);
    json_end_object(log);
    text_put(&log->text, "\n", 1);
    log->comma_due = false;
}
