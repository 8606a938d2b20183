#pragma once
/* A call as the server makes one, without a server: JSON in and out and a team of one unless the test says otherwise.
 */
#include "server/engine/endpoint.h"
#include "server/engine/memory_budget.h"
#include "server/system/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct facts facts;
static struct memory_budget budget; /* its limit is what messages tell; what can be had is the memory's affair */
static struct host host = {.facts = &facts, .memory = &budget};
static struct order order;
static struct team team;
static struct call call;

/* Ends the call before. endpoint may be NULL: one that nothing is said of. */
static inline void open_call(const struct endpoint *endpoint, struct memory *memory, size_t limit_bytes) {
    static const struct endpoint none;
    endpoint = endpoint ? endpoint : &none;
    call_release(&call);
    memory_budget_init(&budget, limit_bytes);
    order = (struct order){.endpoint = endpoint, .body_media = MEDIA_JSON, .reply_media = MEDIA_JSON};
    team = (struct team){.threads = 1};
    call_init(&call, &order, &host, memory);
    call.team = &team;
    envelope_begin(&call.envelope, endpoint->bulk);
}

static inline void set_query(const char *query) {
    order.query = (struct text_view){.bytes = query, .length = strlen(query)};
}

/* False without memory. */
static inline bool give_body(struct memory *memory, const char *bytes, size_t length) {
    if (!payload_take(&call.body, memory, length)) {
        return false;
    }
    memcpy(call.body.bytes, bytes, length);
    call.body.length = length;
    return true;
}

/* As the server does when options are read: the team deals pieces out as the demand says. */
static inline void grant(unsigned threads) {
    team = (struct team){.threads = threads, .schedule = call.demand.schedule, .chunk = call.demand.chunk};
}
