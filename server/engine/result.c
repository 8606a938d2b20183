#include "codecs/numbers/number_text.h"
#include "server/http/exchange.h"
#include "server/http/loop.h"

#include <string.h>

static void write_reason(struct exchange *exchange) {
    struct json_writer *reply = &exchange->call.reply;
    unsigned requested = exchange->call.demand.threads;
    unsigned budget = exchange->connection->loop->service->facts.cores.count;
    if (requested == 0 || requested == exchange->team.threads) {
        return;
    }
    json_key(reply, "reason");
    if (exchange->is_small) {
        json_cstring(reply, "small work runs on one thread");
    } else if (exchange->team.threads == budget) {
        char reason[64] = "core budget is ";
        size_t length = strlen(reason);
        json_text(reply, reason, length + number_text_unsigned(budget, reason + length));
    } else {
        json_cstring(reply, "the system has no more threads");
    }
}

void result_write_threads(struct json_writer *writer, const struct call *call) {
    json_key(writer, "requested");
    if (call->demand.threads == 0) {
        json_cstring(writer, "auto");
    } else {
        json_unsigned(writer, call->demand.threads);
    }
    json_key(writer, "granted");
    json_unsigned(writer, call->team->threads);
}

/* The members that every result ends with. */
static void write_end(struct exchange *exchange) {
    struct json_writer *reply = &exchange->call.reply;
    json_key(reply, "threads");
    json_begin_object(reply);
    result_write_threads(reply, &exchange->call);
    write_reason(exchange);
    json_end_object(reply);
    json_key(reply, "timing");
    json_begin_object(reply);
    times_write(reply, &exchange->times);
    json_end_object(reply);
    json_end_object(reply);
}

void result_finish(struct exchange *exchange) {
    struct call *call = &exchange->call;
    if (call->order->reply_media == MEDIA_JSON) {
        write_end(exchange);
    }
    if (json_writer_failed(&call->reply)) {
        call_memory_short(call, call->reply.text.refused_bytes);
    } else if (exchange->reply_coding != CONTENT_IDENTITY) {
        coding_fold(exchange);
    }
}
