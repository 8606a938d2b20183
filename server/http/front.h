#pragma once
/* What all loops share. */
#include "server/engine/host.h"

#include <stdatomic.h>

struct peers;

struct front {
    const struct host *host;
    struct peers *peers;
    int listen_fd;
    int health_fd;               /* where probes alone are answered; -1: there is none */
    atomic_uint accepting_loops; /* the last that stops shuts the listening socket */
};
