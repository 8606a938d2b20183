/* A ring. A small one comes from the heap when something is put into it, as large as that needs, and goes back there
 * when it is empty: it is of one who has little to say, and is silent for most of its time. `is_taken` lets one
 * producer at a time put its bytes, however often it has to wait for room; the mutex is held for a copy at most. A link
 * in the mailbox is a reference. Posting under the mutex is what makes outlet_give_up final: after it nobody touches
 * the mailbox, which may be gone then. */
#include "server/engine/outlet.h"

#include "server/engine/memory_budget.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct outlet {
    atomic_uint references;
    const struct host *host;
    struct mailbox *mailbox;
    struct mailbox_link link;
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t has_room;
    pthread_cond_t is_free;
    struct run *run; /* NULL: the owner has left */
    bool is_taken;   /* a producer waits for room */
    bool is_given_up;
    bool is_torn;   /* in the middle of what was put: its line isn't ended yet */
    bool is_wanted; /* the owner has found nothing, and isn't told yet */
    bool is_posted; /* the link is in the mailbox */
    size_t begin;   /* of what is there */
    size_t length;
    size_t capacity;
    size_t room; /* of `ring`: capacity, or what a small one has needed */
    char *ring;  /* `own`, or a small one: NULL while it is empty */
    char own[];
};

/* bench/jobs.py, each of a thousand event streams that wait: with a ring of its own 4 KiB more, and with one of a whole
 * page, until its first status was sent, 0.6, since many began at once. */
enum { SMALL_BYTES = 4096 };

static bool is_small(const struct outlet *outlet) {
    return outlet->capacity <= SMALL_BYTES;
}

static size_t smaller(size_t left, size_t right) {
    return left < right ? left : right;
}

/* Under the mutex: a copy of the first `count` bytes that are there. */
static void copy(const struct outlet *outlet, char *out, size_t count) {
    size_t first = smaller(count, outlet->room - outlet->begin);
    if (count > 0) {
        memcpy(out, outlet->ring + outlet->begin, first);
        memcpy(out + first, outlet->ring, count - first);
    }
}

/* Under the mutex: has room for `length` bytes more, as far as the capacity goes. False: there is no memory for it. */
static bool take_ring(struct outlet *outlet, size_t length) {
    size_t room = smaller(length, outlet->capacity - outlet->length) + outlet->length;
    room = room > 0 ? room : 1;
    char *ring = room > outlet->room ? malloc(room) : outlet->ring;
    if (ring != outlet->ring && ring) {
        copy(outlet, ring, outlet->length);
        free(outlet->ring);
        outlet->ring = ring;
        outlet->room = room;
        outlet->begin = 0;
    }
    return ring;
}

/* Under the mutex. A producer that waits for room keeps it, so that there is no memory at the beginning or never. */
static void give_ring(struct outlet *outlet) {
    if (is_small(outlet) && outlet->length == 0 && !outlet->is_taken) {
        free(outlet->ring);
        outlet->ring = NULL;
        outlet->room = 0;
    }
}

static size_t charged_bytes(const struct outlet *outlet) {
    return sizeof *outlet + outlet->capacity;
}

struct outlet *outlet_new(const struct host *host, struct mailbox *mailbox, struct run *run, size_t bytes) {
    if (!memory_budget_charge(host->memory, sizeof(struct outlet) + bytes)) {
        return NULL;
    }
    struct outlet *outlet = malloc(sizeof *outlet + (bytes <= SMALL_BYTES ? 0 : bytes));
    if (!outlet) {
        memory_budget_refund(host->memory, sizeof *outlet + bytes);
        return NULL;
    }
    *outlet = (struct outlet){.references = 1,
                              .host = host,
                              .mailbox = mailbox,
                              .link = {.kind = MAILBOX_OUTLET},
                              .run = run,
                              .is_wanted = true,
                              .capacity = bytes};
    if (!is_small(outlet)) {
        outlet->ring = outlet->own;
        outlet->room = bytes;
    }
    pthread_mutex_init(&outlet->mutex, NULL);
    pthread_cond_init(&outlet->has_room, NULL);
    pthread_cond_init(&outlet->is_free, NULL);
    return outlet;
}

struct outlet *outlet_hold(struct outlet *outlet) {
    atomic_fetch_add_explicit(&outlet->references, 1, memory_order_relaxed);
    return outlet;
}

