#include "handlers/wordcount.h"

#include "handlers/bulk.h"
#include "kernels/wordcount_stream.h"
#include "server/stream.h"

/* Text is checked, and unescaped where it is sparsely escaped, at several GB/s (bench/codecs). */
enum { ENCODE_COST_NS = 100, LOADED_BYTES_PER_NS = 4 };

struct arguments {
    struct options options;
    struct text_view text; /* lives in the body */
    struct text_view word; /* lives in the document */
    enum wordcount_match match;
    uint64_t count;
    struct wordcount_stream stream; /* for a text that arrives in windows */
};

_Static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

static enum problem_kind read_match(struct call *call, enum wordcount_match *match) {
    static const char *const names[] = {[WORDCOUNT_EXACT] = "exact", [WORDCOUNT_LETTERS] = "letters", NULL};
    size_t index = WORDCOUNT_EXACT;
    if (document_type_of(call->document, "match") != DOCUMENT_ABSENT &&
        document_choice(call->document, "match", names, &index, &call->problem)) {
        return call->problem.kind;
    }
    *match = (enum wordcount_match)index;
    return PROBLEM_NONE;
}

static enum problem_kind refuse_empty(struct call *call, struct text_view word) {
    if (word.length > 0) {
        return PROBLEM_NONE;
    }
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/word", "\"word\" is empty; it has at least one byte");
}

static enum problem_kind read_text(struct call *call, struct arguments *arguments) {
    return document_text(call->document, "text", &arguments->text, &call->problem); /* "" if it is bulk */
}

/* A text of its own beside the options: what is counted at a time is a window. */
static enum problem_kind begin_stream(struct call *call, struct arguments *arguments) {
    char *carry = call_take(call, wordcount_stream_carry_bytes(arguments->word.length));
    if (!carry) {
        return call->problem.kind;
    }
    wordcount_stream_init(&arguments->stream, arguments->word.bytes, arguments->word.length, arguments->match, carry);
    call->demand.cost_ns = wordcount_cost_ns(STREAM_WINDOW_BYTES, arguments->match) +
                           options_chunk_cost_ns(&arguments->options, STREAM_WINDOW_BYTES);
    return PROBLEM_NONE;
}

enum problem_kind wordcount_decode(struct call *call) {
    static const struct options_field all[] = {
        {"text", OPTIONS_BODY}, {"word", OPTIONS_TEXT}, {"match", OPTIONS_TEXT}, {NULL, OPTIONS_TEXT}};
    static const struct envelope_field bulk[] = {{"text", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};
    static const struct options_fields fields = {bulk, all};
    struct arguments *arguments = arguments_of(call);
    bool is_stream = call->body_media == MEDIA_TEXT;
    if (options_decode(call, &fields, &arguments->options) || (!is_stream && read_text(call, arguments)) ||
        document_text(call->document, "word", &arguments->word, &call->problem) ||
        read_match(call, &arguments->match) || refuse_empty(call, arguments->word)) {
        return options_refuse(call, &arguments->options);
    }
    if (is_stream) {
        return begin_stream(call, arguments);
    }
    const struct json_span *text = envelope_find(&arguments->options.envelope, "text");
    size_t length = text ? text->end - text->begin : arguments->text.length;
    call->demand.cost_ns = wordcount_cost_ns(length, arguments->match) + length / LOADED_BYTES_PER_NS + ENCODE_COST_NS +
                           options_chunk_cost_ns(&arguments->options, length);
    return PROBLEM_NONE;
}

enum problem_kind wordcount_load(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    return bulk_text(call, &arguments->options, "text", &arguments->text);
}

enum problem_kind wordcount_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    struct team team = options_team(call, &arguments->options);
    struct progress progress = options_progress(call);
    enum kernel_status status =
        wordcount(arguments->text.bytes, arguments->text.length, arguments->word.bytes, arguments->word.length,
                  arguments->match, &team, &progress, &arguments->count);
    (void)status; /* whoever set the cancel flag knows why: nothing to report here */
    return PROBLEM_NONE;
}

enum problem_kind wordcount_window(struct call *call, const char *bytes, size_t length, bool last) {
    struct arguments *arguments = arguments_of(call);
    struct team team = options_team(call, &arguments->options);
    struct progress progress = options_progress(call);
    enum kernel_status status = wordcount_stream_feed(&arguments->stream, bytes, length, last, &team, &progress);
    (void)status; /* as above */
    arguments->count = arguments->stream.count;
    return PROBLEM_NONE;
}

enum problem_kind wordcount_encode(struct call *call) {
    json_key(&call->reply, "count");
    json_unsigned(&call->reply, arguments_of(call)->count);
    return PROBLEM_NONE;
}
