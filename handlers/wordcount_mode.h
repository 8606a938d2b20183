#pragma once
/* Internal to handlers. What POST /v1/wordcount can find out about a text: a mode each, chosen by the field that only
 * it has, and each in a file of its own. wordcount.c reads the text and feeds it to the mode, window by window; a text
 * that is there as a whole is one window, and the last. So a mode neither knows nor cares where its text comes from. */
#include "handlers/options.h"

/* The next bytes of the text; `last`: nothing follows (there may be none left then). */
struct wordcount_window {
    const char *bytes;
    size_t length;
    bool last;
    const struct team *team;
    const struct progress *progress;
};

struct wordcount_mode {
    const char *field;   /* required, and nobody else's; NULL: the text is enough */
    bool compares_words; /* "match" says how */
    /* Reads the mode's fields out of call->document. The state is the call's (from call_take); NULL: what is wrong is
     * in call->problem. */
    void *(*begin)(struct call *call);
    /* Predicted time on one thread for a text, or a window, of that length, printing included. */
    uint64_t (*cost_ns)(const void *state, size_t length);
    /* KERNEL_NO_MEMORY: call->problem says so. After KERNEL_CANCELLED the state is of no more use. */
    enum kernel_status (*count)(struct call *call, void *state, const struct wordcount_window *window);
    /* After the last window: prints the result's members. Stops early when call->cancel is set. */
    void (*encode)(struct call *call, const void *state);
    /* The same where the result is to be kept: as an array of its numbers. NULL: it has words, too. */
    enum problem_kind (*keep)(struct call *call, const void *state);
};

extern const struct wordcount_mode wordcount_totals_mode; /* lines, words, chars, bytes */
extern const struct wordcount_mode wordcount_word_mode;   /* word -> count */
extern const struct wordcount_mode wordcount_words_mode;  /* words -> counts */
extern const struct wordcount_mode wordcount_top_mode;    /* top -> the most frequent words */
