#include "server/engine/coding.h"

#include "codecs/coding/content_decoder.h"
#include "server/engine/body_limit.h"

/* What a decoder is given at a time: it polls no cancel flag itself. */
enum { UNFOLD_STEP_BYTES = 256 * 1024 };
/* First room for an unfolded body, in compressed lengths; text and printed numbers shrink to a half or a third. */
enum { UNFOLD_FACTOR = 3 };

struct unfolding {
    struct call *call;
    size_t limit_bytes;
    struct content_decoder *decoder;
    struct payload out;
};

/* Doubles the room; one byte beyond --max-body is what tells a body that is too large. */
static enum problem_kind grow(struct unfolding *unfolding) {
    struct call *call = unfolding->call;
    size_t limit = unfolding->limit_bytes;
    struct payload *out = &unfolding->out;
    if (out->length > limit) {
        return problem_set(&call->problem, PROBLEM_BODY_TOO_LARGE, NULL,
                           "the body unfolds to more than %zu bytes, which is the limit (--max-body)%s", limit,
                           body_limit_offer(call));
    }
    size_t first = call->body.length * UNFOLD_FACTOR;
    size_t capacity = out->capacity > 0 ? out->capacity * 2 : first;
    capacity = capacity > limit ? limit + 1 : capacity;
    bool has_room = out->owner ? payload_grow(out, capacity) : payload_take(out, call->memory, capacity);
    return has_room ? PROBLEM_NONE : call_memory_short(call, capacity - out->capacity);
}

/* Decodes one step of input; there may be more output than room, so it goes on until room is left. */
static enum problem_kind unfold_step(struct unfolding *unfolding, const char *bytes, size_t length) {
    struct problem *problem = &unfolding->call->problem;
    struct payload *out = &unfolding->out;
    struct content_io io = {.in = bytes, .in_length = length};
    do {
        if (out->length == out->capacity && grow(unfolding)) {
            return problem->kind;
        }
        io.out = out->bytes + out->length;
        io.out_room = out->capacity - out->length;
        if (content_decode(unfolding->decoder, &io, problem)) {
            return problem->kind;
        }
        out->length = out->capacity - io.out_room;
    } while (io.out_room == 0);
    return PROBLEM_NONE;
}

static enum problem_kind unfold_all(struct unfolding *unfolding) {
    struct call *call = unfolding->call;
    for (size_t at = 0; at < call->body.length; at += UNFOLD_STEP_BYTES) {
        size_t left = call->body.length - at;
        if (call_is_cancelled(call)) {
            return PROBLEM_NONE;
        }
        if (unfold_step(unfolding, call->body.bytes + at, left < UNFOLD_STEP_BYTES ? left : UNFOLD_STEP_BYTES) !=
            PROBLEM_NONE) {
            return call->problem.kind;
        }
    }
    return content_decoder_finish(unfolding->decoder, &call->problem);
}

enum problem_kind coding_explain_memory(struct call *call, size_t bytes) {
    if (call->problem.kind != PROBLEM_MEMORY_LIMIT) {
        return call->problem.kind;
    }
    call->problem = (struct problem){0};
    return call_memory_short(call, bytes);
}

enum problem_kind coding_unfold(struct call *call, size_t limit_bytes) {
    struct unfolding unfolding = {.call = call, .limit_bytes = limit_bytes};
    if (call->body.length == 0) {
        return problem_set(&call->problem, PROBLEM_EMPTY_BODY, NULL, "the body is empty");
    }
    if (content_decoder_new(call->order->body_coding, call->memory, &unfolding.decoder, &call->problem)) {
        return coding_explain_memory(call, CONTENT_DECODER_BYTES_MAX);
    }
    enum problem_kind found = unfold_all(&unfolding);
    content_decoder_free(unfolding.decoder);
    if (found) {
        payload_drop(&unfolding.out);
        return coding_explain_memory(call, CONTENT_DECODER_BYTES_MAX);
    }
    payload_drop(&call->body);
    call->body = unfolding.out;
    return PROBLEM_NONE;
}

static size_t reply_length(const struct call *call) {
    size_t length = call->reply.text.length;
    for (size_t i = 0; i < call->reply_piece_count; i++) {
        length += call->reply_pieces[i].length;
    }
    return length;
}

bool coding_is_due(const struct call *call) {
    const struct order *order = call->order;
    bool is_part = call->status == 206; /* its range is one of the uncoded bytes */
    bool is_whole = !call->outlet && !is_part && !call->is_verbatim;
    return order->reply_coding != CONTENT_IDENTITY && !call->problem.kind && is_whole &&
           (order->reply_must_be_coded || reply_length(call) >= CONTENT_WORTH_BYTES);
}

void coding_fold(struct call *call, struct content_pieces *coded) {
    const struct order *order = call->order;
    const struct text *text = &call->reply.text;
    struct content_part *parts = call_take(call, (call->reply_piece_count + 2) * sizeof *parts);
    if (!parts) {
        return;
    }
    size_t count = 0;
    size_t at = call->reply_piece_count > 0 ? call->reply_pieces_at : text->length;
    if (at > 0) {
        parts[count++] = (struct content_part){text->data, at};
    }
    for (size_t i = 0; i < call->reply_piece_count; i++) {
        parts[count++] = (struct content_part){call->reply_pieces[i].bytes, call->reply_pieces[i].length};
    }
    if (text->length > at) {
        parts[count++] = (struct content_part){text->data + at, text->length - at};
    }
    enum content_effort effort = order->reply_must_be_coded ? CONTENT_ALWAYS : CONTENT_IF_SMALLER;
    if (content_encode(order->reply_coding, effort, parts, count, call->memory, &call->cancel, coded, &call->problem)) {
        coding_explain_memory(call, CONTENT_ENCODER_BYTES_MAX + reply_length(call));
    }
}
