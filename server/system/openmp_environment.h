#pragma once
/* What OpenMP's runtimes are told. They read OMP_*, GOMP_* and KMP_* variables, libgomp before main, and obey them to
 * the point of pinning the process to one core, ending it or running one thread where two were asked for. So those that
 * the program was started with are kept from them, but for the service's own, and what the service needs is set by
 * starting it once more. HWLOC_* variables, which would tell of another machine than this one, are kept from hwloc with
 * them.
 *
 * Where this is linked in, variables of these names are gone from the environment before main and before any library's
 * constructor. */
#include "server/system/log.h"

/* Starts the program again where its environment isn't exactly as needed, and says before which variables have no
 * effect (one line, if `level` lets warnings through). Returns if it is, or if the program can't be started again,
 * which is said, too: then the variables have no effect all the same, but teams spin. While there is one thread. */
void openmp_environment_settle(char **argv, enum log_level level);
