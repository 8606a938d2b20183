#include "server/engine/run_steps.h"

#include "server/engine/coding.h"
#include "server/engine/endpoint.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

bool run_is_cancelled(const struct run *run) {
    return atomic_load_explicit(&run->call.cancel, memory_order_relaxed);
}

uint64_t run_lap(struct run *run) {
    uint64_t before = run->lap.clock_ns;
    run->lap.clock_ns = clock_now_ns();
    return run->lap.clock_ns - before;
}

void run_count_cpu(struct run *run) {
    uint64_t now = run->on_lane ? clock_thread_cpu_ns() : run->lap.clock_ns;
    run->spent.cpu += now - run->lap.cpu_ns + atomic_exchange_explicit(&run->call.cpu_ns, 0, memory_order_relaxed);
    run->lap.cpu_ns = now;
}

bool run_is_tiny(const struct run *run, uint64_t cost_ns) {
    const struct demand *demand = &run->call.demand;
    return cost_ns < run->policy.compute_ns && !demand->cores && !demand->leaves_owner;
}

unsigned run_team_size(const struct run *run) {
    const struct demand *demand = &run->call.demand;
    unsigned budget = run->host->facts->cores.count;
    if (run_is_tiny(run, demand->cost_ns)) {
        return 1;
    }
    uint64_t wanted = demand->threads;
    if (wanted == 0) {
        wanted = demand->cost_ns / RUN_AUTO_NS_PER_THREAD;
        if (demand->tasks != 0 && wanted > demand->tasks) {
            wanted = demand->tasks;
        }
    }
    return wanted < 1 ? 1 : wanted > budget ? budget : (unsigned)wanted;
}

static enum answer_reason reason_of(const struct run *run) {
    const struct demand *demand = &run->call.demand;
    if (demand->threads == 0 || demand->threads == run->threads.granted) {
        return ANSWER_AS_ASKED;
    }
    if (run_is_tiny(run, demand->cost_ns)) {
        return ANSWER_SMALL_WORK;
    }
    static const enum answer_reason of_scheduler[] = {
        [WORK_AS_ASKED] = ANSWER_CORE_BUDGET,    [WORK_LANE_STARTING] = ANSWER_TEAM_STARTING,
        [WORK_NO_THREADS] = ANSWER_NO_THREADS,   [WORK_SIZE_ROUNDED] = ANSWER_TEAM_SIZES,
        [WORK_BESIDE_JOBS] = ANSWER_BESIDE_JOBS,
    };
    return of_scheduler[run->work.narrowing];
}

void run_grant(struct run *run, const struct team *team) {
    run->call.team = team;
    run->threads.requested = run->call.demand.threads;
    run->threads.granted = team->threads;
    run->threads.reason = reason_of(run);
    run->threads.core_budget = run->host->facts->cores.count;
    atomic_store_explicit(&run->live.granted, team->threads, memory_order_relaxed);
}

void run_grant_one(struct run *run) {
    const struct demand *demand = &run->call.demand;
    run->small_team = (struct team){.threads = 1, .schedule = demand->schedule, .chunk = demand->chunk};
    run_grant(run, &run->small_team);
}

/* The first time counts. */
static void note(atomic_uint_fast64_t *first_ns, uint64_t now_ns) {
    if (atomic_load_explicit(first_ns, memory_order_relaxed) == 0) {
        atomic_store_explicit(first_ns, now_ns, memory_order_release);
    }
}

void run_arrive(struct run *run, const struct team *team) {
    run->spent.queue += run_lap(run);
    note(&run->live.turn_ns, run->lap.clock_ns);
    run->lap.cpu_ns = clock_thread_cpu_ns();
    run->on_lane = true;
    if (!run->is_encoded) { /* what the answer says of its threads stays */
        run_grant(run, team);
    }
}

/* --- what every result ends with --------------------------------------------------------------------------------- */

/* Prints "threads" and "timing" behind what the handler has printed. */
static void finish_reply(struct run *run) {
    struct json_writer *reply = &run->call.reply;
    struct times times = run->times;
    times_add(&times, &run->spent);
    times.total = run->lap.clock_ns - times.opened;
    json_key(reply, "threads");
    json_begin_object(reply);
    answer_write_threads(reply, &run->threads);
    json_end_object(reply);
    json_key(reply, "timing");
    json_begin_object(reply);
    times_write(reply, &times);
    json_end_object(reply);
    json_end_object(reply);
}

/* --- the steps --------------------------------------------------------------------------------------------------- */

void run_decode(struct run *run) {
    bool is_plain = run->order.body_coding == CONTENT_IDENTITY || run->order.endpoint->is_blind ||
                    !coding_unfold(&run->call, run->host->facts->config.max_body_bytes);
    if (is_plain && !run_is_cancelled(run)) {
        run->order.endpoint->decode(&run->call);
    }
    run->spent.decode += run_lap(run);
}

void run_note_begun(struct run *run) {
    note(&run->live.begun_ns, run->lap.clock_ns);
}

void run_note_computing(struct run *run) {
    note(&run->live.computing_ns, run->lap.clock_ns);
}

void run_compute(struct run *run) {
    const struct endpoint *endpoint = run->order.endpoint;
    struct call *call = &run->call;
    run_note_begun(run);
    if (endpoint->load) {
        enum problem_kind refused = endpoint->load(call);
        run->spent.decode += run_lap(run);
        if (refused || run_is_cancelled(run)) {
            return;
        }
    }
    run_note_computing(run);
    enum problem_kind found = endpoint->compute(call);
    (void)found; /* it is the call's */
    run->spent.compute += run_lap(run);
    run_encode(run);
}

void run_encode(struct run *run) {
    struct call *call = &run->call;
    if (call->problem.kind || run_is_cancelled(run)) {
        return;
    }
    bool has_no_body = call->status == 204 || call->status == 304;
    bool is_object = call_answer_media(call) == MEDIA_JSON || call_answer_media(call) == MEDIA_NDJSON;
    bool is_json = is_object && !run->order.endpoint->writes_all && !has_no_body;
    if (is_json) {
        json_begin_object(&call->reply);
    }
    enum problem_kind found = run->order.endpoint->encode(call);
    run->spent.encode += run_lap(run);
    run_count_cpu(run);
    if (!found && call->store.name.bytes && call->status == 0 && !run_is_cancelled(run)) {
        found = problem_set(&call->problem, PROBLEM_INTERNAL, "/store", "the result was not kept");
    }
    if (found || run_is_cancelled(run)) {
        return;
    }
    if (is_json) {
        finish_reply(run);
        text_put(&call->reply.text, "\n", call_answer_media(call) == MEDIA_NDJSON);
    }
    if (text_failed(&call->reply.text)) {
        call_memory_short(call, call->reply.text.refused_bytes);
    } else {
        run->is_encoded = true;
    }
    run->spent.encode += run_lap(run);
}

void run_fold(struct run *run) {
    if (run->is_encoded && coding_is_due(&run->call)) {
        coding_fold(&run->call, &run->coded);
        run->spent.encode += run_lap(run);
    }
}

void run_fold_alone(struct run *run) {
    if (run->call.team->threads == 1 || !run->is_encoded || !coding_is_due(&run->call)) {
        run_fold(run);
        return;
    }
    run->stage = RUN_FOLD;
    run->work.threads = 1;
    run->work.again = true;
}
