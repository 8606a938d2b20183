/* A body that is worked on while it arrives: the owner fills one window while a lane works on the other. When both are
 * full the owner has to wait (back-pressure) until the lane is done, so a stream takes two windows of memory however
 * long it is. Each window is a work of its own, which takes its turn among all others anew.
 *
 * A body that is kept goes to whoever keeps it in the same way, as the bytes that came, in place of to a lane. */
#include "server/engine/run_windows.h"

#include "codecs/byte_order_mark.h"
#include "codecs/coding/content_decoder.h"
#include "server/engine/body_limit.h"
#include "server/engine/coding.h"
#include "server/engine/endpoint.h"
#include "server/engine/run_ask.h"
#include "server/engine/run_steps.h"
#include "server/engine/run_turns.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <string.h>

/* What is unfolded in one turn: a window of zeros would give a gigabyte, and hold its core as long. */
enum { UNFOLDED_TURN_BYTES = 4 * STREAM_WINDOW_BYTES };

struct windows {
    char *bytes[2];           /* from memory_take: they go before the call does, which may wait long after its body */
    size_t window_bytes;      /* of each */
    unsigned filling;         /* the window that the owner has */
    size_t filled;            /* bytes in it */
    struct content_io folded; /* what is left of the other, while the run works */
    bool is_unfinished;       /* there is more of it to be unfolded */
    bool ended;               /* the body is complete */
    bool last;                /* the window that was handed over is the last */
    bool is_kept;             /* … and it has come back from whoever keeps it */
    char *unfolded;           /* where compressed windows are unfolded to, NULL if they aren't */
    struct content_decoder *decoder;
    bool has_begun; /* the text: its first bytes have been looked at */
    size_t kept;    /* of them that came in pieces too small for that */
    char first[BYTE_ORDER_MARK_BYTES_MAX];
};

static enum problem_kind take_windows(struct run *run, struct windows *windows) {
    struct call *call = &run->call;
    const struct order *order = &run->order;
    bool is_short = order->is_declared && order->declared_bytes < STREAM_WINDOW_BYTES;
    windows->window_bytes = !is_short ? STREAM_WINDOW_BYTES : order->declared_bytes > 0 ? order->declared_bytes : 1;
    for (int i = 0; i < (is_short ? 1 : 2); i++) {
        windows->bytes[i] = memory_take(call->memory, windows->window_bytes);
        if (!windows->bytes[i]) {
            return call_memory_short(call, windows->window_bytes);
        }
    }
    if (order->body_coding == CONTENT_IDENTITY || run->keeping) {
        return PROBLEM_NONE;
    }
    windows->unfolded = call_take(call, STREAM_WINDOW_BYTES);
    if (!windows->unfolded) {
        return call->problem.kind;
    }
    if (content_decoder_new(order->body_coding, call->memory, &windows->decoder, &call->problem)) {
        return coding_explain_memory(call, CONTENT_DECODER_BYTES_MAX);
    }
    return PROBLEM_NONE;
}

enum problem_kind run_windows_open(struct run *run) {
    struct call *call = &run->call;
    struct windows *windows = call_take(call, sizeof *windows);
    if (!windows) {
        return call->problem.kind;
    }
    *windows = (struct windows){0};
    run->windows = windows;
    if (take_windows(run, windows)) {
        return call->problem.kind;
    }
    run->lap.clock_ns = clock_now_ns();
    run->lap.cpu_ns = run->lap.clock_ns;
    enum problem_kind found = run->order.endpoint->decode(call);
    run->spent.decode += run_lap(run);
    run_count_cpu(run);
    return found;
}

void run_windows_close(struct run *run) {
    struct windows *windows = run->windows;
    content_decoder_free(windows->decoder);
    for (int i = 0; i < 2; i++) {
        if (windows->bytes[i]) {
            memory_give(run->call.memory, windows->bytes[i], windows->window_bytes);
        }
    }
    run->windows = NULL;
}

bool run_windows_are_kept(const struct run *run) {
    return run->windows->is_kept;
}

/* --- on whatever thread has the window --------------------------------------------------------------------------- */

