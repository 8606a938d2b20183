/* The format: sqlite.org/fileformat2.html#walformat. A frame's checksum goes on from that of the frame before it, so a
 * frame that fits the one before it was written after it; and what follows a frame that ends a commit was written after
 * that commit had reached the disk. Frames left from an earlier round of the log have another salt. */
#include "server/jobs/sqlite_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES = 32, FRAME_HEAD_BYTES = 24, SALT_BYTES = 8, PAGE_LEAST = 512, PAGE_MOST = 65536 };

struct checksum {
    uint32_t first, second;
};

struct log {
    int file;
    bool is_big_endian; /* the words that are summed up */
    uint32_t page_bytes;
    unsigned char salt[SALT_BYTES];
    struct checksum checksum; /* that of the head, then of the frame read last, as it stands there … */
    struct checksum computed; /* … and as it should */
    unsigned char *frame;     /* room for one */
};

static uint32_t word(const unsigned char *bytes, bool is_big_endian) {
    return is_big_endian
               ? (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3]
               : (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[0];
}

static struct checksum add(struct checksum sum, const unsigned char *bytes, size_t length, bool is_big_endian) {
    for (size_t i = 0; i < length; i += 8) {
        sum.first += word(bytes + i, is_big_endian) + sum.second;
        sum.second += word(bytes + i + 4, is_big_endian) + sum.first;
    }
    return sum;
}

/* The checksum of a frame that comes after one with this one. */
static struct checksum add_frame(const struct log *log, struct checksum sum) {
    sum = add(sum, log->frame, 8, log->is_big_endian);
    return add(sum, log->frame + FRAME_HEAD_BYTES, log->page_bytes, log->is_big_endian);
}

static bool equals(struct checksum sum, const unsigned char *stored) {
    return sum.first == word(stored, true) && sum.second == word(stored + 4, true);
}

/* Whether `length` bytes are there; errno is 0 where the file just ends. */
static bool read_whole(int file, unsigned char *out, size_t length, off_t offset) {
    for (size_t done = 0; done < length;) {
        ssize_t count = pread(file, out + done, length - done, offset + (off_t)done);
        if (count <= 0 && errno != EINTR) {
            errno = count == 0 ? 0 : errno;
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool refuse(char *reason, const char *why) {
    (void)snprintf(reason, JOURNAL_REASON_BYTES, "its write-ahead log %s", why);
    return false;
}

/* Nothing but zeros: it was given its room, and has had no commit. */
static bool is_blank(const struct log *log) {
    static const unsigned char zeros[PAGE_MOST];
    off_t end = lseek(log->file, 0, SEEK_END);
    for (off_t offset = 0; offset < end; offset += PAGE_MOST) {
        size_t length = end - offset < PAGE_MOST ? (size_t)(end - offset) : PAGE_MOST;
        if (!read_whole(log->file, log->frame, length, offset) || memcmp(log->frame, zeros, length) != 0) {
            return false;
        }
    }
    return true;
}

static bool read_head(struct log *log, char *reason) {
    unsigned char head[HEAD_BYTES];
    if (!read_whole(log->file, head, sizeof head, 0)) {
        return refuse(reason, strerror(errno));
    }
    log->is_big_endian = (head[3] & 1) != 0;
    log->page_bytes = word(head + 8, true);
    memcpy(log->salt, head + 16, SALT_BYTES);
    log->checksum = add((struct checksum){0, 0}, head, HEAD_BYTES - 8, log->is_big_endian);
    bool is_page = log->page_bytes >= PAGE_LEAST && log->page_bytes <= PAGE_MOST;
    return (equals(log->checksum, head + HEAD_BYTES - 8) && is_page) || refuse(reason, "has a damaged head");
}

/* Whether a frame is damaged, with a commit behind it. */
static bool find_damage(struct log *log) {
    size_t frame_bytes = FRAME_HEAD_BYTES + (size_t)log->page_bytes;
    bool is_damaged = false; /* from here on, or this is the end */
    bool is_ended = false;   /* the frame before ends a commit that is damaged */
    for (off_t offset = HEAD_BYTES; read_whole(log->file, log->frame, frame_bytes, offset);
         offset += (off_t)frame_bytes) {
        const unsigned char *frame = log->frame;
        struct checksum sum = add_frame(log, log->checksum);
        bool has_salt = memcmp(frame + 8, log->salt, SALT_BYTES) == 0;
        bool fits = has_salt && equals(sum, frame + 16);
        /* The damage may be in the checksum of the frame before. */
        if (is_ended && (fits || (has_salt && equals(add_frame(log, log->computed), frame + 16)))) {
            return true;
        }
        is_damaged |= !fits;
        is_ended = is_damaged && word(frame + 4, true) != 0;
        log->computed = sum;
        log->checksum = (struct checksum){word(frame + 16, true), word(frame + 20, true)};
    }
    return false;
}

bool sqlite_log_is_whole(const char *path, char reason[JOURNAL_REASON_BYTES]) {
    struct log log = {.file = open(path, O_RDONLY | O_CLOEXEC), .frame = malloc(FRAME_HEAD_BYTES + PAGE_MOST)};
    bool is_whole = true;
    errno = log.file < 0 ? errno : 0;
    if (log.file < 0 || !log.frame) {
        is_whole = (log.file < 0 && errno == ENOENT) || refuse(reason, strerror(errno));
    } else if (lseek(log.file, 0, SEEK_END) > HEAD_BYTES) { /* else there is nothing in it */
        is_whole = is_blank(&log) || (read_head(&log, reason) && (!find_damage(&log) || refuse(reason, "is damaged")));
    }
    if (is_whole && errno != 0 && errno != ENOENT) {
        is_whole = refuse(reason, strerror(errno));
    }
    free(log.frame);
    if (log.file >= 0) {
        (void)close(log.file);
    }
    return is_whole;
}
