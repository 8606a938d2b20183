#include "kernels/wordcount/search/wordcount_stream.h"

struct feeding {
    struct wordcount_stream *stream;
    const struct team *team;
    const struct progress *progress;
};

static enum kernel_status stream_count(void *context, const char *text, size_t length) {
    struct feeding *feeding = context;
    struct wordcount_stream *stream = feeding->stream;
    uint64_t found = 0;
    enum kernel_status status = wordcount(text, length, stream->word, stream->word_length, stream->match, feeding->team,
                                          feeding->progress, &found);
    stream->count += found;
    return status;
}

size_t wordcount_stream_carry_bytes(size_t word_length) {
    return wordcount_carry_capacity(word_length);
}

void wordcount_stream_init(struct wordcount_stream *stream, const char *word, size_t word_length,
                           enum wordcount_match match, char *carry) {
    *stream = (struct wordcount_stream){
        .word = word,
        .word_length = word_length,
        .match = match,
        .carry = {.bytes = carry, .capacity = wordcount_carry_capacity(word_length)},
    };
}

enum kernel_status wordcount_stream_feed(struct wordcount_stream *stream, const char *window, size_t length, bool last,
                                         const struct team *team, const struct progress *progress) {
    struct feeding feeding = {stream, team, progress};
    struct wordcount_counter counter = {
        .match = stream->match, .count = stream_count, .context = &feeding, .cancel = progress->cancel};
    return wordcount_carry_feed(&stream->carry, &counter, window, length, last);
}
