#pragma once
/* Internal to server/jobs. What is asked of an SQLite journal, within a transaction that its thread began. */
#include "server/jobs/sqlite_store.h"

/* Sets the request's outcome and jobs. Where store_failed afterwards the transaction has to be rolled back, the outcome
 * means nothing, and store_undo is due before it is tried again. */
void store_do(struct store *store, struct journal_request *request);
void store_undo(struct journal_request *request);

/* The request is over and its outcome stands: sealed files that weren't needed go. */
void store_settle(struct store *store, struct journal_request *request);
