#pragma once
/* Jobs on the disk: rows in SQLite (jobs.db in the state folder), long bodies and results in files beside it (jobs/). A
 * thread has the one connection, since SQLite before 3.51.3 can lose what two connections write, and does all that came
 * while the last commit waited for the disk in one commit; only after it `done` is called.
 *
 * After a crash or a power failure every job that was told of is there: those that waited or ran can be claimed,
 * finished ones have their result. A full disk refuses what it has no room for and loses nothing. Where the disk fails,
 * or the store turns out to be corrupt, the journal stops: it says so in the log, answers everything by
 * JOURNAL_UNAVAILABLE and changes nothing any more. */
#include "server/jobs/journal.h"
#include "server/system/state_folder.h"

/* Opens the journal of a folder whose lock this process has, or makes it; *state outlives it. The leases of jobs that
 * ran are over: the first JOURNAL_TIDY counts them as crashed. NULL, and why in one line, where it can't be read or
 * written, is corrupt, or of a newer schema than this program's: then the store is as it was. Waits for the disk. */
struct journal *journal_sqlite_open(const struct journal_settings *settings, const struct state_folder *state,
                                    char reason[JOURNAL_REASON_BYTES]) __attribute__((warn_unused_result));
