#pragma once
/* JSON lines on stderr, written by a thread of their own, so that a slow or stuck reader of the log never holds up a
 * request. Lines that don't fit the 1 MiB buffer are dropped, counted, and reported by a "log-dropped" line later.
 *
 * One log per process. log_open and log_close are called by one thread; everything else by any, at any time. Before
 * log_open lines go straight to stderr, after log_close to the fd it had, and are dropped where that would block. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_TIME_BYTES = 24 };

/* Starts the thread. fd is borrowed; it may be non-blocking. If no thread can be had, lines are written by the caller.
 */
void log_open(enum log_level level, int fd);

/* Writes what is queued, for at most about a second, and ends the thread (a thread stuck in a write is left behind: the
 * process is about to exit, and the log can't be opened again then). */
void log_close(void);

bool log_enabled(enum log_level level);

/* Complete lines, formatted already, the last newline included. */
void log_lines(const char *bytes, size_t length);

/* {"time":"2026-01-01T00:00:00.000Z","level":"info","event":"...","detail":"..."}; the detail ends after 1 KiB. Without
 * effect if the level isn't enabled. event: static, plain ASCII. */
void log_event(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Lines that were dropped since the start, whether or not that was reported already. */
uint64_t log_dropped_lines(void);

/* The time of day, RFC 3339 in UTC with milliseconds (a tick coarse). Writes LOG_TIME_BYTES bytes, not zero-terminated,
 * and returns that; 0 if capacity is less. */
size_t log_time(char *out, size_t capacity);

/* "error", "warn", "info", "debug". */
const char *log_level_name(enum log_level level);
