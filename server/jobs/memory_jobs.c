#include "server/jobs/memory_jobs.h"

#include <stdlib.h>
#include <string.h>

enum { HOLES_LEAST = 64 };

static bool equal(struct text_view a, struct text_view b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

struct memory_entry *memory_jobs_find_id(const struct memory_jobs *jobs, struct text_view id) {
    uint64_t hash = job_index_hash(id, 0);
    for (struct index_link *link = job_index_find(&jobs->ids, hash); link; link = link->next) {
        struct memory_entry *entry = (struct memory_entry *)((char *)link - offsetof(struct memory_entry, by_id));
        if (equal(entry->job->id, id)) {
            return entry;
        }
    }
    return NULL;
}

struct memory_entry *memory_jobs_find_key(const struct memory_jobs *jobs, const struct job *asked) {
    if (!asked->idempotency_key.bytes) {
        return NULL;
    }
    uint64_t hash = job_index_hash(asked->idempotency_key, asked->principal);
    for (struct index_link *link = job_index_find(&jobs->keys, hash); link; link = link->next) {
        struct memory_entry *entry = (struct memory_entry *)((char *)link - offsetof(struct memory_entry, by_key));
        if (entry->job->principal == asked->principal && equal(entry->job->idempotency_key, asked->idempotency_key)) {
            return entry;
        }
    }
    return NULL;
}

static struct heap *heap_of(struct memory_jobs *jobs, enum job_status status) {
    return status == JOB_ACCEPTED ? &jobs->waiting : status == JOB_RUNNING ? &jobs->running : &jobs->finished;
}

uint64_t memory_job_bytes(const struct job *job) {
    return sizeof(struct memory_entry) + sizeof(struct memory_slot) + sizeof *job + job->id.length +
           job->idempotency_key.length + job->op.length + job->query.length + job->callback.length +
           job->result.type.length + job->result.fields.length + job->result.metadata.length +
           job->delivery.error.length + job->pin_count * sizeof *job->pins + job->pin_notes.length +
           job->pinned.length + job->body.bytes.length + job->result.content.bytes.length;
}

void memory_jobs_enter(struct memory_jobs *jobs, struct memory_entry *entry, int64_t key) {
    entry->place.key = key;
    entry->place.number = entry->job->number;
    heap_put(heap_of(jobs, entry->job->status), &entry->place);
    jobs->counts.jobs[entry->job->status]++;
    jobs->counts.used_bytes += memory_job_bytes(entry->job);
    if (entry->job->status == JOB_ACCEPTED && entry->slot < jobs->first_waiting) {
        jobs->first_waiting = entry->slot;
    }
}

/* A slot is passed once for each time that a job before it begins to wait: few do so again. */
int64_t memory_jobs_oldest_ms(struct memory_jobs *jobs) {
    if (jobs->counts.jobs[JOB_ACCEPTED] == 0) {
        jobs->first_waiting = jobs->slot_count;
        return 0;
    }
    const struct memory_entry *entry = NULL;
    while (!entry || entry->job->status != JOB_ACCEPTED) {
        entry = jobs->order[jobs->first_waiting++].entry;
    }
    jobs->first_waiting--;
    return entry->job->created_ms;
}

void memory_jobs_leave(struct memory_jobs *jobs, struct memory_entry *entry) {
    heap_remove(heap_of(jobs, entry->job->status), &entry->place);
    jobs->counts.jobs[entry->job->status]--;
    jobs->counts.used_bytes -= memory_job_bytes(entry->job);
}

void memory_jobs_enter_delivery(struct memory_jobs *jobs, struct memory_entry *entry, int64_t lease_end_ns) {
    entry->delivery_heap = lease_end_ns > 0 ? &jobs->delivering : &jobs->due;
    entry->delivery.key = lease_end_ns > 0 ? lease_end_ns : entry->job->delivery.due_ms;
    entry->delivery.number = entry->job->number;
    heap_put(entry->delivery_heap, &entry->delivery);
}

void memory_jobs_leave_delivery(struct memory_entry *entry) {
    if (entry->delivery_heap) {
        heap_remove(entry->delivery_heap, &entry->delivery);
        entry->delivery_heap = NULL;
    }
}

static void compact(struct memory_jobs *jobs) {
    size_t kept = 0;
    for (size_t i = 0; i < jobs->slot_count; i++) {
        if (jobs->order[i].entry) {
            jobs->order[kept] = jobs->order[i];
            jobs->order[kept].entry->slot = kept;
            kept++;
        }
    }
    jobs->slot_count = kept;
    jobs->holes = 0;
    jobs->first_waiting = 0;
}

void memory_jobs_remove(struct memory_jobs *jobs, struct memory_entry *entry) {
    memory_jobs_leave(jobs, entry);
    memory_jobs_leave_delivery(entry);
    job_index_remove(&jobs->ids, &entry->by_id);
    if (entry->job->idempotency_key.bytes) {
        job_index_remove(&jobs->keys, &entry->by_key);
    }
    jobs->order[entry->slot].entry = NULL;
    if (++jobs->holes > HOLES_LEAST + jobs->slot_count / 2) {
        compact(jobs);
    }
    jobs_free(entry->job);
    free(entry);
}

static bool reserve(struct memory_jobs *jobs) {
    if (jobs->slot_count == jobs->slot_capacity) {
        size_t capacity = jobs->slot_capacity + jobs->slot_capacity / 2 + HOLES_LEAST;
        struct memory_slot *order = realloc(jobs->order, capacity * sizeof *order);
        if (!order) {
            return false;
        }
        jobs->order = order;
        jobs->slot_capacity = capacity;
    }
    size_t count = jobs->ids.count + 1;
    return heap_reserve(&jobs->waiting, count) && heap_reserve(&jobs->running, count) &&
           heap_reserve(&jobs->finished, count) && heap_reserve(&jobs->due, count) &&
           heap_reserve(&jobs->delivering, count) && job_index_reserve(&jobs->ids) && job_index_reserve(&jobs->keys);
}

size_t memory_jobs_slot(const struct memory_jobs *jobs, uint64_t number) {
    size_t low = 0, high = jobs->slot_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (jobs->order[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct memory_entry *memory_jobs_add(struct memory_jobs *jobs, const struct job *job) {
    struct memory_entry *entry = calloc(1, sizeof *entry);
    if (entry && reserve(jobs)) {
        entry->job = job_copy(job);
    }
    if (!entry || !entry->job) {
        free(entry);
        return NULL;
    }
    entry->slot = jobs->slot_count++;
    jobs->order[entry->slot] = (struct memory_slot){.number = job->number, .entry = entry};
    job_index_put(&jobs->ids, &entry->by_id, job_index_hash(job->id, 0));
    if (job->idempotency_key.bytes) {
        job_index_put(&jobs->keys, &entry->by_key, job_index_hash(job->idempotency_key, job->principal));
    }
    return entry;
}

void memory_jobs_deinit(struct memory_jobs *jobs) {
    for (size_t i = 0; i < jobs->slot_count; i++) {
        if (jobs->order[i].entry) {
            jobs_free(jobs->order[i].entry->job);
            free(jobs->order[i].entry);
        }
    }
    free(jobs->order);
    heap_deinit(&jobs->waiting);
    heap_deinit(&jobs->running);
    heap_deinit(&jobs->finished);
    heap_deinit(&jobs->due);
    heap_deinit(&jobs->delivering);
    job_index_deinit(&jobs->ids);
    job_index_deinit(&jobs->keys);
}
