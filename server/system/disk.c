#include "server/system/disk.h"

_Atomic(const struct disk_calls *) disk_calls_set;
atomic_uint_fast64_t disk_sync_count;

void disk_set_calls(const struct disk_calls *calls) {
    atomic_store_explicit(&disk_calls_set, calls, memory_order_release);
}
