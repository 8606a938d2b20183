#include "server/system/state_folder.h"

#include "server/system/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "lock"

enum { OWNER_BYTES = 64 };

static int refuse(int error, char *reason, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(int error, char *reason, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, STATE_REASON_BYTES, format, arguments);
    va_end(arguments);
    return error;
}

const char *state_folder_default(char path[PATH_MAX], char reason[STATE_REASON_BYTES]) {
    const char *state_home = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int length = -1;
    if (state_home && state_home[0] == '/') { /* its specification has others ignored */
        length = snprintf(path, PATH_MAX, "%s/forkjoin", state_home);
    } else if (home && home[0] == '/') {
        length = snprintf(path, PATH_MAX, "%s/.local/state/forkjoin", home);
    } else {
        (void)refuse(ENOENT, reason, "there is no state folder: neither XDG_STATE_HOME nor HOME is an absolute path");
        return NULL;
    }
    if (length < 0 || length >= PATH_MAX) {
        (void)refuse(ENAMETOOLONG, reason, "the state folder's path is longer than %d bytes", PATH_MAX - 1);
        return NULL;
    }
    return path;
}

/* What was made in a folder is there after a power failure once the folder is synced. */
static void sync_parent(const char *path) {
    char parent[PATH_MAX + 3];
    (void)snprintf(parent, sizeof parent, "%s/..", path);
    int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        (void)disk_sync(folder); /* where that fails, what is written further down will fail as well */
        (void)close(folder);
    }
}

/* Makes the folders on the way that are missing. `path` is changed meanwhile. */
static int make_folders(char *path, char reason[STATE_REASON_BYTES]) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        path[--length] = '\0';
    }
    for (char *end = strchr(path + 1, '/');; end = strchr(end + 1, '/')) {
        if (end) {
            *end = '\0';
        }
        int error = mkdir(path, S_IRWXU) == 0 ? 0 : errno;
        struct stat there;
        if (error && stat(path, &there) == 0 && S_ISDIR(there.st_mode)) {
            error = EEXIST; /* EROFS and the like come first */
        }
        if (error && error != EEXIST) {
            (void)refuse(error, reason, "%s can't be made: %s", path, strerror(error));
        }
        if (!error) {
            sync_parent(path);
        }
        if (end) {
            *end = '/';
        }
        if ((error && error != EEXIST) || !end) {
            return error == EEXIST ? 0 : error;
        }
    }
}

static int refuse_taken(int lock, const char *path, char *reason) {
    char owner[OWNER_BYTES] = "";
    ssize_t length = pread(lock, owner, sizeof owner - 1, 0);
    char *end = length > 0 ? strchr(owner, '\n') : NULL;
    if (end) {
        *end = '\0';
        return refuse(EWOULDBLOCK, reason, "%s is in use by another forkjoin (%s)", path, owner);
    }
    return refuse(EWOULDBLOCK, reason, "%s is in use by another process", path);
}

/* Locks that belong to the open file rather than the process: a second one within this process is refused as well, and
 * closing another descriptor of the file doesn't end it. Unlike flock they work on NFS. The file is never removed: who
 * locked what another has just removed would have nothing. */
static int take_lock(struct state_folder *state, char reason[STATE_REASON_BYTES]) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char owner[OWNER_BYTES];
    state->lock = openat(state->folder, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (state->lock < 0) {
        return refuse(errno, reason, "%s/" LOCK_NAME " can't be opened: %s", state->path, strerror(errno));
    }
    if (fcntl(state->lock, F_OFD_SETLK, &whole) != 0) {
        if (errno == EAGAIN || errno == EACCES) {
            return refuse_taken(state->lock, state->path, reason);
        }
        return refuse(errno, reason, "%s/" LOCK_NAME " can't be locked: %s", state->path, strerror(errno));
    }
    int length = snprintf(owner, sizeof owner, "process %ld\n", (long)getpid());
    /* For people: where there is no room for it, the lock holds all the same. */
    bool is_named = ftruncate(state->lock, 0) == 0 && pwrite(state->lock, owner, (size_t)length, 0) == length;
    (void)is_named;
    return 0;
}

int state_folder_open(struct state_folder *state, const char *path, char reason[STATE_REASON_BYTES]) {
    *state = (struct state_folder){.folder = -1, .lock = -1};
    int length = snprintf(state->path, sizeof state->path, "%s", path);
    if (length <= 0 || length >= (int)sizeof state->path) {
        return refuse(length <= 0 ? EINVAL : ENAMETOOLONG, reason, "a path of %d bytes can't be a state folder's",
                      length);
    }
    int error = make_folders(state->path, reason);
    if (error) {
        return error;
    }
    state->folder = open(state->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = state->folder < 0 ? refuse(errno, reason, "%s can't be opened: %s", state->path, strerror(errno))
                              : take_lock(state, reason);
    if (error) {
        state_folder_close(state);
    }
    return error;
}

void state_folder_close(struct state_folder *state) {
    if (state->lock >= 0) {
        (void)close(state->lock);
    }
    if (state->folder >= 0) {
        (void)close(state->folder);
    }
    state->lock = state->folder = -1;
}

int state_folder_within(const struct state_folder *state, const char *name, char reason[STATE_REASON_BYTES]) {
    if (mkdirat(state->folder, name, S_IRWXU) == 0) {
        if (disk_sync(state->folder) != 0) {
            (void)refuse(errno, reason, "%s can't be synced: %s", state->path, strerror(errno));
            return -1;
        }
    } else if (errno != EEXIST) {
        (void)refuse(errno, reason, "%s/%s can't be made: %s", state->path, name, strerror(errno));
        return -1;
    }
    int folder = openat(state->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        (void)refuse(errno, reason, "%s/%s can't be opened: %s", state->path, name, strerror(errno));
    }
    return folder;
}
