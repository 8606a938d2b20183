#include "kernels/wordcount/totals/wordcount_totals.h"

#include "handlers/named.h"
#include "handlers/wordcount_mode.h"

static void *totals_begin(struct call *call) {
    struct wordcount_totals_stream *stream = call_take(call, sizeof *stream);
    if (stream) {
        *stream = (struct wordcount_totals_stream){0};
    }
    return stream;
}

static uint64_t totals_cost_ns(const void *state, size_t length) {
    (void)state;
    return wordcount_totals_cost_ns(length);
}

static enum kernel_status totals_count(struct call *call, void *state, const struct wordcount_window *window) {
    (void)call;
    return wordcount_totals_feed(state, window->bytes, window->length, window->last, window->team, window->progress);
}

static void totals_encode(struct call *call, const void *state) {
    const struct wordcount_totals *totals = &((const struct wordcount_totals_stream *)state)->totals;
    json_key(&call->reply, "lines");
    json_unsigned(&call->reply, totals->lines);
    json_key(&call->reply, "words");
    json_unsigned(&call->reply, totals->words);
    json_key(&call->reply, "chars");
    json_unsigned(&call->reply, totals->chars);
    json_key(&call->reply, "bytes");
    json_unsigned(&call->reply, totals->bytes);
}

static enum problem_kind totals_keep(struct call *call, const void *state) {
    const struct wordcount_totals *totals = &((const struct wordcount_totals_stream *)state)->totals;
    const uint64_t counts[] = {totals->lines, totals->words, totals->chars, totals->bytes};
    return named_keep_counts(call, "totals", counts, sizeof counts / sizeof *counts);
}

const struct wordcount_mode wordcount_totals_mode = {.begin = totals_begin,
                                                     .cost_ns = totals_cost_ns,
                                                     .count = totals_count,
                                                     .encode = totals_encode,
                                                     .keep = totals_keep};