/* The text begins with these bytes, and with no mark. */
static enum problem_kind begin_text(struct run *run, const char *bytes, size_t length, bool last) {
    struct call *call = &run->call;
    const char *foreign = byte_order_mark_foreign(bytes, length);
    if (foreign) {
        return problem_set(&call->problem, PROBLEM_INVALID_UTF8, NULL, "the body is %s; text is read as UTF-8",
                           foreign);
    }
    size_t mark = byte_order_mark_length(bytes, length);
    run->windows->has_begun = true;
    return run->order.endpoint->window(call, bytes + mark, length - mark, last);
}

/* The next bytes of the text. What a decoder gives may be a single byte, so that the first ones have to be kept until
 * they tell what they are. */
static enum problem_kind give_text(struct run *run, const char *bytes, size_t length, bool last) {
    struct windows *windows = run->windows;
    size_t wanted = sizeof windows->first - windows->kept;
    if (windows->has_begun) {
        return run->order.endpoint->window(&run->call, bytes, length, last);
    }
    if (windows->kept == 0 && (length >= wanted || last)) {
        return begin_text(run, bytes, length, last);
    }
    size_t more = length < wanted ? length : wanted;
    memcpy(windows->first + windows->kept, bytes, more);
    windows->kept += more;
    if (more < wanted && !last) {
        return PROBLEM_NONE;
    }
    return begin_text(run, windows->first, windows->kept, false)
               ? run->call.problem.kind
               : run->order.endpoint->window(&run->call, bytes + more, length - more, last);
}

/* Unfolds the window piece by piece and works on each; the rest of one that unfolds to much in a turn of its own. */
static enum problem_kind work_unfolded(struct run *run) {
    struct windows *windows = run->windows;
    struct call *call = &run->call;
    struct content_io *io = &windows->folded;
    size_t turn_bytes = 0;
    bool goes_on = true;
    while (goes_on && turn_bytes < UNFOLDED_TURN_BYTES) {
        io->out = windows->unfolded;
        io->out_room = STREAM_WINDOW_BYTES;
        if (content_decode(windows->decoder, io, &call->problem)) {
            return coding_explain_memory(call, CONTENT_DECODER_BYTES_MAX);
        }
        size_t unfolded = STREAM_WINDOW_BYTES - io->out_room;
        if (give_text(run, windows->unfolded, unfolded, false)) {
            return call->problem.kind;
        }
        turn_bytes += unfolded;
        goes_on = io->out_room == 0 && !run_is_cancelled(run);
    }
    windows->is_unfinished = goes_on;
    if (goes_on || !windows->last || run_is_cancelled(run)) {
        return PROBLEM_NONE;
    }
    if (content_decoder_finish(windows->decoder, &call->problem)) {
        return call->problem.kind;
    }
    return give_text(run, windows->unfolded, 0, true);
}

static void work_on(struct run *run) {
    struct windows *windows = run->windows;
    run_note_begun(run);
    run_note_computing(run);
    if (windows->decoder) {
        (void)work_unfolded(run); /* call->problem says the same */
    } else {
        (void)give_text(run, windows->folded.in, windows->folded.in_length, windows->last);
    }
    run->spent.compute += run_lap(run);
}

static void work_on_window(struct work *work, const struct team *team) {
    struct run *run = run_of(work);
    struct windows *windows = run->windows;
    run_arrive(run, team);
    if (run->is_encoded) { /* all windows are done: what is left is to compress the answer */
        run_fold(run);
    } else {
        work_on(run);
        if (windows->last && !windows->is_unfinished) {
            run_encode(run);
            run_fold_alone(run);
        }
    }
    run_count_cpu(run);
}

/* --- on the owner's thread --------------------------------------------------------------------------------------- */

/* What whoever keeps the body has done with the window that it got last. */
static enum run_state settle_kept(struct run *run) {
    struct windows *windows = run->windows;
    windows->is_kept = windows->last && !run->call.problem.kind;
    return run->call.problem.kind ? run_conclude(run) : RUN_RECEIVES;
}

