#include "server/jobs/sqlite_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* These numbers are in files: add others, never change one. */
static_assert(JOB_ACCEPTED == 0 && JOB_RUNNING == 1 && JOB_SUCCESSFUL == 2 && JOB_FAILED == 3 && JOB_DISMISSED == 4,
              "");
static_assert(JOB_ANSWERED == 0 && JOB_CRASHED == 1 && JOB_DAMAGED == 2, "");
static_assert(JOB_DELIVERY_WAITS == 0 && JOB_DELIVERY_DUE == 1 && JOB_DELIVERY_DONE == 2 && JOB_DELIVERY_GIVEN_UP == 3,
              "");
static_assert(MEDIA_JSON == 1 && MEDIA_TEXT == 2 && MEDIA_NPY == 4 && MEDIA_YAML == 8, "");
static_assert(CONTENT_IDENTITY == 0 && CONTENT_GZIP == 1 && CONTENT_ZSTD == 2 && CONTENT_DEFLATE == 3, "");

enum { PIN_BYTES = DIGEST_BYTES + 8 };

static struct text_view text_at(sqlite3_stmt *statement, int column) {
    const char *bytes = (const char *)sqlite3_column_text(statement, column);
    return (struct text_view){bytes, bytes ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

/* Of length 0 where it is NULL or empty. */
static struct text_view blob_at(sqlite3_stmt *statement, int column) {
    const char *bytes = sqlite3_column_blob(statement, column);
    return (struct text_view){bytes, bytes ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

static struct digest digest_at(sqlite3_stmt *statement, int column) {
    struct text_view blob = blob_at(statement, column);
    struct digest digest = {{0}};
    if (blob.length == sizeof digest.bytes) {
        memcpy(digest.bytes, blob.bytes, sizeof digest.bytes);
    }
    return digest;
}

static size_t read_pins(struct text_view blob, struct job_pin pins[JOB_PINS_MAX]) {
    size_t count = blob.length / PIN_BYTES < JOB_PINS_MAX ? blob.length / PIN_BYTES : JOB_PINS_MAX;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = (const unsigned char *)blob.bytes + i * PIN_BYTES;
        memcpy(pins[i].digest.bytes, bytes, DIGEST_BYTES);
        pins[i].length = 0;
        for (unsigned k = 0; k < 8; k++) {
            pins[i].length |= (uint64_t)bytes[DIGEST_BYTES + k] << (8 * k);
        }
    }
    return count;
}

static size_t write_pins(const struct job *job, unsigned char out[JOB_PINS_MAX * PIN_BYTES]) {
    for (size_t i = 0; i < job->pin_count; i++) {
        unsigned char *bytes = out + i * PIN_BYTES;
        memcpy(bytes, job->pins[i].digest.bytes, DIGEST_BYTES);
        for (unsigned k = 0; k < 8; k++) {
            bytes[DIGEST_BYTES + k] = (unsigned char)(job->pins[i].length >> (8 * k));
        }
    }
    return job->pin_count * PIN_BYTES;
}

/* Of what is pinned, and of what was written of it. */
static struct digest seal_pins(struct text_view pins, struct text_view notes) {
    struct digester digester;
    digester_init(&digester);
    digester_add(&digester, pins.bytes, pins.length);
    digester_add(&digester, notes.bytes, notes.length);
    return digester_end(&digester);
}

/* The column has the seal before the notes; NULL: there are none. */
static void read_notes(struct text_view blob, struct store_row *row) {
    row->pins_are_whole = !blob.bytes;
    if (blob.length >= DIGEST_BYTES) {
        struct text_view notes = {blob.bytes + DIGEST_BYTES, blob.length - DIGEST_BYTES};
        struct digest seal = seal_pins(row->pin_bytes, notes);
        row->job.pin_notes = notes;
        row->pins_are_whole = memcmp(seal.bytes, blob.bytes, DIGEST_BYTES) == 0;
    }
}

/* Metadata are printed as they are: what isn't whole is as if it weren't there. */
static struct text_view unseal(struct text_view blob) {
    if (blob.length <= DIGEST_BYTES) {
        return (struct text_view){NULL, 0};
    }
    struct text_view text = {blob.bytes + DIGEST_BYTES, blob.length - DIGEST_BYTES};
    struct digest seal = digest_of(text.bytes, text.length);
    return memcmp(seal.bytes, blob.bytes, DIGEST_BYTES) == 0 ? text : (struct text_view){NULL, 0};
}

static size_t seal_metadata(struct text_view text, unsigned char out[DIGEST_BYTES + JOB_METADATA_MAX]) {
    struct digest seal = digest_of(text.bytes, text.length);
    assert(text.length <= JOB_METADATA_MAX);
    memcpy(out, seal.bytes, DIGEST_BYTES);
    memcpy(out + DIGEST_BYTES, text.bytes, text.length);
    return DIGEST_BYTES + text.length;
}

/* A job that isn't over has none yet. */
static void read_delivery(struct store *store, struct job *job) {
    sqlite3_stmt *statement = store_prepare(store, STORE_DELIVERY);
    sqlite3_bind_int64(statement, 1, (int64_t)job->number);
    if (store_step(store, statement)) {
        job->delivery.state = (enum job_delivery_state)sqlite3_column_int(statement, 0);
        job->delivery.tries = (unsigned)sqlite3_column_int64(statement, 1);
        job->delivery.due_ms = sqlite3_column_int64(statement, 2);
        job->delivery.error = text_at(statement, 3);
    }
}

/* What isn't whole is as if it weren't there: a job is run without it. */
static void read_trace(struct text_view value, struct trace_context *trace) {
    if (value.bytes) {
        (void)trace_context_read(value.bytes, trace);
    }
}

/* In the order of STORE_ROW and STORE_LONG. */
void store_read_row(struct store *store, sqlite3_stmt *statement, struct store_row *row) {
    int column = 0;
    struct job *job = &row->job;
    *job = (struct job){.number = (uint64_t)sqlite3_column_int64(statement, column++)};
    job->id = text_at(statement, column++);
    job->status = (enum job_status)sqlite3_column_int(statement, column++);
    job->failure = (enum job_failure)sqlite3_column_int(statement, column++);
    job->attempts = (unsigned)sqlite3_column_int64(statement, column++);
    job->crashes = (unsigned)sqlite3_column_int64(statement, column++);
    job->priority = (unsigned)sqlite3_column_int64(statement, column++);
    row->rank = sqlite3_column_int64(statement, column++);
    job->created_ms = sqlite3_column_int64(statement, column++);
    job->started_ms = sqlite3_column_int64(statement, column++);
    job->finished_ms = sqlite3_column_int64(statement, column++);
    job->expires_ms = sqlite3_column_int64(statement, column++);
    job->is_expired = sqlite3_column_int(statement, column++) != 0;
    job->keep_s = (uint64_t)sqlite3_column_int64(statement, column++);
    job->deadline_ms = sqlite3_column_int64(statement, column++);
    job->principal = (uint64_t)sqlite3_column_int64(statement, column++);
    job->idempotency_key = text_at(statement, column++);
    job->op = text_at(statement, column++);
    job->query = text_at(statement, column++);
    job->callback = text_at(statement, column++);
    job->body_media = (enum media)sqlite3_column_int(statement, column++);
    job->reply_media = (enum media)sqlite3_column_int(statement, column++);
    job->body_coding = (enum content_coding)sqlite3_column_int(statement, column++);
    job->reply_coding = (enum content_coding)sqlite3_column_int(statement, column++);
    job->reply_must_be_coded = sqlite3_column_int(statement, column++) != 0;
    job->fingerprint = digest_at(statement, column++);
    job->body.digest = digest_at(statement, column++);
    job->body.length = (uint64_t)sqlite3_column_int64(statement, column++);
    job->body.in_file = sqlite3_column_int(statement, column++) != 0;
    row->pin_bytes = blob_at(statement, column++);
    job->pin_count = read_pins(row->pin_bytes, row->pins);
    job->pins = row->pins;
    read_notes(blob_at(statement, column++), row);
    job->result.status = (unsigned)sqlite3_column_int64(statement, column++);
    job->result.type = text_at(statement, column++);
    job->result.fields = text_at(statement, column++);
    job->result.content.digest = digest_at(statement, column++);
    job->result.content.length = (uint64_t)sqlite3_column_int64(statement, column++);
    job->result.content.in_file = sqlite3_column_int(statement, column++) != 0;
    job->result.seal = digest_at(statement, column++);
    row->body = blob_at(statement, column++);
    row->result = blob_at(statement, column++);
    read_trace(text_at(statement, column++), &job->trace);
    job->result.metadata = unseal(blob_at(statement, column++));
    if (job->callback.length > 0 && job_is_finished(job)) {
        read_delivery(store, job);
    }
}

static bool find(struct store *store, sqlite3_stmt *statement, struct store_row *row) {
    bool is_there = store_step(store, statement);
    if (is_there) {
        store_read_row(store, statement, row);
    }
    return is_there;
}

bool store_find_id(struct store *store, struct text_view id, struct store_row *row) {
    sqlite3_stmt *statement = store_prepare(store, STORE_BY_ID);
    sqlite3_bind_text64(statement, 1, id.bytes, id.length, SQLITE_STATIC, SQLITE_UTF8);
    return find(store, statement, row);
}

bool store_find_number(struct store *store, uint64_t number, struct store_row *row) {
    sqlite3_stmt *statement = store_prepare(store, STORE_BY_NUMBER);
    sqlite3_bind_int64(statement, 1, (int64_t)number);
    return find(store, statement, row);
}

bool store_find_key(struct store *store, const struct job *job, struct store_row *row) {
    if (!job->idempotency_key.bytes) {
        return false;
    }
    sqlite3_stmt *statement = store_prepare(store, STORE_BY_KEY);
    sqlite3_bind_int64(statement, 1, (int64_t)job->principal);
    sqlite3_bind_text64(statement, 2, job->idempotency_key.bytes, job->idempotency_key.length, SQLITE_STATIC,
                        SQLITE_UTF8);
    return find(store, statement, row);
}

void store_end_rows(struct store *store) {
    (void)store_prepare(store, STORE_BY_ID);
    (void)store_prepare(store, STORE_BY_KEY);
    (void)store_prepare(store, STORE_BY_NUMBER);
    (void)store_prepare(store, STORE_DELIVERY);
}

static bool content_is_whole(const struct job_content *content, struct text_view bytes) {
    struct digest digest = digest_of(bytes.bytes, bytes.length);
    return content->in_file || (content->length == bytes.length && digest_equal(&content->digest, &digest));
}

bool store_request_is_whole(const struct store_row *row) {
    struct digest fingerprint = job_fingerprint(&row->job);
    return digest_equal(&fingerprint, &row->job.fingerprint) && content_is_whole(&row->job.body, row->body) &&
           row->pins_are_whole;
}

bool store_result_is_whole(const struct store_row *row) {
    if (row->job.result.status == 0) {
        return true;
    }
    struct digest seal = job_result_seal(&row->job.result);
    return digest_equal(&seal, &row->job.result.seal) && content_is_whole(&row->job.result.content, row->result);
}

static bool copy_bytes(struct payload *payload, struct text_view bytes) {
    if (bytes.length > 0) {
        *payload = job_bytes(bytes.bytes, bytes.length);
    }
    return bytes.length == 0 || payload->owner;
}

struct job *store_copy_row(struct store *store, const struct store_row *row) {
    struct job *copy = job_copy(&row->job);
    if (!copy) {
        store_fail(store, SQLITE_NOMEM, 0);
    }
    return copy;
}

struct job *store_copy_job(struct store *store, const struct store_row *row) {
    struct job job = row->job;
    struct job *copy = NULL;
    if (copy_bytes(&job.body.bytes, row->body) && copy_bytes(&job.result.content.bytes, row->result)) {
        copy = job_copy(&job);
    }
    payload_drop(&job.body.bytes);
    payload_drop(&job.result.content.bytes);
    if (!copy) {
        store_fail(store, SQLITE_NOMEM, 0);
    }
    return copy;
}

static void bind_text(sqlite3_stmt *statement, int parameter, struct text_view text) {
    /* NULL would be another value than an empty text. */
    sqlite3_bind_text64(statement, parameter, text.length > 0 ? text.bytes : "", text.length, SQLITE_STATIC,
                        SQLITE_UTF8);
}

static void bind_digest(sqlite3_stmt *statement, int parameter, const struct digest *digest) {
    sqlite3_bind_blob(statement, parameter, digest->bytes, sizeof digest->bytes, SQLITE_STATIC);
}

/* False without memory. */
static bool bind_notes(sqlite3_stmt *statement, int parameter, struct text_view pins, struct text_view notes) {
    struct digest seal = seal_pins(pins, notes);
    char *blob = malloc(DIGEST_BYTES + notes.length);
    if (!blob) {
        return false;
    }
    memcpy(blob, seal.bytes, DIGEST_BYTES);
    memcpy(blob + DIGEST_BYTES, notes.bytes, notes.length);
    sqlite3_bind_blob64(statement, parameter, blob, DIGEST_BYTES + notes.length, free);
    return true;
}

static void bind_content(sqlite3_stmt *statement, int parameter, const struct job_content *content) {
    if (!content->in_file) {
        sqlite3_bind_blob64(statement, parameter, content->length > 0 ? content->bytes.bytes : "", content->length,
                            SQLITE_STATIC);
    }
}

void store_insert(struct store *store, const struct job *job, int64_t rank) {
    unsigned char pins[JOB_PINS_MAX * PIN_BYTES];
    sqlite3_stmt *statement = store_prepare(store, STORE_INSERT);
    sqlite3_bind_int64(statement, 1, (int64_t)job->number);
    bind_text(statement, 2, job->id);
    sqlite3_bind_int(statement, 3, (int)job->status);
    sqlite3_bind_int64(statement, 4, job->attempts);
    sqlite3_bind_int64(statement, 5, job->priority);
    sqlite3_bind_int64(statement, 6, rank);
    sqlite3_bind_int64(statement, 7, job->created_ms);
    sqlite3_bind_int64(statement, 8, job->started_ms);
    sqlite3_bind_int64(statement, 9, (int64_t)job->keep_s);
    sqlite3_bind_int64(statement, 10, job->deadline_ms);
    sqlite3_bind_int64(statement, 11, (int64_t)job->principal);
    if (job->idempotency_key.bytes) {
        bind_text(statement, 12, job->idempotency_key);
    }
    bind_text(statement, 13, job->op);
    bind_text(statement, 14, job->query);
    bind_text(statement, 15, job->callback);
    sqlite3_bind_int(statement, 16, (int)job->body_media);
    sqlite3_bind_int(statement, 17, (int)job->reply_media);
    sqlite3_bind_int(statement, 18, (int)job->body_coding);
    sqlite3_bind_int(statement, 19, (int)job->reply_coding);
    sqlite3_bind_int(statement, 20, job->reply_must_be_coded);
    bind_digest(statement, 21, &job->fingerprint);
    bind_digest(statement, 22, &job->body.digest);
    sqlite3_bind_int64(statement, 23, (int64_t)job->body.length);
    sqlite3_bind_int(statement, 24, job->body.in_file);
    struct text_view pin_bytes = {(const char *)pins, write_pins(job, pins)};
    if (job->pin_count > 0) {
        sqlite3_bind_blob64(statement, 25, pins, pin_bytes.length, SQLITE_STATIC);
    }
    if (job->pin_notes.bytes && !bind_notes(statement, 27, pin_bytes, job->pin_notes)) {
        store_fail(store, SQLITE_NOMEM, 0);
        return;
    }
    bind_content(statement, 26, &job->body);
    char traceparent[TRACE_FIELD_BYTES];
    if (job->trace.trace_id[0] != '\0') {
        trace_context_print(&job->trace, traceparent);
        sqlite3_bind_text(statement, 28, traceparent, TRACE_FIELD_BYTES - 1, SQLITE_STATIC);
    }
    store_run(store, statement);
}

void store_write_delivery(struct store *store, const struct job *job) {
    const struct job_delivery *delivery = &job->delivery;
    sqlite3_stmt *statement = store_prepare(store, STORE_DELIVERY_PUT);
    sqlite3_bind_int64(statement, 1, (int64_t)job->number);
    sqlite3_bind_int(statement, 2, (int)delivery->state);
    sqlite3_bind_int64(statement, 3, delivery->tries);
    if (delivery->state == JOB_DELIVERY_DUE) {
        sqlite3_bind_int64(statement, 4, delivery->due_ms);
    }
    bind_text(statement, 5, delivery->error);
    store_run(store, statement);
}

void store_write_end(struct store *store, const struct job *job) {
    const struct job_result *result = &job->result;
    struct digest seal = job_result_seal(result);
    sqlite3_stmt *statement = store_prepare(store, STORE_FINISH);
    sqlite3_bind_int64(statement, 1, (int64_t)job->number);
    sqlite3_bind_int(statement, 2, (int)job->status);
    sqlite3_bind_int(statement, 3, (int)job->failure);
    sqlite3_bind_int64(statement, 4, job->crashes);
    sqlite3_bind_int64(statement, 5, job->finished_ms);
    sqlite3_bind_int64(statement, 6, job->expires_ms);
    sqlite3_bind_int64(statement, 7, result->status);
    bind_text(statement, 8, result->type);
    bind_text(statement, 9, result->fields);
    sqlite3_bind_int64(statement, 11, (int64_t)result->content.length);
    sqlite3_bind_int(statement, 12, result->content.in_file);
    if (result->status > 0) {
        bind_digest(statement, 10, &result->content.digest);
        bind_digest(statement, 13, &seal);
        bind_content(statement, 14, &result->content);
    }
    unsigned char metadata[DIGEST_BYTES + JOB_METADATA_MAX];
    if (result->metadata.length > 0) {
        sqlite3_bind_blob64(statement, 15, metadata, seal_metadata(result->metadata, metadata), SQLITE_STATIC);
    }
    store_run(store, statement);
}
