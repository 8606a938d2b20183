/* One word, or several in one pass. Two modes, since the kernel for one is the faster for it. */
#include "handlers/named.h"
#include "handlers/wordcount_mode.h"
#include "kernels/wordcount/search/wordcount_many.h"
#include "kernels/wordcount/search/wordcount_stream.h"

#include <stdio.h>

/* Leaves *match alone where there is none. */
static enum problem_kind read_match(struct call *call, enum wordcount_match *match) {
    static const char *const names[] = {
        [WORDCOUNT_EXACT] = "exact", [WORDCOUNT_LETTERS] = "letters", [WORDCOUNT_WORDS] = "words", NULL};
    size_t index = *match;
    if (document_type_of(call->document, "match") != DOCUMENT_ABSENT &&
        document_choice(call->document, "match", names, &index, &call->problem)) {
        return call->problem.kind;
    }
    *match = (enum wordcount_match)index;
    return PROBLEM_NONE;
}

/* --- one word ---------------------------------------------------------------------------------------------------- */

static enum problem_kind read_word(struct call *call, struct text_view *word) {
    if (document_text(call->document, "word", word, &call->problem) || word->length > 0) {
        return call->problem.kind;
    }
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/word", "\"word\" is empty; it has at least one byte");
}

static void *begin_word(struct call *call) {
    struct text_view word;
    enum wordcount_match match = WORDCOUNT_EXACT;
    if (read_word(call, &word) || read_match(call, &match)) {
        return NULL;
    }
    struct wordcount_stream *stream = call_take(call, sizeof *stream);
    char *carry = stream ? call_take(call, wordcount_stream_carry_bytes(word.length)) : NULL;
    if (!carry) {
        return NULL;
    }
    wordcount_stream_init(stream, word.bytes, word.length, match, carry);
    return stream;
}

static uint64_t word_cost_ns(const void *state, size_t length) {
    const struct wordcount_stream *stream = state;
    return wordcount_cost_ns(length, stream->word_length, stream->match);
}

static enum kernel_status count_word(struct call *call, void *state, const struct wordcount_window *window) {
    (void)call;
    return wordcount_stream_feed(state, window->bytes, window->length, window->last, window->team, window->progress);
}

static void encode_word(struct call *call, const void *state) {
    json_key(&call->reply, "count");
    json_unsigned(&call->reply, ((const struct wordcount_stream *)state)->count);
}

static enum problem_kind keep_word(struct call *call, const void *state) {
    return named_keep_counts(call, "count", &((const struct wordcount_stream *)state)->count, 1);
}

const struct wordcount_mode wordcount_word_mode = {.field = "word",
                                                   .compares_words = true,
                                                   .begin = begin_word,
                                                   .cost_ns = word_cost_ns,
                                                   .count = count_word,
                                                   .encode = encode_word,
                                                   .keep = keep_word};

/* --- several words ----------------------------------------------------------------------------------------------- */

struct words {
    struct wordcount_many_stream stream;
    struct wordcount_needle needles[WORDCOUNT_MANY_MAX];
    uint64_t counts[WORDCOUNT_MANY_MAX];
};

static enum problem_kind refuse_empty(struct call *call, size_t index) {
    char pointer[32];
    (void)snprintf(pointer, sizeof pointer, "/words/%zu", index);
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                       "element %zu of \"words\" is empty; it has at least one byte", index);
}

static enum problem_kind read_words(struct call *call, struct wordcount_needle *needles, size_t *count) {
    struct text_view words[WORDCOUNT_MANY_MAX];
    if (document_array_length(call->document, "words", count, &call->problem)) {
        return call->problem.kind;
    }
    if (*count < 1 || *count > WORDCOUNT_MANY_MAX) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/words",
                           "\"words\" has %zu elements; 1 to %d are allowed", *count, WORDCOUNT_MANY_MAX);
    }
    if (document_array_texts(call->document, "words", words, *count, &call->problem)) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < *count; i++) {
        if (words[i].length == 0) {
            return refuse_empty(call, i);
        }
        needles[i] = (struct wordcount_needle){.bytes = words[i].bytes, .length = words[i].length};
    }
    return PROBLEM_NONE;
}

static void *begin_words(struct call *call) {
    size_t count = 0;
    enum wordcount_match match = WORDCOUNT_EXACT;
    struct words *words = call_take(call, sizeof *words);
    if (!words || read_words(call, words->needles, &count) || read_match(call, &match)) {
        return NULL;
    }
    void *memory = call_take(call, wordcount_many_memory_bytes(words->needles, count));
    if (!memory) {
        return NULL;
    }
    wordcount_many_init(&words->stream, words->needles, count, match, memory, words->counts);
    return words;
}

static uint64_t words_cost_ns(const void *state, size_t length) {
    const struct wordcount_many_stream *stream = &((const struct words *)state)->stream;
    return wordcount_many_cost_ns(length, stream->needles, stream->needle_count, stream->match);
}

static enum kernel_status count_words(struct call *call, void *state, const struct wordcount_window *window) {
    (void)call;
    struct words *words = state;
    return wordcount_many_feed(&words->stream, window->bytes, window->length, window->last, window->team,
                               window->progress);
}

static void encode_words(struct call *call, const void *state) {
    const struct words *words = state;
    json_key(&call->reply, "counts");
    json_begin_array(&call->reply);
    for (size_t i = 0; i < words->stream.needle_count; i++) {
        json_unsigned(&call->reply, words->counts[i]);
    }
    json_end_array(&call->reply);
}

static enum problem_kind keep_words(struct call *call, const void *state) {
    const struct words *words = state;
    return named_keep_counts(call, "counts", words->counts, words->stream.needle_count);
}

const struct wordcount_mode wordcount_words_mode = {.field = "words",
                                                    .compares_words = true,
                                                    .begin = begin_words,
                                                    .cost_ns = words_cost_ns,
                                                    .count = count_words,
                                                    .encode = encode_words,
                                                    .keep = keep_words};
