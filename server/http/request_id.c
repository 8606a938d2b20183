#include "server/http/request_id.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "server/system/clock.h"

bool request_id_is_sane(const char *id, size_t max) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strspn(id, allowed);
    return length > 0 && length <= max && id[length] == '\0';
}

static uint64_t seed(void) {
    uint64_t random;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) == (ssize_t)sizeof random) {
        return random;
    }
    return clock_now_ns(); /* early in the machine's boot; ids need to differ, not to be secret */
}

void request_id_make(char *out) {
    static _Thread_local uint64_t state;
    if (state == 0) {
        state = seed();
    }
    /* splitmix64: each step gives another value until all 2^64 have been seen. */
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    for (int i = 0; i < REQUEST_ID_LENGTH; i++) {
        out[i] = "0123456789abcdef"[(mixed >> (60 - 4 * i)) & 15];
    }
    out[REQUEST_ID_LENGTH] = '\0';
}
