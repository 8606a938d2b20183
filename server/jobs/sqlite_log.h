#pragma once
/* Internal to server/jobs. Damage in SQLite's write-ahead log. SQLite takes a frame whose checksum is wrong for the end
 * of the log, as a crash leaves one, and goes on without the commits that come after it. But what a crash leaves is in
 * the last commit: one begins only when the one before it has reached the disk. */
#include "server/jobs/journal.h"

/* Reads the log of that path; that there is none is fine. False, and why, where a frame is damaged that a later commit
 * follows, or the log's head is, or it can't be read. Changes nothing. */
bool sqlite_log_is_whole(const char *path, char reason[JOURNAL_REASON_BYTES]) __attribute__((warn_unused_result));
