#include "server/http/request_log.h"

#include "server/system/log.h"

/* A version of HTTP is the client's mistake, whatever its status. */
static enum log_level level_of(unsigned status) {
    if (status == 500) {
        return LOG_ERROR;
    }
    return status >= 500 && status != 505 ? LOG_WARN : LOG_INFO;
}

bool request_log_has(unsigned status) {
    return log_enabled(level_of(status));
}

static void write_member(struct json_writer *log, const char *key, const char *value) {
    json_key(log, key);
    json_cstring(log, value);
}

void request_log_write(const struct request_log *entry, struct json_writer *log) {
    enum log_level level = level_of(entry->status);
    char time[LOG_TIME_BYTES];
    log->comma_due = false;
    json_begin_object(log);
    json_key(log, "time");
    json_text(log, time, log_time(time, sizeof time));
    write_member(log, "level", log_level_name(level));
    write_member(log, "event", "request");
    write_member(log, "request_id", entry->id);
    if (entry->trace) {
        write_member(log, "trace_id", entry->trace->trace_id);
        write_member(log, "span_id", entry->trace->span_id);
        if (*entry->parent_span_id != '\0') {
            write_member(log, "parent_span_id", entry->parent_span_id);
        }
    }
    write_member(log, "peer", entry->peer);
    write_member(log, "method", entry->method);
    write_member(log, "path", entry->path);
    json_key(log, "status");
    json_unsigned(log, entry->status);
    if (entry->problem->kind) {
        write_member(log, "problem", problem_slug(entry->problem->kind));
        write_member(log, "detail", entry->problem->detail);
    }
    json_key(log, "bytes_in");
    json_unsigned(log, entry->bytes_in);
    json_key(log, "bytes_out");
    json_unsigned(log, entry->bytes_out);
    if (entry->threads.granted > 0) {
        json_key(log, "threads");
        json_begin_object(log);
        answer_write_threads(log, &entry->threads);
        json_end_object(log);
    }
    times_write(log, &entry->times);
    json_end_object(log);
    text_put(&log->text, "\n", 1);
}
