#include "server/engine/body_limit.h"

#include "server/engine/endpoint.h"
#include "server/system/facts.h"

const char *body_limit_offer(const struct call *call) {
    const struct config *config = &call->host->facts->config;
    const struct endpoint *endpoint = call->order->endpoint;
    bool is_streamed = endpoint->window && (endpoint->consumes & MEDIA_TEXT);
    if (!is_streamed || (config->max_stream_bytes > 0 && config->max_stream_bytes <= config->max_body_bytes)) {
        return "";
    }
    return config->max_stream_bytes == 0 ? "; as text/plain it may have any length (--max-stream)"
                                         : "; as text/plain it may be longer (--max-stream)";
}
