#include "server/http/exchange_trace.h"

#include "server/engine/endpoint.h"
#include "server/http/request_id.h"
#include "server/system/facts.h"
#include "server/tracing/span_exporter.h"

#include <assert.h>
#include <string.h>

static const struct endpoint *endpoint_of(const struct exchange *exchange) {
    const struct facts *facts = exchange->setting->host->facts;
    return exchange->route < facts->endpoint_count ? facts->endpoints[exchange->route] : NULL;
}

static bool begins_trace(const struct exchange *exchange) {
    const struct endpoint *endpoint = endpoint_of(exchange);
    return exchange->setting->host->spans && !(endpoint && endpoint->is_probe);
}

void exchange_trace_take(struct exchange *exchange) {
    static_assert((int)REQUEST_ID_LENGTH == TRACE_SPAN_DIGITS && 2 * REQUEST_ID_LENGTH == TRACE_ID_DIGITS,
                  "ids of spans and traces are made as a request's");
    const char *given = exchange->request.head.traceparent;
    struct trace_context *trace = &exchange->trace;
    if (given && trace_context_read(given, trace)) {
        memcpy(exchange->parent_span_id, trace->span_id, sizeof exchange->parent_span_id);
        request_id_make(trace->span_id);
    } else if (begins_trace(exchange)) {
        request_id_make(trace->trace_id);
        request_id_make(trace->trace_id + REQUEST_ID_LENGTH);
        request_id_make(trace->span_id);
        trace->is_sampled = true;
    }
    exchange->run->order.trace = *trace;
}

void exchange_trace_tell(const struct exchange *exchange) {
    static_assert((int)SPAN_REQUEST_ID_MAX == ORDER_ID_MAX && (int)SPAN_PATH_MAX == REQUEST_LOG_PATH_MAX &&
                      SPAN_PEER_MAX + 1 == INET6_ADDRSTRLEN,
                  "span.h repeats them");
    struct span_exporter *spans = exchange->setting->host->spans;
    if (!spans || !exchange->trace.is_sampled) {
        return;
    }
    const struct endpoint *endpoint = endpoint_of(exchange);
    const struct times *times = &exchange->times;
    struct span span = {.kind = SPAN_REQUEST,
                        .trace = exchange->trace,
                        .route = endpoint ? endpoint->path : NULL,
                        .problem = exchange->problem.kind ? problem_slug(exchange->problem.kind) : NULL,
                        .status = exchange->status,
                        .threads_granted = exchange->threads.granted,
                        .begin_unix_ns = clock_unix_ns(times->opened),
                        .total_ns = times->total,
                        .receive_ns = times->receive,
                        .phase_ns = {[SPAN_QUEUE] = times->queue,
                                     [SPAN_DECODE] = times->decode,
                                     [SPAN_COMPUTE] = times->compute,
                                     [SPAN_ENCODE] = times->encode},
                        .request = {.method = exchange->request.method == REQUEST_OTHER_METHOD
                                                  ? NULL
                                                  : metrics_method(exchange->request.method),
                                    .received_bytes = exchange->received_bytes,
                                    .sent_bytes = exchange->answer_bytes}};
    static_assert(sizeof span.parent_span_id == sizeof exchange->parent_span_id, "");
    memcpy(span.parent_span_id, exchange->parent_span_id, sizeof span.parent_span_id);
    memcpy(span.request.id, exchange->id, sizeof span.request.id);
    memcpy(span.request.path, exchange->log_path, sizeof span.request.path);
    memcpy(span.request.peer, exchange->connection->peer, sizeof span.request.peer);
    span_exporter_offer(spans, &span);
}
