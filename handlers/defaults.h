#pragma once
/* Internal to handlers. The members that all items of a batch have where they have none of their own. They are decoded
 * once: their bulk members are loaded before the items are run, and no item may change them. */
#include "handlers/operand.h"
#include "server/engine/item.h"

/* For decode. `inside` are the members in the batch's body. Refused are, in item->call.problem, with pointers into the
 * defaults: what isn't JSON, and names that the endpoint doesn't know. */
MUST_CHECK enum problem_kind defaults_find(struct defaults *defaults, struct item *item,
                                           const struct json_span *inside);

/* For load: reads the bulk members with the team. */
MUST_CHECK enum problem_kind defaults_load(struct defaults *defaults, const struct team *team);

/* What the call's document inherits. NULL: nothing. */
const struct document *defaults_document(const struct call *call);
