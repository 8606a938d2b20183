#include "server/jobs/sqlite_deliveries.h"

#include "server/jobs/journal_rules.h"
#include "server/jobs/sqlite_rows.h"
#include "server/system/clock.h"

static struct job *read_row(struct store *store, uint64_t number) {
    struct store_row row;
    struct job *job = store_find_number(store, number, &row) ? store_copy_row(store, &row) : NULL;
    store_end_rows(store);
    return job;
}

/* Nobody's, the first by when it is due; 0: there is none. */
static uint64_t first_delivery(struct store *store, int64_t *due_ms) {
    sqlite3_stmt *statement = store_prepare(store, STORE_DELIVERY_FIRST);
    bool is_there = store_step(store, statement);
    uint64_t number = is_there ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    *due_ms = is_there ? sqlite3_column_int64(statement, 1) : INT64_MAX;
    (void)sqlite3_reset(statement);
    return number;
}

enum journal_outcome store_take_deliveries(struct store *store, struct journal_request *request) {
    int64_t now_ms = journal_now_ms(&store->settings), due_ms = INT64_MAX;
    struct job **end = &request->jobs;
    unsigned limit = request->deliveries.limit < JOURNAL_CLAIM_MAX ? request->deliveries.limit : JOURNAL_CLAIM_MAX;
    sqlite3_stmt *statement = store_prepare(store, STORE_DELIVERING_OVER);
    sqlite3_bind_int64(statement, 1, (int64_t)clock_now_ns());
    store_run(store, statement);
    uint64_t number = first_delivery(store, &due_ms);
    for (unsigned i = 0; i < limit && number > 0 && due_ms <= now_ms; i++) {
        statement = store_prepare(store, STORE_DELIVERING);
        sqlite3_bind_int64(statement, 1, (int64_t)number);
        sqlite3_bind_int64(statement, 2, journal_lease_end_ns(request->deliveries.lease_ms));
        store_run(store, statement);
        *end = read_row(store, number);
        if (!*end) {
            break;
        }
        end = &(*end)->next;
        number = first_delivery(store, &due_ms);
    }
    request->next_ms = number == 0 ? UINT64_MAX : due_ms <= now_ms ? 0 : (uint64_t)(due_ms - now_ms);
    return JOURNAL_DONE;
}

enum journal_outcome store_note_delivery(struct store *store, struct journal_request *request) {
    struct store_row row;
    if (!store_find_id(store, request->delivered.id, &row)) {
        return JOURNAL_MISSING;
    }
    enum journal_outcome outcome = journal_take_delivery(request, journal_now_ms(&store->settings), &row.job.delivery);
    if (!outcome) {
        store_write_delivery(store, &row.job);
        store_run_with(store, STORE_DELIVERING_END, row.job.number);
        store->is_due |= row.job.delivery.state == JOB_DELIVERY_DUE;
    }
    return outcome;
}
