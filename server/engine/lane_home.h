#pragma once
/* Internal to server/engine. Where a team lives that is as wide as the process has cores: a core for each thread, as
 * long as nobody else wants them.
 *
 * Linux may let the threads of such a team take turns on one core for seconds while another is idle: on virtual
 * machines it takes a core that sleeps for one that isn't there. So each is pinned to a core. Where other programs, or
 * the service's own loops under load, use these cores too, a pinned thread would wait for its core while another is
 * free. The kernel tells how long threads have been waiting (schedstat): when that is more than a little, the team may
 * run anywhere for a while, each time it comes to that for twice as long. Where the kernel doesn't tell, teams have no
 * home, and neither have narrower ones, which find a free core more easily.
 *
 * A word count of 858 kB in JSON by two threads on two cores: 0.30 ms; unpinned 0.36, and 0.6 on one core.
 *
 * Everything here is called by the team's first thread, but for lane_home_enter. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane_home {
    uint16_t *cores;  /* by thread */
    int *stats;       /* descriptors of the threads' schedstat */
    unsigned threads; /* 0: there is no home */
    bool is_left;
    unsigned waits_in_row; /* watched jobs whose threads waited */
    unsigned leaves;       /* in a row */
    uint64_t since_ns;     /* it is at home, or has left */
    uint64_t next_check_ns;
    bool is_watched;    /* the job: */
    uint64_t begun_ns;  /* clock and … */
    uint64_t waited_ns; /* … the team's waiting time when it began */
};

/* Finds the cores. `threads` 1 needs no home. */
void lane_home_init(struct lane_home *home, unsigned threads);
void lane_home_deinit(struct lane_home *home);

/* Each thread of the team, by its number; then its first one. There is no home if the kernel doesn't tell enough. */
void lane_home_enter(struct lane_home *home, unsigned thread);
void lane_home_check(struct lane_home *home);

/* A job of a team that is where it lives begins, and ends. True when the team has to move then: home->is_left says
 * where to. */
void lane_home_begin_job(struct lane_home *home);
bool lane_home_end_job(struct lane_home *home);
