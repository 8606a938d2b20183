/* A line lives in one of its works (work->line): whoever has a place in the queue brings the memory for a line, so that
 * queueing never allocates. When that work leaves, the line moves into another. It is found by a table of buckets; a
 * bucket also knows whose lines had the last starts, since lines don't outlive their works. (Where more than
 * STARTS_KNOWN principals meet in a bucket in one round, one of them that comes back at once may start again in it.) */
#include "server/engine/work_queue.h"

#include "server/system/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

enum { BUCKETS_LEAST = 256, BUCKETS_MOST = 65536, STARTS_KNOWN = 4 };

/* A principal's, in a round of a class: round_of. */
struct start {
    uint64_t principal, round;
};

struct bucket {
    struct ring lines;
    struct start starts[STARTS_KNOWN];
};

struct class_queue {
    unsigned length;
    struct work_line kept; /* what keeps its place, whosever it is */
    struct ring now;       /* lines that may still have a start in this round … */
    struct ring next;      /* … and those that had it */
    struct ring wides;     /* lines with wide works, who claims first in front */
    struct ring arrivals;  /* all works */
    uint64_t round;
};

struct work_queue {
    unsigned length;
    struct class_queue classes[WORK_CLASSES];
    size_t turn; /* in class_turns */
    uint64_t next_order;
    uint64_t starts;
    uint64_t passes_max;
    uint64_t wait_ns;
    uint64_t next_claim; /* not before so many starts */
    uint64_t multiplier; /* of the hash: random, so that nobody can choose principals that meet in a bucket */
    unsigned hash_shift;
    size_t bucket_count;
    struct bucket *buckets;
};

static const enum work_class class_turns[] = {
    WORK_INTERACTIVE, WORK_STREAM, WORK_INTERACTIVE, WORK_JOB, WORK_INTERACTIVE, WORK_STREAM, WORK_INTERACTIVE,
};
enum { TURNS = sizeof class_turns / sizeof class_turns[0] };

static void line_init(struct work_line *line, enum work_class class, uint64_t principal) {
    line->class = class;
    line->principal = principal;
    line->length = 0;
    ring_init(&line->ones);
    ring_init(&line->wides);
}

struct work_queue *work_queue_new(unsigned core_budget, unsigned queue_limit, uint64_t wait_ns) {
    struct work_queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        return NULL;
    }
    unsigned bits = 8;
    queue->bucket_count = BUCKETS_LEAST;
    while (queue->bucket_count < queue_limit && queue->bucket_count < BUCKETS_MOST) {
        queue->bucket_count *= 2;
        bits++;
    }
    queue->buckets = calloc(queue->bucket_count, sizeof *queue->buckets);
    if (!queue->buckets) {
        free(queue);
        return NULL;
    }
    for (size_t i = 0; i < queue->bucket_count; i++) {
        ring_init(&queue->buckets[i].lines);
    }
    for (size_t kind = 0; kind < WORK_CLASSES; kind++) {
        struct class_queue *own = &queue->classes[kind];
        line_init(&own->kept, (enum work_class)kind, 0);
        ring_init(&own->now);
        ring_init(&own->next);
        ring_init(&own->wides);
        ring_init(&own->arrivals);
        own->round = 1;
    }
    queue->passes_max = (uint64_t)core_budget * WORK_QUEUE_PASSES_PER_CORE;
    queue->wait_ns = wait_ns;
    queue->hash_shift = 64 - bits;
    if (getrandom(&queue->multiplier, sizeof queue->multiplier, GRND_NONBLOCK) != sizeof queue->multiplier) {
        queue->multiplier = clock_now_ns();
    }
    queue->multiplier |= 1;
    return queue;
}

void work_queue_free(struct work_queue *queue) {
    if (queue) {
        free(queue->buckets);
        free(queue);
    }
}

static struct bucket *bucket_of(const struct work_queue *queue, enum work_class class, uint64_t principal) {
    uint64_t key = principal * WORK_CLASSES + class;
    return &queue->buckets[key * queue->multiplier >> queue->hash_shift];
}

static struct work_line *find_line(const struct bucket *bucket, enum work_class class, uint64_t principal) {
    for (struct ring *node = bucket->lines.next; node != &bucket->lines; node = node->next) {
        struct work_line *line = RING_OWNER(node, struct work_line, chain);
        if (line->principal == principal && line->class == class) {
            return line;
        }
    }
    return NULL;
}

static struct work_line *line_of(struct work_queue *queue, const struct work *work) {
    if (work->is_kept) {
        return &queue->classes[work->class].kept;
    }
    return find_line(bucket_of(queue, work->class, work->principal), work->class, work->principal);
}

/* Rounds of all classes, none of which is 0. */
static uint64_t round_of(const struct work_queue *queue, enum work_class class) {
    return queue->classes[class].round * WORK_CLASSES + class;
}

