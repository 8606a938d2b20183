#include "server/engine/run.h"

#include "server/engine/endpoint.h"
#include "server/engine/mailbox.h"
#include "server/engine/outlet.h"
#include "server/engine/run_ask.h"
#include "server/engine/run_block.h"
#include "server/engine/run_body.h"
#include "server/engine/run_steps.h"
#include "server/engine/run_turns.h"
#include "server/engine/run_windows.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <stddef.h>
#include <string.h>

/* Longest answer of an information endpoint. */
enum { INFORMATION_BYTES_MAX = 1024 * 1024 };

static void report(struct work *work) {
    run_report(run_of(work));
}

struct run *run_new(const struct host *host, struct mailbox *mailbox, void *owner) {
    struct run *run = run_block_take(mailbox);
    if (!run) {
        return NULL;
    }
    /* All zeros, but the call, the larger half, which call_init sets. */
    memset(run, 0, offsetof(struct run, call));
    memset((char *)run + offsetof(struct run, work), 0, sizeof *run - offsetof(struct run, work));
    run->host = host;
    run->mailbox = mailbox;
    run->owner = owner;
    run->work.done = report;
    run->times.opened = clock_now_ns();
    run->order.reply_media = MEDIA_JSON;
    account_init(&run->account, host->memory, host->buffers);
    run_block_lend(run);
    call_init(&run->call, &run->order, host, &run->account.base);
    run->call.memory_held_bytes = &run->account.charged_bytes;
    return run;
}

static void close_run(struct run *run) {
    run_unannounce(run);
    if (run->windows) {
        run_windows_close(run);
    }
    outlet_leave(run->outlet);
    outlet_drop(run->outlet);
    answer_deinit(&run->answer);
    content_pieces_free(&run->coded);
    run_body_drop(run);
    call_release(&run->call);
    payload_drop(&run->order.pins);
    account_close(&run->account);
}

void run_free(struct run *run) {
    if (run) {
        close_run(run);
        run_block_free(run);
    }
}

