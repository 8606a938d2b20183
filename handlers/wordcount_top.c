/* The most frequent words. The kernel keeps every distinct word until the end, in memory that it takes as it needs it:
 * how much isn't known before. */
#include "kernels/wordcount/top/wordcount_top.h"

#include "handlers/call_arena.h"
#include "handlers/wordcount_mode.h"
#include "server/system/facts.h"

#include <stddef.h>

enum { TOP_MAX = 100000 };

/* An entry, one thread: measured 60 to 90 with the words in a row (bench/codecs); here they are spread over memory. */
enum { PRINT_ENTRY_NS = 100, PRINTED_ENTRY_BYTES = 32 };

enum { CANCEL_ENTRIES = 1024 }; /* printed between two looks at the cancel flag: about 0.1 ms */

struct top {
    struct wordcount_memory memory; /* what the kernel knows of this */
    struct call_arena arena;
    struct wordcount_top *count; /* NULL before the first window */
    uint64_t text_bytes;
    size_t limit; /* k */
    struct wordcount_top_entry *entries;
    size_t entry_count;
    uint64_t distinct;
    uint64_t words;
};

static void *top_take(struct wordcount_memory *memory, size_t bytes) {
    struct top *top = (struct top *)((char *)memory - offsetof(struct top, memory));
    return call_arena_take(&top->arena, bytes);
}

static void *top_begin(struct call *call) {
    int64_t limit = 0;
    if (document_integer(call->document, "top", 1, TOP_MAX, &limit, &call->problem)) {
        return NULL;
    }
    struct top *top = call_take(call, sizeof *top);
    if (!top) {
        return NULL;
    }
    *top = (struct top){.memory = {.take = top_take}, .limit = (size_t)limit};
    call_arena_init(&top->arena, call);
    return top;
}

/* Two words have a space between them at least. */
static size_t most_entries(const struct top *top, uint64_t text_bytes) {
    uint64_t words = text_bytes / 2 + 1;
    return words < top->limit ? (size_t)words : top->limit;
}

static uint64_t top_cost_ns(const void *state, size_t length) {
    return wordcount_top_cost_ns(length) + PRINT_ENTRY_NS * (uint64_t)most_entries(state, length);
}

static enum kernel_status refuse_memory(struct call *call) {
    struct problem cause = call->problem;
    call->problem = (struct problem){0};
    problem_set(&call->problem, cause.kind, "/top", "\"top\" keeps every distinct word until the end: %s",
                cause.detail);
    return KERNEL_NO_MEMORY;
}

/* The windows of a stream may get different teams, up to the core budget; a single one has its own. */
static enum kernel_status top_feed(struct call *call, struct top *top, const struct wordcount_window *window) {
    if (!top->count) {
        top->count =
            wordcount_top_new(&top->memory, window->last ? window->team->threads : call->host->facts->cores.count);
    }
    top->text_bytes += window->length;
    return !top->count ? KERNEL_NO_MEMORY
                       : wordcount_top_feed(top->count, window->bytes, window->length, window->last, window->team,
                                            window->progress);
}

static enum kernel_status top_finish(struct call *call, struct top *top, const struct wordcount_window *window) {
    size_t most = most_entries(top, top->text_bytes);
    top->entries = call_take(call, most * sizeof *top->entries);
    return !top->entries ? KERNEL_NO_MEMORY
                         : wordcount_top_finish(top->count, most, window->team, window->progress, top->entries,
                                                &top->entry_count, &top->distinct, &top->words);
}

static enum kernel_status top_count(struct call *call, void *state, const struct wordcount_window *window) {
    struct top *top = state;
    enum kernel_status status = top_feed(call, top, window);
    if (status == KERNEL_DONE && window->last) {
        status = top_finish(call, top, window);
    }
    return status == KERNEL_NO_MEMORY ? refuse_memory(call) : status;
}

static void print_entries(struct call *call, const struct top *top) {
    struct json_writer *reply = &call->reply;
    size_t word_bytes = 0;
    for (size_t i = 0; i < top->entry_count; i++) {
        word_bytes += top->entries[i].length;
    }
    text_reserve(&reply->text, word_bytes + top->entry_count * PRINTED_ENTRY_BYTES);
    for (size_t i = 0; i < top->entry_count; i++) {
        const struct wordcount_top_entry *entry = &top->entries[i];
        if (i % CANCEL_ENTRIES == 0 && call_is_cancelled(call)) {
            return;
        }
        json_begin_object(reply);
        json_key(reply, "word");
        json_text(reply, entry->bytes, entry->length);
        json_key(reply, "count");
        json_unsigned(reply, entry->count);
        json_end_object(reply);
    }
}

static void top_encode(struct call *call, const void *state) {
    const struct top *top = state;
    json_key(&call->reply, "top");
    json_begin_array(&call->reply);
    print_entries(call, top);
    json_end_array(&call->reply);
    json_key(&call->reply, "distinct");
    json_unsigned(&call->reply, top->distinct);
    json_key(&call->reply, "words");
    json_unsigned(&call->reply, top->words);
}

const struct wordcount_mode wordcount_top_mode = {
    .field = "top", .begin = top_begin, .cost_ns = top_cost_ns, .count = top_count, .encode = top_encode};
