#pragma once
/* Internal to server/engine. A lane: one compute thread with an OpenMP team whose size never changes.
 *
 * libgomp keeps a pool of threads per master thread; it ends and re-creates threads whenever a team's size changes, and
 * ends the process when it can't create one. So each lane keeps one size for life, and its team is started with it.
 * A lane of one thread never enters OpenMP. A lane is given one job at a time and sleeps between jobs. */
#include "server/engine/demand.h"
#include "server/engine/ring.h"

#include <stdbool.h>

struct lane;

/* What a pool that keeps lanes needs of each; untouched by the lane itself. */
struct lane_berth {
    struct lane *lane;
    struct ring by_age;
    struct ring by_size;
};

/* Runs a job on the lane's thread. May hand the lane out again before it returns: a job given meanwhile is next. */
typedef void lane_serve(void *context, struct lane *lane, void *job);

/* Starts a lane of `threads` >= 1, which may run wherever the process's main thread may, whatever the caller is pinned
 * to. NULL when the system refuses a thread. */
struct lane *lane_new(unsigned threads, lane_serve *serve, void *context);
/* Ends the lane after the job it may still be finishing; waits for its thread. Not from the lane's own thread. */
void lane_free(struct lane *lane);

unsigned lane_threads(const struct lane *lane);
struct lane_berth *lane_berth(struct lane *lane);

/* Gives the lane its next job. Any thread; at most one job may be waiting, and the lane isn't freed meanwhile. */
void lane_give(struct lane *lane, void *job);

/* From the lane's own thread, around what a job does with the team: sets it up as `demand` asks (schedule, chunk and
 * cores; NULL: as {0}) and returns it, the lane's own, valid until lane_end_work. Pins thread i to cores[i % count];
 * with no cores all threads go where the team lives (lane_home.h): a team as wide as the process has cores to one each,
 * a narrower one anywhere. */
const struct team *lane_begin_work(struct lane *lane, const struct demand *demand);
void lane_end_work(struct lane *lane);
