#pragma once
/* Internal to handlers. Pieces of text, read or printed by the call's team. */
#include "server/engine/call.h"

/* Deals `pieces` pieces out, one at a time. They cost the same everywhere, so the request's schedule and chunk, which
 * are the kernel's, don't matter; nor do they count as the kernel's progress. */
MUST_CHECK enum kernel_status deal_pieces(struct call *call, size_t pieces, team_body *body, void *context);

/* Of several the least is kept: for mistakes that many threads find, of which the first is to be named. */
void deal_note_first(atomic_size_t *first, size_t found);