/* Gives the filled window to a lane, or to whoever keeps it, and goes on with the other. */
static enum run_state hand_over(struct run *run, bool last) {
    struct windows *windows = run->windows;
    struct work *work = &run->work;
    windows->folded = (struct content_io){.in = windows->bytes[windows->filling], .in_length = windows->filled};
    windows->filling ^= 1;
    windows->filled = 0;
    windows->last = last;
    run->window_count++;
    if (run->keeping) {
        bool waits = run_keep_piece(run, windows->folded.in, windows->folded.in_length, last);
        return waits ? RUN_WORKS : settle_kept(run);
    }
    work->threads = run_team_size(run);
    work->class = run->order.class == WORK_JOB ? WORK_JOB : WORK_STREAM;
    work->admitted = work->run;
    work->keeps_place = false;
    work->run = work_on_window;
    return run_submit(run);
}

static enum problem_kind check_length(struct run *run) {
    const struct body_limit limit = body_limit_of(&run->call, true);
    if (run->received_bytes <= limit.bytes) {
        return PROBLEM_NONE;
    }
    return problem_set(&run->call.problem, PROBLEM_BODY_TOO_LARGE, NULL,
                       "the body has more than %zu bytes, which is the limit (%s)%s", limit.bytes, limit.option,
                       limit.offer);
}

enum run_feeding run_windows_feed(struct run *run, const char *bytes, size_t length, size_t *taken) {
    struct windows *windows = run->windows;
    *taken = 0;
    while (*taken < length) {
        if (windows->filled == windows->window_bytes) {
            if (run->is_working) {
                return RUN_IS_FULL;
            }
            /* Only while no lane has the run is what it has found ours to look at. */
            if (check_length(run)) {
                (void)run_conclude(run);
                return RUN_REFUSES;
            }
            if (hand_over(run, false) == RUN_DONE) {
                return RUN_REFUSES;
            }
        }
        size_t room = windows->window_bytes - windows->filled;
        size_t fitting = length - *taken < room ? length - *taken : room;
        memcpy(windows->bytes[windows->filling] + windows->filled, bytes + *taken, fitting);
        windows->filled += fitting;
        run->received_bytes += fitting;
        *taken += fitting;
    }
    return RUN_FED;
}

/* What the window that is being filled costs. */
static uint64_t predict_ns(const struct run *run) {
    return run->call.demand.cost_ns * run->windows->filled / STREAM_WINDOW_BYTES;
}

/* A body that never filled a window and takes no time: right here. */
static enum run_state work_here(struct run *run) {
    struct windows *windows = run->windows;
    windows->last = true;
    run_grant_one(run);
    run->threads.reason = run->threads.requested > 1 ? ANSWER_SMALL_WORK : ANSWER_AS_ASKED;
    windows->folded = (struct content_io){.in = windows->bytes[0], .in_length = windows->filled};
    work_on(run);
    run_encode(run);
    run_fold(run);
    run_count_cpu(run);
    return run_conclude(run);
}

enum run_state run_windows_end(struct run *run, const struct run_policy *policy) {
    struct windows *windows = run->windows;
    windows->ended = true;
    if (run->is_working) {
        return RUN_WORKS; /* a lane reads and writes laps and policy */
    }
    if (run->call.problem.kind || check_length(run)) {
        return run_conclude(run);
    }
    bool has_begun = run->work.run;
    const struct demand *demand = &run->call.demand;
    bool may_stay = !demand->cores && !demand->leaves_owner && !run->keeping;
    if (!has_begun && !windows->decoder && may_stay && predict_ns(run) < policy->compute_ns) {
        run->lap = (struct run_lap){run->times.received, run->times.received};
        return work_here(run);
    }
    return hand_over(run, true);
}

enum run_state run_windows_resume(struct run *run) {
    struct windows *windows = run->windows;
    enum run_state state = RUN_RECEIVES;
    if (windows->is_unfinished && !run->call.problem.kind) {
        state = run_submit(run);
    } else if (run->keeping && windows->last) {
        return settle_kept(run);
    } else if (run->call.problem.kind || windows->last || check_length(run)) {
        state = run_conclude(run);
    } else if (windows->ended || windows->filled == windows->window_bytes) {
        state = hand_over(run, windows->ended);
    }
    bool has_room = !windows->ended && windows->filled < windows->window_bytes;
    return state == RUN_WORKS && has_room ? RUN_RECEIVES : state;
}
