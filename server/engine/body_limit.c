#include "server/engine/body_limit.h"

#include "server/engine/endpoint.h"
#include "server/system/facts.h"

#include <stdint.h>

const char *body_limit_offer(const struct call *call) {
    const struct config *config = &call->host->facts->config;
    const struct endpoint *endpoint = call->order->deferred ? call->order->deferred : call->order->endpoint;
    bool is_streamed = endpoint->window && (endpoint->consumes & MEDIA_TEXT);
    if (!is_streamed || (config->max_stream_bytes > 0 && config->max_stream_bytes <= config->max_body_bytes)) {
        return "";
    }
    return config->max_stream_bytes == 0 ? "; as text/plain it may have any length (--max-stream)"
                                         : "; as text/plain it may be longer (--max-stream)";
}

/* A text that is a stream's where it is computed on. */
static bool is_text(const struct order *order) {
    const struct endpoint *endpoint = order->deferred ? order->deferred : order->endpoint;
    return order->body_media == MEDIA_TEXT && endpoint->window;
}

struct body_limit body_limit_of(const struct call *call, bool has_windows) {
    const struct config *config = &call->host->facts->config;
    if (has_windows && is_text(call->order)) {
        size_t limit = config->max_stream_bytes;
        return (struct body_limit){limit > 0 ? limit : SIZE_MAX, "--max-stream", ""};
    }
    return (struct body_limit){config->max_body_bytes, "--max-body", body_limit_offer(call)};
}
