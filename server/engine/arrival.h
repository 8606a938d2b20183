#pragma once
/* Bytes that go to a file as they arrive (server/system/durable_file.h): hashed and written by threads of their own, so
 * that neither an event loop nor a core of the budget waits for the disk, and what arrives next does so meanwhile.
 *
 * Life: arrival_new -> arrival_add for one piece after the other, the last of them with `last`, each when the one
 * before is done -> whoever wants the file takes it from arrival_file -> arrival_drop, which is due however it ends. An
 * arrival that is dropped leaves nothing in the folder, whatever had come of it.
 *
 * Thread rule: any thread, one at a time; between arrival_add and `done` it is the disk's. */
#include "server/system/durable_file.h"

struct arrivals; /* the threads */
struct arrival;

/* NULL: no memory, or no thread (errno). */
struct arrivals *arrivals_new(void);
/* No arrival is begun or added to any more; what was asked is done before it returns. The folders are there still. NULL
 * is fine. */
void arrivals_settle(struct arrivals *arrivals);
/* After that, and after the last arrival_drop and arrivals_clear: a file that these still discard may be left, where
 * its folder is closed by then. NULL is fine. */
void arrivals_free(struct arrivals *arrivals);

/* Has one of the threads discard a file (NULL: none) and unmap a view (of nothing: fine), since both take milliseconds
 * where much is in them. They are copied, and gone for the caller. Without memory it is done at once. */
void arrivals_clear(struct arrivals *arrivals, const struct durable_file *file, const struct durable_view *view);

/* Of content for the folder. Nothing is written yet. NULL: no memory. */
struct arrival *arrival_new(struct arrivals *arrivals, int folder);

/* Appends the bytes, which stay where they are until done(context) is called, once, on a thread of `arrivals`: the
 * arrival may be dropped in there. The `last` piece, which may be empty, is followed by sealing the file. Nothing is
 * added to one that has failed. */
void arrival_add(struct arrival *arrival, const char *bytes, size_t length, bool last, void (*done)(void *context),
                 void *context);

/* What a piece has met with: an errno; 0: nothing. What was written is gone then. */
int arrival_error(const struct arrival *arrival);

/* The file, sealed once the last piece is done. The arrival's still: who publishes it leaves it without a temporary
 * name, and nothing to discard. */
struct durable_file *arrival_file(struct arrival *arrival);

/* Discards what nobody has published, without waiting for the disk. NULL is fine. */
void arrival_drop(struct arrival *arrival);
