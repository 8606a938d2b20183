#include "handlers/wordcount.h"

#include "handlers/options.h"
#include "kernels/wordcount.h"

enum { ENCODE_COST_NS = 100 };

struct arguments {
    struct options options;
    struct text_view text; /* both live in the document */
    struct text_view word;
    enum wordcount_match match;
    uint64_t count;
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

enum problem_kind wordcount_decode(struct call *call) {
    static const char *const fields[] = {"text", "word", "match", NULL};
    struct arguments *arguments = arguments_of(call);
    if (options_decode(call, fields, &arguments->options) ||
        document_text(call->document, "text", &arguments->text, &call->problem) ||
        document_text(call->document, "word", &arguments->word, &call->problem) ||
        read_match(call, &arguments->match)) {
        return call->problem.kind;
    }
    if (arguments->word.length == 0) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/word",
                           "\"word\" is empty; it has at least one byte");
    }
    call->demand.cost_ns = wordcount_cost_ns(arguments->text.length, arguments->match) + ENCODE_COST_NS;
    return PROBLEM_NONE;
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

enum problem_kind wordcount_encode(struct call *call) {
    json_key(&call->reply, "count");
    json_unsigned(&call->reply, arguments_of(call)->count);
    return PROBLEM_NONE;
}
