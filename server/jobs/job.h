#pragma once
/* A job as the journal has it: what was asked, and what became of it. Plain data. Whoever gets one from the journal
 * owns it, all its texts and contents included, and frees it by jobs_free, from any thread. */
#include "codecs/coding/content_coding.h"
#include "codecs/text.h"
#include "codecs/trace_context.h"
#include "server/engine/media.h"
#include "server/engine/payload.h"
#include "server/system/durable_file.h"

enum job_status { JOB_ACCEPTED, JOB_RUNNING, JOB_SUCCESSFUL, JOB_FAILED, JOB_DISMISSED, JOB_STATUS_COUNT };

/* Why a job failed without an answer. */
enum job_failure {
    JOB_ANSWERED, /* it has one, or hasn't failed */
    JOB_CRASHED,  /* the process ended, or its lease did, while it ran: as often as is tried */
    JOB_DAMAGED   /* what was asked isn't any more what it was when it was accepted */
};

enum { JOB_ID_MAX = 128, JOB_KEY_MAX = 255, JOB_CALLBACK_MAX = 2000, JOB_PINS_MAX = 1024, JOB_PRIORITY_MAX = 9 };

/* A body or a result. Given to a journal: either `bytes`, which are copied, or a sealed file (journal.h). Got from a
 * journal: the bytes where it had them at hand, else `in_file` says that they are content of the journal's folder of
 * files, to be had by durable_map on a thread that may wait. */
struct job_content {
    struct payload bytes;
    struct digest digest;
    uint64_t length;
    bool in_file;
};

/* Content that the job needs beside its body: a version of named data that it was given. */
struct job_pin {
    struct digest digest;
    uint64_t length;
};

enum { JOB_METADATA_MAX = 512 };

/* What its run answered, byte for byte. */
struct job_result {
    unsigned status;         /* HTTP's; 0: there is none */
    struct text_view type;   /* media type; empty: none */
    struct text_view fields; /* other header fields that belong to it, as whoever stored them wrote them */
    /* What its run had and took, members of a JSON object: "threads":{…},"timing":{…}; JOB_METADATA_MAX bytes at most;
     * empty: unknown. */
    struct text_view metadata;
    struct digest seal; /* the journal's: job_result_seal when it was stored */
    struct job_content content;
};

/* Where the news of the job's end are to be brought by itself, and how far that is. */
enum job_delivery_state {
    JOB_DELIVERY_WAITS, /* for the job's end; or there is nothing to deliver */
    JOB_DELIVERY_DUE,
    JOB_DELIVERY_DONE,
    JOB_DELIVERY_GIVEN_UP
};

struct job_delivery {
    enum job_delivery_state state;
    unsigned tries;         /* that are over */
    int64_t due_ms;         /* of the day's time: the next one; 0: none */
    struct text_view error; /* what became of the last one; empty: it was taken */
};

enum { JOB_DELIVERY_ERROR_MAX = 200, CALLBACK_REASON_BYTES = JOB_DELIVERY_ERROR_MAX + 1 };

struct job {
    struct job *next; /* of a list from the journal */

    /* What was asked. */
    struct text_view id;              /* job_id_allowed */
    struct text_view idempotency_key; /* of the principal; bytes NULL: none */
    struct text_view op;              /* the endpoint's path */
    struct text_view query;
    struct text_view callback; /* URL that is told when the job is over; empty: none */
    enum media body_media;
    enum media reply_media;
    enum content_coding body_coding;
    enum content_coding reply_coding;
    bool reply_must_be_coded;
    uint64_t principal;
    unsigned priority;   /* 0 … JOB_PRIORITY_MAX, which is claimed first */
    uint64_t keep_s;     /* how long the result is kept once there is one; 0: as the journal's settings say */
    int64_t deadline_ms; /* of the day's time; 0: none. The journal only keeps it */
    /* What the names in it stood for when it was asked: `pinned` holds that in this process; on the disk it is
     * contents, and what whoever asked has written of them. */
    struct payload pinned;      /* owner NULL: it has to be made of the notes, or nothing was pinned */
    struct text_view pin_notes; /* bytes NULL: names are looked up when it runs */
    const struct job_pin *pins;
    size_t pin_count;
    struct job_content body; /* of unfinished jobs: later only its digest and length, and no pins */
    /* The span of the request that submitted it, of whose trace its attempts are a part; no trace_id: of none. Got from
     * a journal by who submits and claims alone: others have no need of it. */
    struct trace_context trace;

    /* What became of it. Times are the day's, milliseconds since 1970; 0: not yet. None is before the one above it. */
    uint64_t number;           /* the order of acceptance; unique among those that are kept */
    struct digest fingerprint; /* of what was asked: job_fingerprint */
    enum job_status status;
    enum job_failure failure;
    unsigned attempts; /* how often it was claimed: what a claim and its result are compared on */
    unsigned crashes;
    int64_t created_ms;
    int64_t started_ms; /* the last attempt */
    int64_t finished_ms;
    int64_t expires_ms;
    bool is_expired; /* the result is gone, and only what it was is still known */
    struct job_result result;
    struct job_delivery delivery; /* of `callback` */
};

static inline bool job_is_finished(const struct job *job) {
    return job->status >= JOB_SUCCESSFUL;
}

/* "accepted", "running", "successful", "failed", "dismissed". Static strings. */
const char *job_status_name(enum job_status status);

/* 1 to JOB_ID_MAX letters, digits, '.', '_' and '-', but for "." and "..". */
bool job_id_allowed(struct text_view id);

/* An id that nobody else has and nobody can guess, sorted roughly by `now_ms`: 10 characters of it, 16 of 80 random
 * bits, from the alphabet of Crockford's base 32, as in a ULID. False: the system has no random numbers (errno). */
enum { JOB_NEW_ID_LENGTH = 26 };
MUST_CHECK bool job_new_id(int64_t now_ms, char out[JOB_NEW_ID_LENGTH + 1]);

/* The SHA-256 of what was asked: op, query, media, codings and the body's digest and length. Two submissions under one
 * name or key are the same if it is. Not of what named data were called, nor of priority, times, callback, pins and
 * trace. */
struct digest job_fingerprint(const struct job *job);

/* The SHA-256 of a result: its status, type, fields, and its content's digest and length. */
struct digest job_result_seal(const struct job_result *result);

/* A payload of its own; NULL `payload->owner` without memory. May be held and dropped by any thread. */
struct payload job_bytes(const char *bytes, size_t length);

/* One of its own, contents held and not copied, `next` NULL. NULL without memory. */
struct job *job_copy(const struct job *job);

/* The whole list. NULL is fine. */
void jobs_free(struct job *jobs);
