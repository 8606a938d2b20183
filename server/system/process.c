#include "server/system/process.h"

#include "server/system/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_BYTES = 1024, POLLED_AT_ONCE = 1024 };

/* The number behind so many spaces. */
static uint64_t number_at(const char *text, unsigned spaces) {
    while (spaces > 0 && *text != '\0') {
        spaces -= *text++ == ' ';
    }
    return strtoull(text, NULL, 10);
}

bool process_parse(const char *text, uint64_t page_bytes, struct process_figures *figures) {
    enum { THREADS = 18, VIRTUAL = 21, RESIDENT = 22, FIELDS = 22 }; /* behind the name: proc_pid_stat(5) */
    const char *behind_name = strrchr(text, ')');                    /* which may have anything in it */
    unsigned spaces = 0;
    for (const char *at = behind_name; at && *at != '\0'; at++) {
        spaces += *at == ' ';
    }
    if (spaces < FIELDS) {
        return false;
    }
    figures->threads = number_at(behind_name, THREADS);
    figures->virtual_bytes = number_at(behind_name, VIRTUAL);
    figures->resident_bytes = number_at(behind_name, RESIDENT) * page_bytes;
    return true;
}

uint64_t process_parse_table(const char *text) {
    static const char key[] = "\nFDSize:";
    const char *found = strstr(text, key);
    return found ? strtoull(found + sizeof key - 1, NULL, 10) : 0;
}

/* False: it can't be read. */
static bool read_text(const char *path, char text[STATUS_BYTES]) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, STATUS_BYTES - 1);
    if (file >= 0) {
        (void)close(file);
    }
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* poll says of a closed one POLLNVAL. */
uint64_t process_count_open(uint64_t limit) {
    struct pollfd polled[POLLED_AT_ONCE];
    uint64_t open_ones = 0;
    for (uint64_t from = 0; from < limit; from += POLLED_AT_ONCE) {
        nfds_t count = limit - from < POLLED_AT_ONCE ? (nfds_t)(limit - from) : POLLED_AT_ONCE;
        for (nfds_t i = 0; i < count; i++) {
            polled[i] = (struct pollfd){.fd = (int)(from + i)};
        }
        if (poll(polled, count, 0) < 0) {
            break;
        }
        for (nfds_t i = 0; i < count; i++) {
            open_ones += (polled[i].revents & POLLNVAL) == 0;
        }
    }
    return open_ones;
}

/* Since Linux 6.2 the folder's size is their number. Before, as many places as the process's table has are looked at.
 */
static uint64_t count_files(void) {
    struct stat folder;
    char text[STATUS_BYTES];
    if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
        return (uint64_t)folder.st_size;
    }
    return read_text("/proc/self/status", text) ? process_count_open(process_parse_table(text)) : 0;
}

void process_read(struct process_figures *figures) {
    struct rlimit limit = {0};
    char text[STATUS_BYTES];
    *figures = (struct process_figures){.cpu_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID)};
    figures->has_status =
        read_text("/proc/self/stat", text) && process_parse(text, (uint64_t)sysconf(_SC_PAGESIZE), figures);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    figures->files_max = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
    figures->files_open = count_files();
}