static bool had_start(const struct bucket *bucket, struct start start) {
    for (size_t i = 0; i < STARTS_KNOWN; i++) {
        if (bucket->starts[i].principal == start.principal && bucket->starts[i].round == start.round) {
            return true;
        }
    }
    return false;
}

/* In the place of one of an earlier round, as far as there is one. */
static void note_start(const struct work_queue *queue, struct bucket *bucket, struct start start) {
    size_t place = 0;
    while (place < STARTS_KNOWN - 1 &&
           bucket->starts[place].round ==
               round_of(queue, (enum work_class)(bucket->starts[place].round % WORK_CLASSES))) {
        place++;
    }
    if (!had_start(bucket, start)) {
        bucket->starts[place] = start;
    }
}

static struct work_line *new_line(struct work_queue *queue, struct work *work) {
    struct class_queue *own = &queue->classes[work->class];
    struct bucket *bucket = bucket_of(queue, work->class, work->principal);
    struct work_line *line = &work->line;
    line_init(line, work->class, work->principal);
    ring_insert(&bucket->lines, &line->chain);
    bool had_it = had_start(bucket, (struct start){work->principal, round_of(queue, work->class)});
    ring_insert(had_it ? &own->next : &own->now, &line->turn);
    return line;
}

static struct work *first_of(const struct ring *works) {
    return ring_is_empty(works) ? NULL : RING_OWNER(works->next, struct work, place);
}

/* From now on it waits. */
static void stamp(const struct work_queue *queue, struct work *work, uint64_t now_ns) {
    work->starts_before = queue->starts;
    work->since_ns = now_ns;
}

void work_queue_add(struct work_queue *queue, struct work *work, bool keeps_place) {
    assert(queue && work); /* a kept work's line is a part of the queue: never NULL */
    work->is_kept = keeps_place;
    work->arrived_ns = clock_now_ns();
    ring_insert(&queue->classes[work->class].arrivals, &work->arrival);
    if (!keeps_place) {
        work->order = queue->next_order++;
    }
    struct work_line *line = line_of(queue, work);
    if (!line) {
        line = new_line(queue, work);
    }
    struct ring *works = work->size == 1 ? &line->ones : &line->wides;
    if (work->size > 1) {
        stamp(queue, work, work->arrived_ns);
        if (ring_is_empty(works)) {
            ring_insert(&queue->classes[work->class].wides, &line->wide_turn);
        }
    }
    struct ring *place = works; /* only what keeps its place isn't last */
    while (place->previous != works && RING_OWNER(place->previous, struct work, place)->order > work->order) {
        place = place->previous;
    }
    ring_insert(place, &work->place);
    line->length++;
    queue->classes[work->class].length++;
    queue->length++;
}

/* Out of the work that it lived in, into one that stays. */
static void move_line(struct work_line *from) {
    struct work *host = first_of(ring_is_empty(&from->ones) ? &from->wides : &from->ones);
    struct work_line *to = &host->line;
    *to = *from;
    ring_move(&from->ones, &to->ones);
    ring_move(&from->wides, &to->wides);
    ring_move(&from->turn, &to->turn);
    ring_move(&from->chain, &to->chain);
    if (!ring_is_empty(&to->wides)) {
        ring_move(&from->wide_turn, &to->wide_turn);
    }
}

/* A line's next wide work claims after those of other lines, also when the first one was withdrawn: else a line whose
 * works keep being withdrawn would stand before the others for ever. */
static void queue_leave(struct work_queue *queue, struct work_line *line, struct work *work) {
    struct class_queue *own = &queue->classes[work->class];
    bool leads = work == first_of(&line->wides);
    ring_remove(&work->place);
    ring_remove(&work->arrival);
    line->length--;
    own->length--;
    queue->length--;
    if (leads) {
        ring_remove(&line->wide_turn);
        if (!ring_is_empty(&line->wides)) {
            ring_insert(&own->wides, &line->wide_turn);
        }
    }
    if (line == &own->kept) {
        return;
    }
    if (line->length == 0) {
        ring_remove(&line->turn);
        ring_remove(&line->chain);
    } else if (line == &work->line) {
        move_line(line);
    }
}

void work_queue_remove(struct work_queue *queue, struct work *work) {
    queue_leave(queue, line_of(queue, work), work);
}

/* It has its line's turn: the line's next one is in the next round, and its next wide one waits from now on. */
static struct work *queue_take(struct work_queue *queue, struct work_line *line, struct work *work) {
    struct class_queue *own = &queue->classes[work->class];
    queue->starts++;
    if (!work->is_kept) {
        note_start(queue, bucket_of(queue, work->class, work->principal),
                   (struct start){work->principal, round_of(queue, work->class)});
        ring_remove(&line->turn);
        ring_insert(&own->next, &line->turn);
    }
    if (work == first_of(&line->wides) && work->place.next != &line->wides) {
        stamp(queue, RING_OWNER(work->place.next, struct work, place), clock_now_ns());
    }
    queue_leave(queue, line, work);
    return work;
}

