#include "server/engine/run_ask.h"

#include "server/engine/endpoint.h"
#include "server/engine/run_block.h"
#include "server/engine/run_steps.h"
#include "server/engine/run_turns.h"
#include "server/system/clock.h"

#include <stddef.h>

bool run_ask(struct run *run) {
    run->stage = RUN_ASK;
    run->is_asking = true;
    run->lap.clock_ns = clock_now_ns();
    run->deadline_ns = run_late_ns(run, run->times.received);
    run->limit_ns = run_timeout_ns(run);
    run_block_rest(run);
    run_hand_over(run); /* first: the answer may be there before ask returns */
    if (run->order.endpoint->ask(&run->call)) {
        return true;
    }
    run_take_back(run);
    run_block_rise(run);
    return false;
}

bool run_keep_piece(struct run *run, const char *bytes, size_t length, bool last) {
    uint64_t since_ns = run_lap(run);
    run->spent.queue += run->times.received != 0 ? since_ns : 0; /* else it is in `receive` */
    run->is_asking = true;
    run->deadline_ns = run_late_ns(run, run->lap.clock_ns);
    run_hand_over(run);
    if (run->order.endpoint->keep(&run->call, bytes, length, last)) {
        return true;
    }
    run_take_back(run);
    return false;
}

void run_end_keeping(struct run *run) {
    run->keeping = KEEP_NOTHING;
    run->spent.queue += run_lap(run);
    run->lap.cpu_ns = run->lap.clock_ns;
}

bool run_is_asking(const struct run *run) {
    return run->is_asking;
}

void run_unask(struct run *run) {
    void (*unask)(struct call *call) = run->order.endpoint->unask;
    if (unask) {
        unask(&run->call);
    }
}

void call_wake(struct call *call) {
    run_report((struct run *)(void *)((char *)call - offsetof(struct run, call)));
}
