/* Two buffers: callers append to one under the lock, the log thread swaps it for the other and writes that out without
 * the lock. The thread writes at once when it was idle, then rests for BATCH_NS, so that under load it wakes (and
 * callers pay for waking it) at most once per batch; idle, it sleeps without a timeout. `waiting` says whether it needs
 * to be woken.
 *
 * Closing: log_close waits for `finished`, with a limit, since the thread may be stuck in a write to a full pipe. The
 * descriptor is never made non-blocking: it is shared with whoever started the process. All state is static, so that a
 * thread left behind never touches freed memory. */
#include "server/system/log.h"

#include "codecs/json/json_writer.h"
#include "server/system/clock.h"
#include "server/system/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_NS (10 * NS_PER_MS)
#define CLOSE_NS NS_PER_S

enum { BUFFER_BYTES = 1024 * 1024, LINE_BYTES = FIXED_MEMORY_BYTES, DETAIL_BYTES = 1024, POLL_MS = 50 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* of the log thread: lines, or closing */
    pthread_cond_t done; /* of log_close: finished */
    pthread_t thread;
    int fd;
    bool open;    /* the thread runs and takes lines */
    bool waiting; /* it is idle and must be woken for lines */
    bool closing;
    bool finished; /* it is about to return */
    size_t active; /* which buffer callers append to */
    size_t lengths[2];
    uint64_t dropped; /* lines, since the last report */
    char buffers[2][BUFFER_BYTES];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

static atomic_uint_fast64_t dropped_lines;
static atomic_int enabled_level = LOG_INFO;
static atomic_uint_fast64_t give_up_ns = UINT64_MAX; /* when closing: the time to stop trying */

/* What waits goes by the system's clock: a test's own may be ahead of it for ever. */
static uint64_t waiting_now_ns(void) {
    return clock_read(CLOCK_MONOTONIC);
}

static struct timespec to_timespec(uint64_t time_ns) {
    return (struct timespec){.tv_sec = (time_t)(time_ns / NS_PER_S), .tv_nsec = (long)(time_ns % NS_PER_S)};
}

static uint64_t count_lines(const char *bytes, size_t length) {
    uint64_t lines = 0;
    for (const char *end = bytes + length; (bytes = memchr(bytes, '\n', (size_t)(end - bytes))); bytes++) {
        lines++;
    }
    return lines;
}

/* Everything, waiting as long as the reader needs while the log isn't being closed. Returns how many bytes went out. */
static size_t write_all(int fd, const char *bytes, size_t length) {
    size_t written = 0;
    while (written < length) {
        ssize_t count = write(fd, bytes + written, length - written);
        if (count > 0) {
            written += (size_t)count;
            continue;
        }
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count == 0 || errno != EAGAIN || waiting_now_ns() >= atomic_load(&give_up_ns)) {
            break;
        }
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        (void)poll(&writable, 1, POLL_MS);
    }
    return written;
}

/* One try, without waiting for a reader: a line of this size fits a pipe that is writable at all, or is dropped. */
static void write_directly(int fd, const char *bytes, size_t length) {
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    if (poll(&writable, 1, 0) == 1 && (writable.revents & POLLOUT)) {
        (void)!write(fd, bytes, length);
    }
}

/* An event line with its newline; it ends with the detail, or else with the number of lines dropped. 0: it failed. */
static size_t format_line(char *out, size_t capacity, enum log_level level, const char *event, const char *detail,
                          uint64_t dropped) {
    struct fixed_memory memory;
    struct json_writer writer;
    char now[LOG_TIME_BYTES];
    fixed_memory_init(&memory);
    json_writer_init(&writer, &memory.base, capacity - 1);
    json_begin_object(&writer);
    json_key(&writer, "time");
    json_text(&writer, now, log_time(now, sizeof now));
    json_key(&writer, "level");
    json_cstring(&writer, log_level_name(level));
    json_key(&writer, "event");
    json_cstring(&writer, event);
    if (detail) {
        json_key(&writer, "detail");
        json_text(&writer, detail, strlen(detail));
    } else {
        json_key(&writer, "lines");
        json_unsigned(&writer, dropped);
    }
    json_end_object(&writer);
    size_t length = 0;
    if (!json_writer_failed(&writer)) {
        length = writer.text.length;
        memcpy(out, writer.text.data, length);
        out[length++] = '\n';
    }
    json_writer_deinit(&writer);
    return length;
}

/* Called with the lock held. */
static void drop_lines(uint64_t lines) {
    state.dropped += lines;
    atomic_fetch_add(&dropped_lines, lines);
}

uint64_t log_dropped_lines(void) {
    return atomic_load(&dropped_lines);
}

/* Writes the buffer that callers filled, and how many lines they lost meanwhile. Called and returns with the lock held.
 */
