#pragma once
/* Internal to handlers. The members that all items of a batch have where they have none of their own. They are decoded
 * once: their bulk members are loaded before the items are run, and no item may change them. */
#include "handlers/operand.h"
#include "server/engine/item.h"

/* A bulk member, as items find it. */
struct shared {
    struct operand operand;   /* loaded */
    struct operand_text text; /* of a text */
};

struct defaults {
    struct item *item; /* open; its endpoint's decode has read the members as if they were all that an item has */
    size_t count;
    struct shared members[ENVELOPE_SPANS_MAX];
};

/* For decode. `inside` are the members in the batch's body. Refused are, in item->call.problem, with pointers into the
 * defaults: what isn't JSON, and names that the endpoint doesn't know. */
MUST_CHECK enum problem_kind defaults_find(struct defaults *defaults, struct item *item,
                                           const struct json_span *inside);

/* For load: reads the bulk members with the team. */
MUST_CHECK enum problem_kind defaults_load(struct defaults *defaults, const struct team *team);

/* The bulk member that `call` has from its defaults, and isn't its own. NULL: there is none. */
const struct shared *defaults_shared(const struct call *call, const char *name);

/* What the call's document inherits. NULL: nothing. */
const struct document *defaults_document(const struct call *call);
