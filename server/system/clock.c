#include "server/system/clock.h"

_Atomic(const struct clock_source *) clock_source_set;

void clock_set_source(const struct clock_source *source) {
    atomic_store_explicit(&clock_source_set, source, memory_order_release);
}

#define APART_MAX_NS UINT64_C(5000)
enum { READINGS_MAX = 10 };

uint64_t clock_unix_ns(uint64_t at_ns) {
    uint64_t now_ns = 0, unix_ns = 0;
    for (int i = 0; i < READINGS_MAX; i++) {
        now_ns = clock_now_ns();
        unix_ns = clock_read(CLOCK_REALTIME);
        if (clock_now_ns() - now_ns <= APART_MAX_NS) {
            break;
        }
    }
    return unix_ns - (now_ns - at_ns);
}
