#pragma once
/* Internal to server/jobs. The jobs of a journal in memory, and the ways to find them: by id and by key in a table
 * each, by number in `order`, and by status in one of three heaps: those that wait by rank, those that run by the end
 * of their lease, those that are finished by when they are due to expire. Those of these whose delivery is due are in
 * one of two more: by when, or, while somebody has it, by the end of that lease. Room in all of these is made when a
 * job comes, so that nothing that happens to it later can fail for that. One thread at a time. */
#include "server/jobs/heap.h"
#include "server/jobs/job_index.h"
#include "server/jobs/journal.h"

struct memory_entry {
    struct index_link by_id;
    struct index_link by_key; /* where the job has one */
    struct heap_item place;   /* in the heap of its status */
    struct heap_item delivery;
    struct heap *delivery_heap; /* that has it: `due` or `delivering`; NULL: neither */
    struct job *job;            /* owned */
    int64_t rank;
    size_t slot; /* where it is in `order` */
};

/* By number, ascending. */
struct memory_slot {
    uint64_t number;
    struct memory_entry *entry; /* NULL: forgotten */
};

/* Zeroed at first. */
struct memory_jobs {
    struct job_index ids;
    struct job_index keys;
    struct heap waiting;
    struct heap running;
    struct heap finished;
    struct heap due; /* deliveries */
    struct heap delivering;
    struct memory_slot *order;
    size_t slot_count;
    size_t slot_capacity;
    size_t holes;
    size_t first_waiting;         /* no slot before it has a job that waits */
    struct journal_counts counts; /* of those in a heap */
};

void memory_jobs_deinit(struct memory_jobs *jobs);

static inline struct memory_entry *memory_entry_of(struct heap_item *item) {
    return (struct memory_entry *)((char *)item - offsetof(struct memory_entry, place));
}

/* NULL: there is none, or no key. */
struct memory_entry *memory_jobs_find_id(const struct memory_jobs *jobs, struct text_view id);
struct memory_entry *memory_jobs_find_key(const struct memory_jobs *jobs, const struct job *asked);

/* The first slot whose number isn't below. */
size_t memory_jobs_slot(const struct memory_jobs *jobs, uint64_t number);

/* An entry of its own of this job, whose number is the highest so far, and in no heap yet; NULL without memory. */
struct memory_entry *memory_jobs_add(struct memory_jobs *jobs, const struct job *job);

/* Out of everything, and freed. It is in a heap. */
void memory_jobs_remove(struct memory_jobs *jobs, struct memory_entry *entry);

/* Into the heap of its status, and out of it: around every change of the job. */
void memory_jobs_enter(struct memory_jobs *jobs, struct memory_entry *entry, int64_t key);
void memory_jobs_leave(struct memory_jobs *jobs, struct memory_entry *entry);

/* When the first one came of those that wait; 0: there is none. */
int64_t memory_jobs_oldest_ms(struct memory_jobs *jobs);

/* The entry of a delivery. */
static inline struct memory_entry *memory_entry_of_delivery(struct heap_item *item) {
    return (struct memory_entry *)((char *)item - offsetof(struct memory_entry, delivery));
}

/* A delivery that is due, into `due`, or until `lease_end_ns` (0: not) into `delivering`, and out of that: around every
 * change of it. Leaving is fine for one that is in neither. */
void memory_jobs_enter_delivery(struct memory_jobs *jobs, struct memory_entry *entry, int64_t lease_end_ns);
void memory_jobs_leave_delivery(struct memory_entry *entry);

/* What a job takes of the memory, beside the data that it was given: that counts where it is kept. */
uint64_t memory_job_bytes(const struct job *job);
