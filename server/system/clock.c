#include "server/system/clock.h"

_Atomic(const struct clock_source *) clock_source_set;

void clock_set_source(const struct clock_source *source) {
    atomic_store_explicit(&clock_source_set, source, memory_order_release);
}
