#include "kernels/wordcount/search/wordcount_many.h"

#include "kernels/wordcount/search/wordcount_many_scan.h"

#include <string.h>

struct feeding {
    struct wordcount_many_stream *stream;
    const struct team *team;
    const struct progress *progress;
};

static enum kernel_status many_stream_count(void *context, const char *text, size_t length) {
    struct feeding *feeding = context;
    struct wordcount_many_stream *stream = feeding->stream;
    uint64_t found[WORDCOUNT_MANY_MAX];
    enum kernel_status status = many_search(stream->many, text, length, feeding->team, feeding->progress, found);
    for (size_t i = 0; i < stream->needle_count; i++) {
        stream->counts[i] += found[i];
    }
    return status;
}

static size_t longest_needle(const struct wordcount_needle *needles, size_t needle_count) {
    size_t longest = 0;
    for (size_t i = 0; i < needle_count; i++) {
        longest = needles[i].length > longest ? needles[i].length : longest;
    }
    return longest;
}

size_t wordcount_many_memory_bytes(const struct wordcount_needle *needles, size_t needle_count) {
    return sizeof(struct many) + wordcount_carry_capacity(longest_needle(needles, needle_count));
}

void wordcount_many_init(struct wordcount_many_stream *stream, const struct wordcount_needle *needles,
                         size_t needle_count, enum wordcount_match match, void *memory, uint64_t *counts) {
    *stream = (struct wordcount_many_stream){
        .needles = needles,
        .needle_count = needle_count,
        .match = match,
        .counts = counts,
        .many = memory,
        .carry = {.bytes = (char *)memory + sizeof(struct many),
                  .capacity = wordcount_carry_capacity(longest_needle(needles, needle_count))},
    };
    memset(counts, 0, needle_count * sizeof *counts);
}

enum kernel_status wordcount_many_feed(struct wordcount_many_stream *stream, const char *window, size_t length,
                                       bool last, const struct team *team, const struct progress *progress) {
    struct feeding feeding = {stream, team, progress};
    struct wordcount_counter counter = {
        .match = stream->match, .count = many_stream_count, .context = &feeding, .cancel = progress->cancel};
    if (!stream->set_up &&
        !many_init(stream->many, stream->needles, stream->needle_count, stream->match, progress->cancel)) {
        return KERNEL_CANCELLED;
    }
    stream->set_up = true;
    return wordcount_carry_feed(&stream->carry, &counter, window, length, last);
}
