#include "server/system/durable_file.h"

#include "server/system/disk.h"
#include "server/system/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_ENDING ".part"
#define BAD_ENDING ".bad"

/* Read at once to be compared with a digest: well within the cache, so that hashing reads no memory. */
enum { READ_BYTES = 256 * 1024, BAD_NAMES_MAX = 10000 };

static_assert(sizeof "01234567890123456789" PART_ENDING <= DURABLE_PART_BYTES, "a counter and its ending fit");

/* Names of one process differ by their number; what an earlier one left is swept away first. */
static atomic_uint_fast64_t parts_begun;

static void name_part(char out[DURABLE_PART_BYTES]) {
    (void)snprintf(out, DURABLE_PART_BYTES, "%llu" PART_ENDING, (unsigned long long)atomic_fetch_add(&parts_begun, 1));
}

int durable_begin(struct durable_file *file, int folder) {
    *file = (struct durable_file){.folder = folder, .descriptor = -1};
    digester_init(&file->digester);
    do {
        name_part(file->part);
        file->descriptor =
            openat(folder, file->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    } while (file->descriptor < 0 && (errno == EEXIST || errno == EINTR));
    if (file->descriptor < 0) {
        file->error = errno;
        file->part[0] = '\0';
    }
    return file->error;
}

/* Writes all, however little a call takes of it. */
static int write_whole(int descriptor, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = disk_write(descriptor, bytes, length);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written == 0) {
            return EIO;
        }
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

int durable_write(struct durable_file *file, const void *bytes, size_t length) {
    if (!file->error) {
        digester_add(&file->digester, bytes, length);
    }
    return durable_write_unhashed(file, bytes, length);
}

int durable_write_unhashed(struct durable_file *file, const void *bytes, size_t length) {
    if (!file->error) {
        file->length += length;
        file->error = write_whole(file->descriptor, bytes, length);
    }
    return file->error;
}

void durable_begin_sync(struct durable_file *file) {
    if (!file->error && file->length > file->begun_bytes) {
        (void)sync_file_range(file->descriptor, (off_t)file->begun_bytes, (off_t)(file->length - file->begun_bytes),
                              SYNC_FILE_RANGE_WRITE);
        file->begun_bytes = file->length;
    }
}

/* A descriptor whose sync failed says nothing of its bytes any more, so nobody tries again. */
static int sync_and_close(int descriptor, int error) {
    if (!error && disk_sync(descriptor) != 0) {
        error = errno;
    }
    if (close(descriptor) != 0 && !error) {
        error = errno;
    }
    return error;
}

int durable_seal(struct durable_file *file) {
    assert(file->descriptor >= 0);
    file->error = sync_and_close(file->descriptor, file->error);
    file->descriptor = -1;
    file->digest = digester_end(&file->digester);
    return file->error;
}

int durable_link(struct durable_file *file, int folder, int from_folder, const struct digest *digest, uint64_t length) {
    char name[DIGEST_TEXT_LENGTH + 1];
    *file = (struct durable_file){.folder = folder, .descriptor = -1, .length = length, .digest = *digest};
    digest_print(digest, name);
    int failed;
    do {
        name_part(file->part);
        failed = linkat(from_folder, name, folder, file->part, 0);
    } while (failed != 0 && errno == EEXIST);
    if (failed != 0) {
        file->error = errno;
        file->part[0] = '\0';
    }
    return file->error;
}

int durable_publish(struct durable_file *file) {
    char name[DIGEST_TEXT_LENGTH + 1];
    assert(file->descriptor < 0);
    if (!file->error && disk_rename(file->folder, file->part, digest_print(&file->digest, name)) != 0) {
        file->error = errno;
    }
    if (!file->error) {
        /* Two names of one inode: rename leaves both, and says that it went well. */
        (void)disk_unlink(file->folder, file->part);
        file->part[0] = '\0';
    }
    return file->error;
}

void durable_hold_replaced(struct durable_file *file) {
    char name[DIGEST_TEXT_LENGTH + 1];
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    if (!file->holds_replaced) {
        file->replaced = openat(file->folder, digest_print(&file->digest, name), flags);
        file->holds_replaced = file->replaced >= 0;
    }
}

int durable_sync_folder(int folder) {
    return disk_sync(folder) == 0 ? 0 : errno;
}

int durable_store(struct durable_file *file) {
    int error = durable_seal(file);
    if (!error) {
        error = durable_publish(file);
    }
    if (!error) {
        error = durable_sync_folder(file->folder);
    }
    if (error) {
        durable_discard(file);
    }
    return error;
}

void durable_discard(struct durable_file *file) {
    if (file->descriptor >= 0) {
        (void)close(file->descriptor);
        file->descriptor = -1;
    }
    if (file->part[0] != '\0') {
        (void)disk_unlink(file->folder, file->part);
        file->part[0] = '\0';
    }
    if (file->holds_replaced) {
        (void)close(file->replaced);
        file->holds_replaced = false;
    }
}

void durable_set_aside(int folder, const char *name, const char *why) {
    char aside[NAME_MAX + 1] = "";
    for (unsigned i = 1; i <= BAD_NAMES_MAX; i++) {
        char number[16] = "";
        if (i > 1) {
            (void)snprintf(number, sizeof number, "%u", i);
        }
        int length = snprintf(aside, sizeof aside, "%s" BAD_ENDING "%s", name, number);
        struct stat there;
        if (length < (int)sizeof aside && fstatat(folder, aside, &there, AT_SYMLINK_NOFOLLOW) != 0) {
            break;
        }
    }
    if (disk_rename(folder, name, aside) != 0) {
        log_event(LOG_ERROR, "bad-file", "%s: %s; it can't be renamed to %s: %s", name, why, aside, strerror(errno));
        return;
    }
    (void)disk_sync(folder);
    log_event(LOG_ERROR, "bad-file", "%s: %s; kept as %s", name, why, aside);
}

/* Content of that name, now or before: whoever wants it shall be told so each time, by a later process as well. */
static bool was_set_aside(int folder, const char *name) {
    char aside[DIGEST_TEXT_LENGTH + sizeof BAD_ENDING];
    struct stat there;
    (void)snprintf(aside, sizeof aside, "%s" BAD_ENDING, name);
    return fstatat(folder, aside, &there, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

/* Opens a file to read it; DURABLE_GOOD with its descriptor and length. */
static enum durable_outcome open_to_read(int folder, const char *name, int *descriptor, uint64_t *length) {
    struct stat file;
    *descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*descriptor < 0) {
        if (errno == ELOOP) {
            durable_set_aside(folder, name, "it is a symbolic link");
            return DURABLE_BAD;
        }
        return errno == ENOENT ? DURABLE_MISSING : DURABLE_FAILED;
    }
    if (fstat(*descriptor, &file) != 0) {
        int error = errno;
        (void)close(*descriptor);
        errno = error;
        return DURABLE_FAILED;
    }
    if (!S_ISREG(file.st_mode)) {
        (void)close(*descriptor);
        durable_set_aside(folder, name, "it is no file");
        return DURABLE_BAD;
    }
    *length = (uint64_t)file.st_size;
    return DURABLE_GOOD;
}

/* Up to `length` bytes: fewer only where the file ends. -1: errno. */
static ssize_t read_up_to(int descriptor, char *out, size_t length) {
    size_t filled = 0;
    while (filled < length) {
        ssize_t count = read(descriptor, out + filled, length - filled);
        if (count == 0) {
            break;
        }
        if (count < 0 && errno != EINTR) {
            return -1;
        }
        filled += count > 0 ? (size_t)count : 0;
    }
    return (ssize_t)filled;
}

/* By reading, so that a disk that fails is an error here and not a signal. */
static enum durable_outcome compare_with_digest(int descriptor, const struct digest *digest) {
    struct digester digester;
    char *block = malloc(READ_BYTES);
    ssize_t count = block ? 0 : -1;
    digester_init(&digester);
    while (block && (count = read_up_to(descriptor, block, READ_BYTES)) > 0) {
        digester_add(&digester, block, (size_t)count);
    }
    int error = errno;
    free(block);
    errno = error;
    if (count < 0) {
        return DURABLE_FAILED;
    }
    struct digest found = digester_end(&digester);
    return digest_equal(&found, digest) ? DURABLE_GOOD : DURABLE_BAD;
}

static enum durable_outcome map_open_file(int folder, const char *name, int descriptor, const struct digest *digest,
                                          struct durable_view *view) {
    enum durable_outcome outcome = compare_with_digest(descriptor, digest);
    if (outcome == DURABLE_BAD) {
        durable_set_aside(folder, name, "it isn't what its name says");
    }
    if (outcome == DURABLE_GOOD && view->length > 0) {
        view->mapping = mmap(NULL, view->length, PROT_READ, MAP_SHARED, descriptor, 0);
        if (view->mapping == MAP_FAILED) {
            view->mapping = NULL;
            return DURABLE_FAILED;
        }
        view->bytes = view->mapping;
    }
    return outcome;
}

enum durable_outcome durable_map(int folder, const struct digest *digest, uint64_t length, struct durable_view *view) {
    char name[DIGEST_TEXT_LENGTH + 1];
    int descriptor;
    uint64_t found;
    *view = (struct durable_view){.bytes = ""};
    enum durable_outcome outcome = open_to_read(folder, digest_print(digest, name), &descriptor, &found);
    if (outcome) {
        return outcome == DURABLE_MISSING && was_set_aside(folder, name) ? DURABLE_BAD : outcome;
    }
    if (found != length) {
        durable_set_aside(folder, name, found < length ? "it is too short" : "it is too long");
        outcome = DURABLE_BAD;
    } else {
        view->length = (size_t)length;
        outcome = map_open_file(folder, name, descriptor, digest, view);
    }
    int error = errno;
    (void)close(descriptor);
    if (outcome) {
        *view = (struct durable_view){.bytes = ""};
    }
    errno = error;
    return outcome;
}

void durable_unmap(struct durable_view *view) {
    if (view->mapping) {
        (void)munmap(view->mapping, view->length);
    }
    *view = (struct durable_view){.bytes = ""};
}

static bool is_record_name(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t length = strspn(name, allowed);
    return length > 0 && length <= DURABLE_NAME_MAX && name[length] == '\0' && name[0] != '.' &&
           !ends_with(name, PART_ENDING) && !ends_with(name, BAD_ENDING);
}

int durable_put(int folder, const char *name, const void *bytes, size_t length) {
    struct durable_file file;
    if (!is_record_name(name) || length > DURABLE_RECORD_MAX) {
        return EINVAL;
    }
    int error = durable_begin(&file, folder);
    if (!error) {
        struct digest digest = digest_of(bytes, length);
        error = durable_write(&file, bytes, length);
        if (!error) {
            error = durable_write(&file, digest.bytes, sizeof digest.bytes);
        }
        if (!error) {
            error = durable_seal(&file);
        }
        if (!error) {
            error = durable_sync_folder(folder);
        }
        if (!error && disk_rename(folder, file.part, name) != 0) {
            error = errno;
        }
        if (error) {
            durable_discard(&file);
        }
    }
    return error ? error : durable_sync_folder(folder);
}

/* The record of an open file, in `block`, and DURABLE_BAD if it is none. */
static enum durable_outcome read_record(int descriptor, char *block, size_t whole) {
    ssize_t count = read_up_to(descriptor, block, whole);
    if (count < 0) {
        return DURABLE_FAILED;
    }
    if ((size_t)count < whole) {
        return DURABLE_BAD;
    }
    size_t length = whole - DIGEST_BYTES;
    struct digest digest = digest_of(block, length);
    bool is_good = memcmp(digest.bytes, block + length, DIGEST_BYTES) == 0;
    block[length] = '\0';
    return is_good ? DURABLE_GOOD : DURABLE_BAD;
}

enum durable_outcome durable_get(int folder, const char *name, char **bytes, size_t *length) {
    int descriptor;
    uint64_t whole;
    *bytes = NULL;
    *length = 0;
    if (!is_record_name(name)) {
        return DURABLE_MISSING;
    }
    enum durable_outcome outcome = open_to_read(folder, name, &descriptor, &whole);
    if (outcome) {
        return outcome;
    }
    char *block = NULL;
    outcome = DURABLE_BAD;
    if (whole >= DIGEST_BYTES && whole <= DURABLE_RECORD_MAX + DIGEST_BYTES) {
        block = malloc((size_t)whole);
        outcome = block ? read_record(descriptor, block, (size_t)whole) : DURABLE_FAILED;
    }
    int error = errno;
    (void)close(descriptor);
    if (outcome == DURABLE_BAD) {
        durable_set_aside(folder, name, "it doesn't end with its own checksum");
    }
    if (outcome) {
        free(block);
    } else {
        *bytes = block;
        *length = (size_t)whole - DIGEST_BYTES;
    }
    errno = error;
    return outcome;
}

int durable_remove(int folder, const char *name) {
    return disk_unlink(folder, name) == 0 || errno == ENOENT ? 0 : errno;
}

int durable_remove_content(int folder, const struct digest *digest) {
    char name[DIGEST_TEXT_LENGTH + 1];
    return durable_remove(folder, digest_print(digest, name));
}

DIR *durable_list(int folder) {
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = own >= 0 ? fdopendir(own) : NULL;
    if (!listing && own >= 0) {
        int error = errno;
        (void)close(own);
        errno = error;
    }
    return listing;
}

int durable_sweep(int folder) {
    DIR *listing = durable_list(folder);
    if (!listing) {
        return errno;
    }
    int error = 0;
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(listing))) {
        if (ends_with(entry->d_name, PART_ENDING) && disk_unlink(folder, entry->d_name) != 0) {
            error = errno;
        }
    }
    if (errno) {
        error = errno;
    }
    (void)closedir(listing);
    return error;
}

uint64_t durable_syncs(void) {
    return atomic_load_explicit(&disk_sync_count, memory_order_relaxed);
}
