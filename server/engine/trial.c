#include "server/engine/trial.h"

#include "server/engine/coding.h"
#include "server/engine/endpoint.h"
#include "server/system/facts.h"

static void begin(struct call *trial, struct call *call, const struct order *order, const struct payload *body) {
    bool is_stream = order->body_media == MEDIA_TEXT && order->endpoint->window;
    call_init(trial, order, call->host, call->memory);
    trial->progress = (struct progress){.cancel = call->progress.cancel, .cpu_ns = call->progress.cpu_ns};
    trial->memory_held_bytes = call->memory_held_bytes;
    trial->team = call->team;
    envelope_begin(&trial->envelope, order->endpoint->bulk);
    trial->envelope.memory = trial->memory;
    if (!is_stream) {
        trial->body = payload_hold(body); /* so that nobody writes to it */
    }
}

static enum problem_kind decode(struct call *trial) {
    bool is_coded = trial->order->body_coding != CONTENT_IDENTITY && trial->body.length > 0;
    if (is_coded && coding_unfold(trial, trial->host->facts->config.max_body_bytes)) {
        return trial->problem.kind;
    }
    return call_is_cancelled(trial) ? PROBLEM_NONE : trial->order->endpoint->decode(trial);
}

enum problem_kind trial_decode(struct call *call, const struct order *order, const struct payload *body,
                               struct problem *problem) {
    struct call *trial = call_take(call, sizeof *trial);
    if (!trial) {
        return call->problem.kind;
    }
    begin(trial, call, order, body);
    enum problem_kind found = decode(trial);
    (void)found; /* it is the trial's */
    *problem = trial->problem;
    call_release(trial);
    return PROBLEM_NONE;
}
