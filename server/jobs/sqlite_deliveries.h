#pragma once
/* Internal to server/jobs. Deliveries of an SQLite journal, within a transaction that its thread began. Who has which
 * is in a temporary table: to ask for some waits for no disk. */
#include "server/jobs/sqlite_store.h"

enum journal_outcome store_take_deliveries(struct store *store, struct journal_request *request);
enum journal_outcome store_note_delivery(struct store *store, struct journal_request *request);
