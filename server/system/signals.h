#pragma once
/* What signals do. SIGTERM, SIGINT, SIGQUIT, SIGPWR (power fails; LXC's stop) and SIGXCPU (the soft limit of CPU time)
 * stop the service gracefully. All others that would end the process without a fault of its own do nothing. */
#include <stdint.h>

/* Before there is a second thread: they inherit it. A handler that somebody else has set (a profiler) stays. */
void signals_init(void);

/* Waits for a signal that stops the service; returns its name. By the main thread, as the next. */
const char *signals_await_stop(void);

/* Waits for at most `wait_ns`; a further SIGTERM, SIGINT or SIGQUIT ends the process on the spot, with status 128 + its
 * number and a line in the log. One within a fifth of a second of the first is the same wish, and does nothing. */
void signals_await_haste(uint64_t wait_ns);
