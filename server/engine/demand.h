#pragma once
#include "kernels/team.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a call asks of the scheduler; set by the handler's decode. The one home of it on its way down. */
struct demand {
    unsigned threads;            /* 1 … 1024, 0: auto */
    unsigned tasks;              /* with auto: how many threads can be of use, 0: any number */
    enum team_schedule schedule; /* of pieces over the team's threads */
    size_t chunk;                /* elements (bytes of text) per piece, 0: the kernel's choice */
    uint64_t timeout_ns;         /* for queueing and computing, 0: the server's default */
    bool leaves_owner;           /* it waits for a disk: never on the thread that started the run */
    uint64_t cost_ns;            /* predicted time of compute and encode on one thread */
    const uint16_t *cores;       /* core ids to pin the team to (the call's memory), NULL: not pinned */
    size_t core_count;
};