void outlet_drop(struct outlet *outlet) {
    if (!outlet || atomic_fetch_sub_explicit(&outlet->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    pthread_cond_destroy(&outlet->is_free);
    pthread_cond_destroy(&outlet->has_room);
    pthread_mutex_destroy(&outlet->mutex);
    memory_budget_refund(outlet->host->memory, charged_bytes(outlet));
    if (is_small(outlet)) {
        free(outlet->ring);
    }
    free(outlet);
}

/* Under the mutex. */
static void tell(struct outlet *outlet) {
    if (outlet->length > 0 && outlet->is_wanted && !outlet->is_posted) {
        outlet->is_wanted = false;
        outlet->is_posted = true;
        mailbox_post(outlet->mailbox, &outlet_hold(outlet)->link);
    }
}

/* Under the mutex: as many as fit. */
static size_t fill(struct outlet *outlet, const char *bytes, size_t length) {
    size_t put = smaller(length, outlet->room - outlet->length);
    size_t at = (outlet->begin + outlet->length) % outlet->room;
    size_t first = smaller(put, outlet->room - at);
    memcpy(outlet->ring + at, bytes, first);
    memcpy(outlet->ring, bytes + first, put - first);
    outlet->length += put;
    return put;
}

/* Under the mutex: all of it, with waiting. False: not all. */
static bool put_all(struct outlet *outlet, const char *bytes, size_t length) {
    const char *first = bytes;
    if (!take_ring(outlet, length)) {
        return false;
    }
    outlet->is_taken = true;
    while (length > 0 && !outlet->is_given_up) {
        size_t put = fill(outlet, bytes, length);
        bytes += put;
        length -= put;
        if (put > 0) {
            tell(outlet);
        } else {
            pthread_cond_wait(&outlet->has_room, &outlet->mutex);
        }
    }
    outlet->is_torn = length > 0 && bytes > first;
    outlet->is_taken = false;
    pthread_cond_signal(&outlet->is_free);
    return length == 0;
}

bool outlet_put(struct outlet *outlet, const char *bytes, size_t length) {
    pthread_mutex_lock(&outlet->mutex);
    while (outlet->is_taken && !outlet->is_given_up) {
        pthread_cond_wait(&outlet->is_free, &outlet->mutex);
    }
    bool is_put = !outlet->is_given_up && put_all(outlet, bytes, length);
    pthread_mutex_unlock(&outlet->mutex);
    return is_put;
}

bool outlet_offer(struct outlet *outlet, const char *bytes, size_t length) {
    pthread_mutex_lock(&outlet->mutex);
    bool fits = !outlet->is_taken && !outlet->is_given_up && length <= outlet->capacity - outlet->length;
    bool is_put = fits && take_ring(outlet, length);
    if (is_put) {
        (void)fill(outlet, bytes, length);
        tell(outlet);
    }
    pthread_mutex_unlock(&outlet->mutex);
    return is_put;
}

size_t outlet_take(struct outlet *outlet, char *out, size_t capacity) {
    pthread_mutex_lock(&outlet->mutex);
    size_t taken = smaller(capacity, outlet->length);
    copy(outlet, out, taken);
    outlet->length -= taken;
    /* Empty, it begins anew: what a stream of short lines doesn't need of it isn't touched. */
    outlet->begin = outlet->length > 0 ? (outlet->begin + taken) % outlet->room : 0;
    give_ring(outlet);
    if (outlet->is_torn && outlet->length == 0 && taken < capacity) {
        out[taken++] = '\n';
        outlet->is_torn = false;
    }
    outlet->is_wanted |= taken == 0;
    if (taken > 0 && outlet->is_taken) {
        pthread_cond_signal(&outlet->has_room);
    }
    pthread_mutex_unlock(&outlet->mutex);
    return taken;
}

static void end_putting(struct outlet *outlet, bool leaves) {
    if (!outlet) {
        return;
    }
    pthread_mutex_lock(&outlet->mutex);
    outlet->is_given_up = true;
    outlet->run = leaves ? NULL : outlet->run;
    pthread_cond_signal(&outlet->has_room);
    pthread_cond_broadcast(&outlet->is_free);
    pthread_mutex_unlock(&outlet->mutex);
}

void outlet_give_up(struct outlet *outlet) {
    end_putting(outlet, false);
}

void outlet_leave(struct outlet *outlet) {
    end_putting(outlet, true);
}

struct run *outlet_of_link(struct mailbox_link *link) {
    struct outlet *outlet = (struct outlet *)(void *)((char *)link - offsetof(struct outlet, link));
    pthread_mutex_lock(&outlet->mutex);
    outlet->is_posted = false;
    struct run *run = outlet->run;
    pthread_mutex_unlock(&outlet->mutex);
    outlet_drop(outlet);
    return run;
}
