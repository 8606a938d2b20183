#pragma once
/* Internal to server/jobs. Rows of an SQLite journal and jobs. Its thread. */
#include "server/jobs/sqlite_store.h"

/* A row as it stands in the statement, which a reset ends: its texts and contents are borrowed from there. */
struct store_row {
    struct job job;
    int64_t rank;
    struct text_view body; /* bytes NULL: none here */
    struct text_view result;
    struct text_view pin_bytes;
    struct job_pin pins[JOB_PINS_MAX];
    bool pins_are_whole;
};

/* The statement is at a row of STORE_ROW and STORE_LONG, or nothing in its place. Its delivery is looked up, if it has
 * one. */
void store_read_row(struct store *store, sqlite3_stmt *statement, struct store_row *row);

/* The row of this id, or this number; false: there is none. store_end_row before the statement is used again. */
bool store_find_id(struct store *store, struct text_view id, struct store_row *row);
bool store_find_number(struct store *store, uint64_t number, struct store_row *row);
/* The row of the principal's key; false: none, or no key. */
bool store_find_key(struct store *store, const struct job *job, struct store_row *row);
void store_end_rows(struct store *store);

/* What was asked is what was accepted, as far as it is in the row. */
bool store_request_is_whole(const struct store_row *row);
/* The result is the one that was stored, as far as it is in the row. */
bool store_result_is_whole(const struct store_row *row);

/* A job of its own, without the bytes of its contents, and with those that are in the row; NULL without memory, which
 * fails the transaction. */
struct job *store_copy_row(struct store *store, const struct store_row *row);
struct job *store_copy_job(struct store *store, const struct store_row *row);

/* A new row. The body is in a file if job->body.in_file, else bytes. */
void store_insert(struct store *store, const struct job *job, int64_t rank);

/* The job's delivery is this one now. */
void store_write_delivery(struct store *store, const struct job *job);

/* Ends a job: status, failure, crashes, times and result are the job's. */
void store_write_end(struct store *store, const struct job *job);
