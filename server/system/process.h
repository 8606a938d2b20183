#pragma once
/* What the system says about this process. Any thread; nothing waits, and it takes some 20 µs, in containers too. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_figures {
    uint64_t cpu_ns; /* of all threads, ended ones too */
    bool has_status; /* false: /proc can't be read, and the next three aren't known */
    uint64_t threads;
    uint64_t virtual_bytes;
    uint64_t resident_bytes;
    uint64_t files_open; /* 0: it isn't known */
    uint64_t files_max;  /* the soft limit; UINT64_MAX: there is none */
};

void process_read(struct process_figures *figures);

/* Of descriptors 0 to `limit`, not included, how many are open: without a look at each through a folder of /proc, which
 * takes a microsecond a descriptor. */
uint64_t process_count_open(uint64_t limit);

/* Of the text of /proc/<id>/stat: threads and bytes. False: it is none. */
bool process_parse(const char *text, uint64_t page_bytes, struct process_figures *figures);

/* Of the text of /proc/<id>/status: all descriptors lie below. 0: it doesn't say. */
uint64_t process_parse_table(const char *text);