char *run_keep(struct run *run, const char *bytes, size_t length) {
    char *copy = call_take(&run->call, length);
    if (copy) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

void run_note_received(struct run *run) {
    run->times.received = clock_now_ns();
    run->times.receive = run->times.received - run->times.opened;
}

/* --- deadlines and cuts ------------------------------------------------------------------------------------------ */

enum run_state run_cut(struct run *run, enum problem_kind why) {
    if (run->answer.status != 0) {
        return RUN_DONE; /* too late */
    }
    if (run->cut) {
        return RUN_WORKS; /* and was told to stop */
    }
    run->cut = why;
    atomic_store_explicit(&run->call.cancel, true, memory_order_relaxed);
    outlet_give_up(run->outlet);
    if (!run->is_working) {
        run_explain(run, run->cut);
        return run_conclude(run);
    }
    if (run_is_asking(run)) {
        run_unask(run);
        return RUN_WORKS;
    }
    if (!scheduler_withdraw(run->host->scheduler, &run->work)) {
        return RUN_WORKS;
    }
    run->spent.queue += run_lap(run); /* it waited until now */
    return run_resume(run);
}

void run_abandon(struct run *run) {
    if (run->is_working) {
        atomic_store_explicit(&run->call.cancel, true, memory_order_relaxed);
        outlet_leave(run->outlet);
        struct mailbox *mailbox = run->mailbox;
        bool is_asking = run_is_asking(run);
        if (is_asking) {
            run_unask(run);
        }
        if (is_asking || !scheduler_withdraw(run->host->scheduler, &run->work)) {
            if (atomic_exchange(&run->fate, RUN_ABANDONED) == RUN_OUT) {
                mailbox->awaited--; /* a lane has it, or whoever is asked, and frees it */
            }
            return; /* otherwise it lies in the mailbox, or is about to */
        }
        mailbox->awaited--;
    }
    close_run(run);
    run_block_put_by(run);
}

void run_add_turn(const struct run *run, struct times *times) {
    if (run->is_asking) {
        return; /* no lane has to do with it */
    }
    uint64_t turn_ns = atomic_load_explicit(&run->live.turn_ns, memory_order_acquire);
    uint64_t kernel_ns = atomic_load_explicit(&run->live.computing_ns, memory_order_acquire);
    uint64_t now_ns = clock_now_ns(); /* after both */
    uint64_t arrived_ns = turn_ns > 0 ? turn_ns : now_ns;
    uint64_t computing_ns = kernel_ns == 0 ? now_ns : kernel_ns > arrived_ns ? kernel_ns : arrived_ns;
    times->queue += arrived_ns - run->handed_ns;
    times->decode += computing_ns - arrived_ns;
    times->compute += now_ns - computing_ns;
}

struct run *run_of_link(struct mailbox_link *link) {
    struct run *run = (struct run *)((char *)link - offsetof(struct run, link));
    if (atomic_load(&run->fate) != RUN_ABANDONED) {
        return run;
    }
    run->mailbox->awaited--;
    run_free(run);
    return NULL;
}

void run_refuse(struct run *run) {
    (void)run_conclude(run);
}

/* --- with the scheduler ------------------------------------------------------------------------------------------ */

enum problem_kind run_announce(struct run *run) {
    run->announcement.class = run->order.class;
    run->announcement.principal = run->order.principal;
    struct shortage shortage;
    run->is_announced = scheduler_has_place(run->host->scheduler, &run->announcement, &shortage);
    return run->is_announced ? PROBLEM_NONE : run_refuse_overload(run, &shortage);
}

/* --- stages of a whole body -------------------------------------------------------------------------------------- */

static void want_team(struct run *run, unsigned threads) {
    run->stage = RUN_COMPUTE;
    run->work.threads = threads;
}

/* The deadline that stands in the body is known only now. */
static void run_refuse_late(struct run *run) {
    if (!run->call.problem.kind && run->lap.clock_ns > run_late_ns(run, run->times.received)) {
        run_explain(run, PROBLEM_DEADLINE_EXCEEDED);
    }
}

/* Must the owner see what was decoded before the computing may begin? Where a deadline stands in the body, it has to
 * note that. */
static bool needs_owner(const struct run *run) {
    const struct demand *demand = &run->call.demand;
    return run->call.problem.kind || run_is_cancelled(run) || run->order.endpoint->ask ||
           (demand->timeout_ns != 0 && !run_is_tiny(run, demand->cost_ns));
}

/* From decoding to computing without the owner: at once where this thread is all it takes, else when the team is there.
 */
static void run_go_on(struct run *run) {
    unsigned threads = run_team_size(run);
    want_team(run, threads);
    if (threads > 1 || run->call.demand.cores) {
        run->work.again = true;
        return;
    }
    run_grant_one(run);
    run_compute(run);
    run_fold_alone(run);
}

static void run_stage_on_lane(struct work *work, const struct team *team) {
    struct run *run = run_of(work);
    run_arrive(run, team);
    if (run_is_cancelled(run)) {
        return; /* whoever set the flag knows why */
    }
    switch (run->stage) {
    case RUN_DECODE:
        run_decode(run);
        run_refuse_late(run);
        if (!needs_owner(run)) {
            run_go_on(run);
        }
        break;
    case RUN_ASK: /* never on a lane */
        break;
    case RUN_COMPUTE:
        run_compute(run);
        run_fold_alone(run);
        break;
    case RUN_FOLD:
        run_fold(run);
        break;
    }
    run_count_cpu(run);
}

/* Without memory for one the answer comes as a whole, as it does where the asker takes it compressed alone. */
static void open_outlet(struct run *run) {
    bool has_parts = media_has_parts(run->order.reply_media) && !run->order.reply_must_be_coded;
    if (has_parts && run->policy.outlet_bytes > 0 && !run->outlet) {
        run->outlet = outlet_new(run->host, run->mailbox, run, run->policy.outlet_bytes);
        run->call.outlet = run->outlet;
    }
}

static enum run_state submit_stage(struct run *run) {
    open_outlet(run);
    run->work.class = run->order.class;
    run->work.admitted = run->work.run; /* a further stage keeps its place */
    run->work.keeps_place = run->work.admitted;
    run->work.run = run_stage_on_lane;
    return run_submit(run);
}

/* Decoded on the owner's thread: compute here too if that is the cheapest, else on a lane. */
static enum run_state choose_team(struct run *run) {
    if (!run_is_tiny(run, run->call.demand.cost_ns)) {
        want_team(run, run_team_size(run));
        return submit_stage(run);
    }
    run_grant_one(run);
    run_compute(run);
    run_fold_alone(run);
    run_count_cpu(run);
    return run_conclude(run);
}

/* Decoded, and on the owner's thread. */
static enum run_state after_decode(struct run *run) {
    if (run->call.problem.kind) {
        return run_conclude(run);
    }
    if (run->order.endpoint->ask) {
        open_outlet(run);
        if (run_ask(run)) {
            return RUN_WORKS;
        }
        if (run->call.problem.kind) {
            return run_conclude(run);
        }
    }
    return choose_team(run);
}

/* A block so short is handled on any thread; a longer one may be written to a disk. */
enum { BLIND_BYTES_MAX = 64 * 1024 };

/* How many bytes decoding has to look at, at the speed of a parser. Of what envelope_split has located these are none
 * of a text's; an array's commas are counted, 32 times as fast. Of what is deferred it looks for names. */
static size_t bytes_to_decode(const struct run *run) {
    if (run->order.body_media == MEDIA_NPY && !run->order.endpoint->is_blind) {
        return 0; /* the arrays' heads */
    }
    size_t bytes = run->call.body.length;
    if (run->order.endpoint->is_blind && !run->order.deferred && bytes <= BLIND_BYTES_MAX) {
        return 0;
    }
    for (size_t i = 0; i < run->call.envelope.span_count; i++) {
        const struct envelope_span *span = envelope_span_at(&run->call.envelope, i);
        size_t length = span->inside.end - span->inside.begin;
        bytes -= span->field->kind == ENVELOPE_TEXT      ? length
                 : span->field->kind == ENVELOPE_MEMBERS ? 0
                                                         : length - length / 32;
    }
    return bytes;
}

/* Decodes on the owner's thread. False when something is wrong, with JSON so long that to say what may take long: then
 * nothing has happened. */
static bool decode_here(struct run *run) {
    struct call *call = &run->call;
    bool is_glance = run->order.body_media == MEDIA_JSON && call->body.length > run->policy.decode_bytes;
    size_t blocks = call->block_count;
    call->envelope.is_glance = is_glance;
    run_decode(run);
    call->envelope.is_glance = false;
    run_count_cpu(run);
    if (call->problem.kind && is_glance) {
        call_restart(call, blocks);
        return false;
    }
    return true;
}

static enum run_state start_whole(struct run *run) {
    size_t limit = run->policy.decode_bytes;
    if (run_body_complete(run)) {
        return run_conclude(run);
    }
    bool stays_coded = run->order.endpoint->is_blind && !run->order.deferred;
    bool is_coded = run->order.body_coding != CONTENT_IDENTITY && !stays_coded;
    if (limit > 0 && !is_coded && bytes_to_decode(run) <= limit && decode_here(run)) {
        return after_decode(run);
    }
    run->stage = RUN_DECODE;
    run->work.threads = 1;
    return submit_stage(run);
}

/* Of a body that is kept; `state` says what has become of its last piece. */
static enum run_state after_piece(struct run *run, enum run_state state) {
    if (run->windows && run_windows_are_kept(run)) {
        run_windows_close(run);
        run_end_keeping(run);
        return after_decode(run);
    }
    return state == RUN_RECEIVES && !run->keeping ? start_whole(run) : state;
}

enum run_state run_start(struct run *run, const struct run_policy *policy) {
    run_note_received(run);
    if (run->windows && !run->keeping) {
        return run_windows_end(run, policy);
    }
    run->policy = *policy;
    run->lap = (struct run_lap){run->times.received, run->times.received};
    if (run->windows) {
        return after_piece(run, run_windows_end(run, policy));
    }
    if (run->keeping) {
        run->has_ended = true;
        return run->is_working ? RUN_WORKS : after_piece(run, run_body_keep(run));
    }
    return start_whole(run);
}

enum run_state run_resume(struct run *run) {
    run_take_back(run);
    if (run->cut) {
        run_explain(run, run->cut);
    }
    if (run->windows) {
        enum run_state state = run_windows_resume(run);
        return run->keeping ? after_piece(run, state) : state;
    }
    if (run->keeping) {
        return after_piece(run, run_body_keep(run));
    }
    /* What has been to a lane stays with lanes: how long it takes is a prediction, and a wrong one must not hold up the
     * owner. */
    bool is_to_ask = run->order.endpoint->ask && (run->stage == RUN_DECODE || run->stage == RUN_ASK);
    if (!run->call.problem.kind && is_to_ask) {
        run_block_rise(run);
        return after_decode(run);
    }
    if (!run->call.problem.kind && run->stage == RUN_DECODE) {
        want_team(run, run_team_size(run));
        return submit_stage(run);
    }
    return run_conclude(run);
}

/* --- information ------------------------------------------------------------------------------------------------- */

void run_inform(struct run *run, struct memory *memory) {
    struct call *call = &run->call;
    json_writer_init(&call->reply, memory, INFORMATION_BYTES_MAX);
    enum problem_kind found = run->order.endpoint->answer(call);
    if (!found && text_failed(&call->reply.text)) {
        problem_set(&call->problem, PROBLEM_INTERNAL, NULL, "the answer has more than %d bytes", INFORMATION_BYTES_MAX);
    }
    (void)run_conclude(run);
}
