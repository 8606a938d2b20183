#include "server/jobs/callback_sites.h"

static bool is_silent_at(const struct callback_sites *sites, unsigned at, uint64_t hash, uint64_t now_ns) {
    return sites->silent[at].hash == hash && sites->silent[at].until_ns > now_ns;
}

bool callback_sites_is_silent(const struct callback_sites *sites, uint64_t hash, uint64_t now_ns) {
    for (unsigned i = 0; i < CALLBACK_SITES_MAX; i++) {
        if (is_silent_at(sites, i, hash, now_ns)) {
            return true;
        }
    }
    return false;
}

void callback_sites_note(struct callback_sites *sites, uint64_t hash, bool is_answered, uint64_t now_ns) {
    unsigned place = CALLBACK_SITES_MAX;
    for (unsigned i = 0; i < CALLBACK_SITES_MAX; i++) {
        if (is_silent_at(sites, i, hash, now_ns)) {
            sites->silent[i].until_ns = is_answered ? 0 : now_ns + CALLBACK_SILENT_NS;
            return;
        }
        if (sites->silent[i].until_ns <= now_ns) {
            place = i;
        }
    }
    if (is_answered) {
        return;
    }
    if (place == CALLBACK_SITES_MAX) {
        place = sites->next;
        sites->next = (sites->next + 1) % CALLBACK_SITES_MAX;
    }
    sites->silent[place].hash = hash;
    sites->silent[place].until_ns = now_ns + CALLBACK_SILENT_NS;
}