static void flush_active(void) {
    size_t full = state.active;
    size_t length = state.lengths[full];
    uint64_t dropped = state.dropped;
    int fd = state.fd;
    state.active = 1 - full;
    state.dropped = 0;
    pthread_mutex_unlock(&state.lock);

    size_t written = write_all(fd, state.buffers[full], length);
    uint64_t lost = count_lines(state.buffers[full] + written, length - written);
    uint64_t unreported = 0;
    if (dropped > 0) {
        char line[LINE_BYTES];
        size_t line_length = format_line(line, sizeof line, LOG_WARN, "log-dropped", NULL, dropped);
        if (lost > 0 || write_all(fd, line, line_length) < line_length) {
            unreported = dropped;
        }
    }

    pthread_mutex_lock(&state.lock);
    state.lengths[full] = 0;
    state.dropped += unreported;
    drop_lines(lost);
}

static void *write_lines(void *unused) {
    (void)unused;
    pthread_mutex_lock(&state.lock);
    for (;;) {
        while (!state.closing && state.lengths[state.active] == 0) {
            state.waiting = true;
            pthread_cond_wait(&state.wake, &state.lock);
        }
        state.waiting = false;
        flush_active();
        if (state.closing && state.lengths[state.active] == 0) {
            break;
        }
        struct timespec batch_end = to_timespec(waiting_now_ns() + BATCH_NS);
        while (!state.closing && pthread_cond_timedwait(&state.wake, &state.lock, &batch_end) == 0) {
            /* woken before the batch is over */
        }
    }
    state.finished = true;
    pthread_cond_signal(&state.done);
    pthread_mutex_unlock(&state.lock);
    return NULL;
}

static void init_conditions(void) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&state.wake, &monotonic);
    pthread_cond_init(&state.done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void log_open(enum log_level level, int fd) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_conditions);
    atomic_store(&enabled_level, (int)level);
    atomic_store(&give_up_ns, UINT64_MAX);
    pthread_mutex_lock(&state.lock);
    state.fd = fd;
    state.closing = false;
    state.finished = false;
    state.open = thread_start(&state.thread, "log", write_lines, NULL) == 0;
    pthread_mutex_unlock(&state.lock);
}

void log_close(void) {
    pthread_mutex_lock(&state.lock);
    if (!state.open) {
        pthread_mutex_unlock(&state.lock);
        return;
    }
    uint64_t deadline_ns = waiting_now_ns() + CLOSE_NS;
    struct timespec deadline = to_timespec(deadline_ns);
    atomic_store(&give_up_ns, deadline_ns);
    state.open = false;
    state.closing = true;
    pthread_cond_signal(&state.wake);
    while (!state.finished && pthread_cond_timedwait(&state.done, &state.lock, &deadline) == 0) {
        /* woken for something else */
    }
    bool finished = state.finished;
    pthread_mutex_unlock(&state.lock);
    if (finished) {
        pthread_join(state.thread, NULL);
    } else {
        pthread_detach(state.thread);
    }
}

bool log_enabled(enum log_level level) {
    return (int)level <= atomic_load_explicit(&enabled_level, memory_order_relaxed);
}

void log_lines(const char *bytes, size_t length) {
    bool wake = false;
    pthread_mutex_lock(&state.lock);
    bool open = state.open;
    int fd = state.fd;
    size_t *queued = &state.lengths[state.active];
    if (!open) {
        /* written below, without the lock */
    } else if (length > BUFFER_BYTES - *queued) {
        drop_lines(count_lines(bytes, length));
    } else if (length > 0) {
        memcpy(state.buffers[state.active] + *queued, bytes, length);
        *queued += length;
        wake = state.waiting;
        state.waiting = false;
    }
    if (wake) {
        pthread_cond_signal(&state.wake);
    }
    pthread_mutex_unlock(&state.lock);
    if (!open) {
        write_directly(fd, bytes, length);
    }
}

void log_event(enum log_level level, const char *event, const char *format, ...) {
    if (!log_enabled(level)) {
        return;
    }
    char detail[DETAIL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return;
    }
    char line[LINE_BYTES];
    log_lines(line, format_line(line, sizeof line, level, event, detail, 0));
}

size_t log_time(char *out, size_t capacity) {
    static _Thread_local struct {
        time_t second;
        char text[32]; /* "2026-01-01T00:00:00." */
    } cached = {.second = -1};
    if (capacity < LOG_TIME_BYTES) {
        return 0;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != cached.second) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        strftime(cached.text, sizeof cached.text, "%Y-%m-%dT%H:%M:%S.", &utc);
        cached.second = now.tv_sec;
    }
    memcpy(out, cached.text, 20);
    long milliseconds = now.tv_nsec / 1000000;
    out[20] = (char)('0' + milliseconds / 100);
    out[21] = (char)('0' + milliseconds / 10 % 10);
    out[22] = (char)('0' + milliseconds % 10);
    out[23] = 'Z';
    return LOG_TIME_BYTES;
}

const char *log_level_name(enum log_level level) {
    static const char *const names[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
    return names[level];
}
