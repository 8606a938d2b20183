#pragma once
/* Internal to server/engine. Replaces a compressed body by what it unfolds to; compresses a finished result. Both are
 * one thread's work, and may take long. */
#include "codecs/coding/content_encoder.h"
#include "server/engine/call.h"

/* A coder that finds no memory doesn't know how much there is: the call does. `bytes` is what the coder needs at most.
 */
enum problem_kind coding_explain_memory(struct call *call, size_t bytes);

/* Within `limit_bytes` (--max-body). */
MUST_CHECK enum problem_kind coding_unfold(struct call *call, size_t limit_bytes);

/* Does the asker want the finished reply compressed, and is it worth that? */
bool coding_is_due(const struct call *call);
/* Compresses it; the call's problem says whether that failed. */
void coding_fold(struct call *call, struct content_pieces *coded);
