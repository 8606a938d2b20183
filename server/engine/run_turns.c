#include "server/engine/run_turns.h"

#include "server/engine/mailbox.h"
#include "server/engine/run_steps.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <stddef.h>

struct run *run_of(struct work *work) {
    return (struct run *)((char *)work - offsetof(struct run, work));
}

uint64_t run_timeout_ns(const struct run *run) {
    uint64_t own = run->call.demand.timeout_ns;
    return own != 0 ? own : run->order.class == WORK_JOB ? UINT64_MAX : run->host->facts->config.timeout_ns;
}

uint64_t run_late_ns(const struct run *run, uint64_t from_ns) {
    return run->order.class == WORK_JOB ? UINT64_MAX : from_ns + run_timeout_ns(run);
}

void run_explain(struct run *run, enum problem_kind why) {
    struct problem *problem = &run->call.problem;
    *problem = (struct problem){0};
    if (why == PROBLEM_DEADLINE_EXCEEDED) {
        problem_set(problem, why, NULL, "the result was not ready within %llu ms",
                    (unsigned long long)(run_timeout_ns(run) / NS_PER_MS));
    } else if (why == PROBLEM_REQUEST_TIMEOUT) {
        problem_set(problem, why, NULL, "the request did not arrive in time");
    } else {
        problem_set(problem, why, NULL, "the work was stopped");
    }
}

enum problem_kind run_refuse_overload(struct run *run, const struct shortage *shortage) {
    return shortage_refuse(shortage, run->host->facts->config.queue_length, &run->call.problem);
}

void run_unannounce(struct run *run) {
    if (run->is_announced) {
        run->is_announced = false;
        scheduler_unannounce(run->host->scheduler, &run->announcement);
    }
}

static void settle_spent(struct run *run) {
    times_add(&run->times, &run->spent);
    run->spent = (struct times){0};
}

void run_hand_over(struct run *run) {
    settle_spent(run);
    run->handed_ns = run->lap.clock_ns;
    atomic_store_explicit(&run->live.turn_ns, 0, memory_order_relaxed);
    atomic_store(&run->fate, RUN_OUT);
    run->is_working = true;
    run->mailbox->awaited++;
}

void run_report(struct run *run) {
    if (atomic_exchange(&run->fate, RUN_REPORTED) == RUN_ABANDONED) {
        run_free(run);
    } else {
        mailbox_post(run->mailbox, &run->link);
    }
}

enum run_state run_submit(struct run *run) {
    struct work *work = &run->work;
    work->demand = &run->call.demand;
    work->principal = run->order.principal;
    run->lap.clock_ns = clock_now_ns();
    run->deadline_ns = run_late_ns(run, run->windows ? run->lap.clock_ns : run->times.received);
    run->limit_ns = run_timeout_ns(run);
    work->admitted |= run->order.class == WORK_JOB; /* whoever runs jobs bounds their number */
    run_hand_over(run);
    run_unannounce(run);
    struct shortage shortage;
    if (scheduler_submit(run->host->scheduler, work, &shortage)) {
        return RUN_WORKS;
    }
    run->is_working = false;
    run->mailbox->awaited--;
    run_refuse_overload(run, &shortage);
    return run_conclude(run);
}

/* From the body's last byte on the owner waits for nothing else: what is in no other phase is the way back. Before that
 * it has other things to do, and all of the time is the receiving's. */
static void count_way_back(struct run *run) {
    if (run->times.received == 0) {
        return;
    }
    if (run->lap.clock_ns < run->times.received) {
        run->lap.clock_ns = run->times.received;
    }
    run->spent.queue += run_lap(run);
}

void run_take_back(struct run *run) {
    run->is_working = false;
    run->is_asking = false;
    run->mailbox->awaited--;
    count_way_back(run);
    run->lap.cpu_ns = run->lap.clock_ns;
    run->on_lane = false;
    settle_spent(run);
}

enum run_state run_conclude(struct run *run) {
    struct call *call = &run->call;
    run_unannounce(run);
    settle_spent(run);
    run->answer.threads = run->threads;
    if (call->problem.kind || !answer_result(&run->answer, call, &run->coded, run->order.reply_coding)) {
        answer_problem(&run->answer, &call->problem, run->order.id);
    }
    enum problem_kind kind = call->problem.kind;
    if (kind == PROBLEM_RANGE_NOT_SATISFIABLE || kind == PROBLEM_RESULT_NOT_READY) {
        answer_add_fields(&run->answer, call); /* they say what would be, or when (RFC 9110, 15.5.17 and 10.2.3) */
    }
    return RUN_DONE;
}