/* --- whose turn it is -------------------------------------------------------------------------------------------- */

static unsigned queue_least(unsigned left, unsigned right) {
    return left < right ? left : right;
}

static bool queue_fits(const struct work *work, const struct work_room *room, unsigned cores) {
    return queue_least(work->size, room->most[work->class]) <= queue_least(cores, room->limit[work->class]);
}

/* The first one of the line that fits; there is a core that it may have. */
static struct work *first_fitting(const struct work_line *line, const struct work_room *room) {
    struct work *one = first_of(&line->ones);
    struct work *wide = first_of(&line->wides);
    if (one && (!wide || one->order < wide->order || !queue_fits(wide, room, room->free))) {
        return one;
    }
    const struct ring *node = line->wides.next;
    for (unsigned i = 0; i < WORK_QUEUE_WIDES_SEEN && node != &line->wides; i++, node = node->next) {
        struct work *work = RING_OWNER(node, struct work, place);
        if (queue_fits(work, room, room->free)) {
            return work;
        }
    }
    return NULL;
}

static struct work *take_of_line(struct work_queue *queue, struct work_line *line, const struct work_room *room) {
    struct work *work = first_fitting(line, room);
    return work ? queue_take(queue, line, work) : NULL;
}

static struct work *take_of_lines(struct work_queue *queue, const struct ring *lines, const struct work_room *room) {
    const struct ring *node = lines->next;
    for (unsigned i = 0; i < WORK_QUEUE_LINES_SEEN && node != lines; i++, node = node->next) {
        struct work *work = take_of_line(queue, RING_OWNER(node, struct work_line, turn), room);
        if (work) {
            return work;
        }
    }
    return NULL;
}

static struct work *take_of_class(struct work_queue *queue, enum work_class class, const struct work_room *room) {
    struct class_queue *own = &queue->classes[class];
    if (own->length == 0 || queue_least(room->free, room->limit[class]) == 0) {
        return NULL;
    }
    struct work *work = take_of_line(queue, &own->kept, room);
    if (work) {
        return work;
    }
    if (ring_is_empty(&own->now) && !ring_is_empty(&own->next)) {
        own->round++;
        ring_move(&own->next, &own->now);
        ring_init(&own->next);
    }
    work = take_of_lines(queue, &own->now, room);
    return work ? work : take_of_lines(queue, &own->next, room);
}

/* Of the classes' foremost wide works the one that has waited longest, if that is long enough. What cores of its class
 * are held by others of it for long (jobs') can't be claimed. */
static struct work *find_claimant(const struct work_queue *queue, const struct work_room *room) {
    if (queue->starts < queue->next_claim) {
        return NULL;
    }
    struct work *oldest = NULL;
    for (size_t kind = 0; kind < WORK_CLASSES; kind++) {
        const struct ring *wides = &queue->classes[kind].wides;
        if (ring_is_empty(wides)) {
            continue;
        }
        struct work *work = first_of(&RING_OWNER(wides->next, struct work_line, wide_turn)->wides);
        if (queue_fits(work, room, room->limit[kind]) && (!oldest || work->since_ns < oldest->since_ns)) {
            oldest = work;
        }
    }
    bool is_due = oldest && (queue->starts - oldest->starts_before >= queue->passes_max ||
                             clock_now_ns() - oldest->since_ns >= queue->wait_ns);
    return is_due ? oldest : NULL;
}

struct work *work_queue_pick(struct work_queue *queue, const struct work_room *room) {
    if (queue->length == 0 || room->free == 0) {
        return NULL;
    }
    struct work *claimant = find_claimant(queue, room);
    if (claimant) {
        if (!queue_fits(claimant, room, room->free)) {
            return NULL;
        }
        queue->next_claim = queue->starts + 1 + queue->passes_max;
        return queue_take(queue, line_of(queue, claimant), claimant);
    }
    for (size_t i = 0; i < TURNS; i++) {
        size_t turn = (queue->turn + i) % TURNS;
        struct work *work = take_of_class(queue, class_turns[turn], room);
        if (work) {
            queue->turn = (turn + 1) % TURNS;
            return work;
        }
    }
    return NULL;
}

unsigned work_queue_length(const struct work_queue *queue) {
    return queue->length;
}

unsigned work_queue_class_length(const struct work_queue *queue, enum work_class class) {
    return queue->classes[class].length;
}

uint64_t work_queue_oldest_ns(const struct work_queue *queue, enum work_class class) {
    const struct ring *arrivals = &queue->classes[class].arrivals;
    return ring_is_empty(arrivals) ? UINT64_MAX : RING_OWNER(arrivals->next, struct work, arrival)->arrived_ns;
}

unsigned work_queue_line_length(const struct work_queue *queue, enum work_class class, uint64_t principal) {
    const struct work_line *line = find_line(bucket_of(queue, class, principal), class, principal);
    return line ? line->length : 0;
}
