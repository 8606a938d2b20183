#include "handlers/wordcount.h"

#include "handlers/named.h"
#include "handlers/operand.h"
#include "handlers/options.h"
#include "handlers/wordcount_mode.h"

#include <assert.h>
#include <stdio.h>

enum { ENCODE_COST_NS = 100 };

struct arguments {
    struct operand text;        /* absent if it arrives in windows … */
    struct operand_text loaded; /* … else it lives in the body */
    const struct wordcount_mode *mode;
    void *state; /* the mode's */
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

static bool has(const struct call *call, const char *name) {
    return document_type_of(call->document, name) != DOCUMENT_ABSENT;
}

static enum problem_kind refuse_second(struct call *call, const char *first, const char *second) {
    char pointer[16];
    (void)snprintf(pointer, sizeof pointer, "/%s", second);
    return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, pointer,
                       "\"%s\" and \"%s\" exclude each other: a call counts one thing; give one of \"word\", \"words\" "
                       "and \"top\", or none",
                       first, second);
}

static enum problem_kind refuse_match(struct call *call, const struct wordcount_mode *mode) {
    if (!mode->field) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, "/word",
                           "\"match\" says how \"word\" or \"words\" are compared, but there is neither");
    }
    return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/match",
                       "\"match\" says how \"word\" or \"words\" are compared; \"%s\" compares nothing", mode->field);
}

static enum problem_kind choose_mode(struct call *call, const struct wordcount_mode **chosen) {
    static const struct wordcount_mode *const modes[] = {&wordcount_word_mode, &wordcount_words_mode,
                                                         &wordcount_top_mode};
    const struct wordcount_mode *mode = &wordcount_totals_mode;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (!has(call, modes[i]->field)) {
            continue;
        }
        if (mode->field) {
            return refuse_second(call, mode->field, modes[i]->field);
        }
        mode = modes[i];
    }
    *chosen = mode;
    return has(call, "match") && !mode->compares_words ? refuse_match(call, mode) : PROBLEM_NONE;
}

static enum problem_kind begin_mode(struct call *call, struct arguments *arguments) {
    if (choose_mode(call, &arguments->mode)) {
        return call->problem.kind;
    }
    arguments->state = arguments->mode->begin(call);
    return call->problem.kind;
}

static enum problem_kind refuse_second_text(struct call *call) {
    return problem_set(
        &call->problem, PROBLEM_CONFLICTING_FIELDS, "/text",
        "the text is in the body, and \"text\" in the query refers to another one; a named text needs no "
        "body and no Content-Type");
}

static enum problem_kind refuse_keeping(struct call *call, const struct wordcount_mode *mode) {
    return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/store",
                       "\"store\" keeps numbers; what \"%s\" finds are words with their counts", mode->field);
}

static enum problem_kind wordcount_decode(struct call *call) {
    static const struct field fields[] = {{"text", FIELD_DATA},   {"word", FIELD_TEXT},  {"words", FIELD_TEXTS},
                                          {"top", FIELD_INTEGER}, {"match", FIELD_TEXT}, {NULL, FIELD_TEXT}};
    struct arguments *arguments = arguments_of(call);
    bool is_stream = call->order->body_media == MEDIA_TEXT;
    if (options_decode(call, fields) || (is_stream && has(call, "text") && refuse_second_text(call))) {
        return options_refuse(call);
    }
    if ((!is_stream && operand_find_text(call, "text", &arguments->text)) || begin_mode(call, arguments) ||
        (named_is_wanted(call) && !arguments->mode->keep && refuse_keeping(call, arguments->mode))) {
        return options_refuse(call);
    }
    size_t counted_bytes = is_stream ? STREAM_WINDOW_BYTES : arguments->text.count;
    call->demand.cost_ns = arguments->mode->cost_ns(arguments->state, counted_bytes) +
                           operand_load_cost_ns(&arguments->text) + ENCODE_COST_NS +
                           options_chunk_cost_ns(&call->demand, counted_bytes);
    return PROBLEM_NONE;
}

static enum problem_kind wordcount_load(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    return operand_load_text(call, &arguments->text, &arguments->loaded);
}

static enum problem_kind wordcount_window(struct call *call, const char *bytes, size_t length, bool last) {
    struct arguments *arguments = arguments_of(call);
    struct wordcount_window window = {bytes, length, last, call->team, &call->progress};
    enum kernel_status status = arguments->mode->count(call, arguments->state, &window);
    (void)status; /* whoever set the cancel flag knows why; that memory ran out is recorded */
    return call->problem.kind;
}

static enum problem_kind wordcount_compute(struct call *call) {
    const struct operand_text *text = &arguments_of(call)->loaded;
    for (size_t i = 0; i < text->count && !call_is_cancelled(call); i++) {
        if (wordcount_window(call, text->pieces[i].bytes, text->pieces[i].length, i + 1 == text->count)) {
            break;
        }
    }
    return call->problem.kind;
}

static enum problem_kind wordcount_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    if (named_is_wanted(call)) {
        return arguments->mode->keep(call, arguments->state);
    }
    arguments->mode->encode(call, arguments->state);
    return PROBLEM_NONE;
}

static const struct envelope_field wordcount_bulk[] = {{"text", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};

const struct endpoint wordcount_endpoint = {
    .path = "/v1/wordcount",
    .summary = "what is in a text: totals, given words, the most frequent ones",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON | MEDIA_TEXT,
    .produces = MEDIA_JSON,
    .bulk = wordcount_bulk,
    .decode = wordcount_decode,
    .load = wordcount_load,
    .compute = wordcount_compute,
    .window = wordcount_window,
    .encode = wordcount_encode,
};
