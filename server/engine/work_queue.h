#pragma once
/* Internal to server/engine. The works that wait, and whose turn it is. Not thread-safe: the scheduler calls it under
 * its lock.
 *
 * Classes take turns: of seven starts four are interactive, two are stream windows and one is a job; a class with
 * nothing that can start leaves its turn to the next. Within a class each principal has a line of its own, and each
 * line one start a round; who comes during a round takes part in it unless he had his start. So a line of any length
 * delays others by one start a round, and nobody waits for more than the others' one each. Within a line it is first
 * in, first out with backfill: what fits may pass what doesn't. What keeps its place (a further stage) comes before all
 * lines of its class: there can't be more of these than were started.
 *
 * A wide work, of more than one thread, would wait for ever while narrow ones come: cores seldom become free together.
 * So the first wide one of each line may claim cores, whatever its turn: once WORK_QUEUE_PASSES_PER_CORE x budget works
 * were started since it came (or since its line's last wide one started), or after WORK_QUEUE_WAIT_NS. Nothing starts
 * then until it can. After each claim as many starts are everybody else's before the next one: wide works can't starve
 * narrow ones either.
 *
 * All operations take constant time, but for the few works that are looked at for backfill. */
#include "server/engine/work.h"

enum {
    /* A core's worth of starts is about the time of one piece of work, so a wide one waits for four pieces and for the
     * end of what runs then; cores idle while they are kept, half a piece each, at most every four pieces. */
    WORK_QUEUE_PASSES_PER_CORE = 4,
    /* How many lines of a class, and wide works of a line, are looked at for one that fits. What is beyond waits until
     * one of these has started, which the claims make certain. */
    WORK_QUEUE_LINES_SEEN = 32,
    WORK_QUEUE_WIDES_SEEN = 4
};
/* Where pieces are long, a wide work need not wait for four of them: what a person notices. */
#define WORK_QUEUE_WAIT_NS UINT64_C(250000000)

struct work_queue;

/* What may start now. */
struct work_room {
    unsigned free;                /* cores */
    unsigned most[WORK_CLASSES];  /* a work of the class starts with no more threads, however many it wants */
    unsigned limit[WORK_CLASSES]; /* cores the class could have if all were free that it may wait for */
};

/* `wait_ns`: after how long a wide work claims cores, WORK_QUEUE_WAIT_NS but in tests. NULL when there is no memory. */
struct work_queue *work_queue_new(unsigned core_budget, unsigned queue_limit, uint64_t wait_ns);
/* Must be empty. */
void work_queue_free(struct work_queue *queue);

/* work->size is set. `keeps_place`: it was here before. */
void work_queue_add(struct work_queue *queue, struct work *work, bool keeps_place);
void work_queue_remove(struct work_queue *queue, struct work *work);
/* The next one to start, removed; NULL: none now. */
struct work *work_queue_pick(struct work_queue *queue, const struct work_room *room);

/* How many wait in all, of a class, and of a principal in a class. */
unsigned work_queue_length(const struct work_queue *queue);
unsigned work_queue_class_length(const struct work_queue *queue, enum work_class class);
/* Since when the one of a class waits that came first, by clock_now_ns; UINT64_MAX: none does. */
uint64_t work_queue_oldest_ns(const struct work_queue *queue, enum work_class class);
unsigned work_queue_line_length(const struct work_queue *queue, enum work_class class, uint64_t principal);
