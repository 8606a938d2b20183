#pragma once
/* Internal to server/jobs. The schema of a store and its versions. A version is never changed once it was released:
 * another step is added, which makes the next one of it. */
#include "server/jobs/journal.h"

#include <sqlite3.h>

struct sqlite_schema {
    int application_id;       /* marks the file as one of these; not 0 */
    const char *const *steps; /* steps[v]: SQL that makes version v + 1 of version v; version 0 is an empty file */
    int version;              /* how many there are: the newest, which this program reads and writes */
};

/* Of jobs.db. */
extern const struct sqlite_schema sqlite_jobs_schema;

/* Reads the version and refuses what isn't a store of this schema, or a newer version. Changes nothing. False, and why.
 */
bool sqlite_schema_check(sqlite3 *database, const struct sqlite_schema *schema, int *version,
                         char reason[JOURNAL_REASON_BYTES]) __attribute__((warn_unused_result));

/* Makes the newest version of an older one, all steps or none of them. False, and why. */
bool sqlite_schema_migrate(sqlite3 *database, const struct sqlite_schema *schema, int version,
                           char reason[JOURNAL_REASON_BYTES]) __attribute__((warn_unused_result));
