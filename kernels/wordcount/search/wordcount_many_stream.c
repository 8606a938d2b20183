#include "kernels/wordcount/search/wordcount_many.h"

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
    enum kernel_status status = wordcount_many(text, length, stream->needles, stream->needle_count, stream->match,
                                               feeding->team, feeding->progress, found);
    for (size_t i = 0; i < stream->needle_count; i++) {
        stream->counts[i] += found[i];
    }
    return status;
}

size_t wordcount_many_carry_bytes(const struct wordcount_needle *needles, size_t needle_count) {
    size_t longest = 0;
    for (size_t i = 0; i < needle_count; i++) {
        longest = needles[i].length > longest ? needles[i].length : longest;
    }
    return wordcount_carry_capacity(longest);
}

void wordcount_many_init(struct wordcount_many_stream *stream, const struct wordcount_needle *needles,
                         size_t needle_count, enum wordcount_match match, char *carry, uint64_t *counts) {
    *stream = (struct wordcount_many_stream){
        .needles = needles,
        .needle_count = needle_count,
        .match = match,
        .counts = counts,
        .carry = {.bytes = carry, .capacity = wordcount_many_carry_bytes(needles, needle_count)},
    };
    memset(counts, 0, needle_count * sizeof *counts);
}

enum kernel_status wordcount_many_feed(struct wordcount_many_stream *stream, const char *window, size_t length,
                                       bool last, const struct team *team, const struct progress *progress) {
    struct feeding feeding = {stream, team, progress};
    struct wordcount_counter counter = {.match = stream->match, .count = many_stream_count, .context = &feeding};
    return wordcount_carry_feed(&stream->carry, &counter, window, length, last);
}
