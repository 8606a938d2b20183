#pragma once
/* What a call asks of the scheduler and of its team. */
#include "kernels/team.h"

#include <stddef.h>
#include <stdint.h>

/* Set by the handler's decode. All zero: one thread chosen by the server, the server's deadline, no cost. */
struct demand {
    unsigned threads;            /* 1 … 1024, 0: auto */
    unsigned tasks;              /* with auto: how many threads can be of use, 0: any number */
    enum team_schedule schedule; /* of pieces over threads */
    size_t chunk;                /* elements (bytes of text) per piece, 0: the kernel's choice */
    uint64_t timeout_ns;         /* for queueing and computing, 0: the server's default */
    uint64_t cost_ns;            /* predicted time of compute and encode on one thread */
    const uint16_t *cores;       /* core ids to pin the team to (from call_take), NULL: not pinned */
    size_t core_count;
};
