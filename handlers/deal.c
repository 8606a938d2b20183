#include "handlers/deal.h"

enum kernel_status deal_pieces(struct call *call, size_t pieces, team_body *body, void *context) {
    struct team team = {.threads = call->team->threads, .schedule = TEAM_STATIC};
    struct progress progress = {.cancel = call->progress.cancel, .cpu_ns = call->progress.cpu_ns};
    return team_for(&team, &progress, pieces, 1, body, context);
}

void deal_note_first(atomic_size_t *first, size_t found) {
    size_t known = atomic_load(first);
    while (found < known && !atomic_compare_exchange_weak(first, &known, found)) {
    }
}
