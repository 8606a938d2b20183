#pragma once
/* Files that are there whole after a crash or a power failure, or not at all: written under a temporary name, synced,
 * renamed, and the folder synced. All of them wait for the disk: never on an event loop.
 *
 * Two kinds. *Content* is named by its SHA-256, so that reading it tells whether it was changed, and the same bytes are
 * one file. A *record* is small, has a name its owner gives it, may be replaced, and ends with the SHA-256 of the rest.
 * What turns out to be torn or changed is renamed to *.bad, reported in the log, and never given out.
 *
 * `folder` is a descriptor of a folder that this process alone writes to (state_folder.h). Functions that return int
 * give 0 or an errno, ENOSPC and EDQUOT where the disk is full. Any thread; one durable_file is one thread's at a time.
 */
#include "codecs/problem.h"
#include "server/system/digest.h"

#include <dirent.h>
#include <stdint.h>

enum { DURABLE_PART_BYTES = 32, DURABLE_NAME_MAX = 200, DURABLE_RECORD_MAX = 1024 * 1024 };

/* Content on its way to the disk. After durable_begin every way ends with durable_publish or durable_discard. */
struct durable_file {
    int folder;
    int descriptor;                /* -1: closed */
    char part[DURABLE_PART_BYTES]; /* its temporary name, "" when it has none any more */
    struct digester digester;
    uint64_t length;
    uint64_t begun_bytes; /* of them the disk was asked to begin with */
    struct digest digest; /* once sealed */
    int error;            /* of the first write that failed, which all that follow fail with */
    bool holds_replaced;  /* durable_hold_replaced … */
    int replaced;         /* … has opened this */
};

/* Where it fails there is nothing to discard, and discarding it does nothing. */
MUST_CHECK int durable_begin(struct durable_file *file, int folder);
MUST_CHECK int durable_write(struct durable_file *file, const void *bytes, size_t length);

/* The same without the digest, for who makes that on another thread, and puts it into file->digester before the file is
 * sealed. */
MUST_CHECK int durable_write_unhashed(struct durable_file *file, const void *bytes, size_t length);

/* Asks the disk to begin with what was written since it was last asked, so that it works while the next bytes are
 * hashed and copied, and sealing finds little left. A hint: what goes wrong shows when the file is sealed. May wait
 * where the disk has as much to do as it can take. */
void durable_begin_sync(struct durable_file *file);

/* Syncs the bytes and closes the file: from here on it has a digest. */
MUST_CHECK int durable_seal(struct durable_file *file);

/* Gives content of another folder of the same file system a temporary name in this one, without a copy: then it is as
 * one that was sealed. The content isn't read. EXDEV, EPERM or EMLINK where the file system can't. */
MUST_CHECK int durable_link(struct durable_file *file, int folder, int from_folder, const struct digest *digest,
                            uint64_t length);

/* Renames what was sealed to its digest. It is there for sure after the next durable_sync_folder, so that many can be
 * published for one sync. */
MUST_CHECK int durable_publish(struct durable_file *file);

/* Keeps a file open that durable_publish will replace, if there is one: to free its blocks, and what is in memory of
 * them, takes a quarter of a millisecond a MiB, and is left to durable_discard then, which is due in any case. */
void durable_hold_replaced(struct durable_file *file);
MUST_CHECK int durable_sync_folder(int folder);

/* Seals, publishes and syncs the folder; discards it where one of these fails. */
MUST_CHECK int durable_store(struct durable_file *file);

/* Removes the temporary file, if there is one, and lets go of one that was replaced. */
void durable_discard(struct durable_file *file);

enum durable_outcome {
    DURABLE_GOOD,
    DURABLE_MISSING,
    DURABLE_BAD,   /* it was set aside; content perhaps before, and is still to be had as *.bad */
    DURABLE_FAILED /* it couldn't be read now: errno says why; it is where it was */
};

struct durable_view {
    const char *bytes; /* not writable, page-aligned unless empty */
    size_t length;
    void *mapping; /* NULL: none */
};

/* Maps content after comparing all of it with its digest and length. It stays valid when the file is removed. A disk
 * that fails while the mapping is used ends the process (SIGBUS); one that fails before is DURABLE_FAILED. */
MUST_CHECK enum durable_outcome durable_map(int folder, const struct digest *digest, uint64_t length,
                                            struct durable_view *view);
void durable_unmap(struct durable_view *view);

/* Writes a record in one step, over the one of that name, after all that was published in the folder: it may refer to
 * that. Where the file system has a journal, the record's own sync takes the names with it. `name`: 1 to
 * DURABLE_NAME_MAX letters, digits, '_', '-' and
 * '.', not first, and not ending in ".part" or ".bad"; EINVAL otherwise, and where it is longer than
 * DURABLE_RECORD_MAX. */
MUST_CHECK int durable_put(int folder, const char *name, const void *bytes, size_t length);

/* Reads a record: *bytes is the caller's to free, zero-terminated behind its length. */
MUST_CHECK enum durable_outcome durable_get(int folder, const char *name, char **bytes, size_t *length);

/* Removes content or a record; what isn't there is removed. Not synced: it may be back after a power failure. */
MUST_CHECK int durable_remove(int folder, const char *name);
MUST_CHECK int durable_remove_content(int folder, const struct digest *digest);

/* Removes temporary files that a crash left. Before anything is written to the folder. */
MUST_CHECK int durable_sweep(int folder);

/* A listing of the folder with a position of its own, to be closed; NULL and errno. */
DIR *durable_list(int folder);

/* Renames a file to the first free of *.bad, *.bad2, …, and says so in the log. */
void durable_set_aside(int folder, const char *name, const char *why);

/* How many files and folders were synced since the start. */
uint64_t durable_syncs(void);
