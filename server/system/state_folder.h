#pragma once
/* The folder where what outlives the process is kept, and the lock by which one process at a time has it. One thread
 * opens and closes it; the descriptors may be used by any. */
#include <limits.h>

enum { STATE_REASON_BYTES = PATH_MAX + 256 };

struct state_folder {
    char path[PATH_MAX];
    int folder; /* descriptor; -1: closed */
    int lock;
};

/* $XDG_STATE_HOME/forkjoin or ~/.local/state/forkjoin. NULL, and the reason, where there is none. `path` is returned.
 */
const char *state_folder_default(char path[PATH_MAX], char reason[STATE_REASON_BYTES]);

/* Makes the folder (mode 0700, those above it as well) unless it exists, and locks it. 0, or an errno and the reason in
 * one line: EWOULDBLOCK where another process has it, which is named. Nothing is left open then, and closing does
 * nothing. A lock ends with its process, however that ends. */
int state_folder_open(struct state_folder *state, const char *path, char reason[STATE_REASON_BYTES])
    __attribute__((warn_unused_result));
void state_folder_close(struct state_folder *state);

/* A descriptor, the caller's to close, of a folder in it, made unless it exists; -1 and the reason. `name` is one part
 * of a path. */
int state_folder_within(const struct state_folder *state, const char *name, char reason[STATE_REASON_BYTES])
    __attribute__((warn_unused_result));
