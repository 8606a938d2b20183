/* What the engine adds to a small call: a run from its order to its answer and back to memory, without a connection and
 * without a lane, next to what its handler does in it.
 *
 *   calls [CALLS]
 *
 * Prints one JSON object a call, medians in nanoseconds of CALLS (200,000) measured one by one, in turn:
 *
 *   life_ns     run_new, run_open, run_feed, run_start, run_abandon
 *   start_ns    run_start alone, until the answer is complete
 *   handler_ns  the endpoint's decode, load, compute and encode called directly, with a call of their own whose body is
 *               there already: reading the JSON, the kernel, printing the result
 *   engine_ns   life_ns - handler_ns: account, body, clocks, the choice where to compute, the answer with "threads" and
 *               "timing", giving all back
 *
 * Reading the clock is subtracted from each. */
#include "handlers/routes.h"
#include "server/engine/buffer_pool.h"
#include "server/engine/memory_budget.h"
#include "server/engine/run.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 200000, CALLS_MOST = 10000000, WARM_UP = 1000, LIMIT_BYTES = 1 << 28 };

static const struct sample {
    const char *what, *path, *body;
} samples[] = {
    {"Gaussian of 10 numbers", "/v1/gaussian",
     "{\"x\":[0.125,1.5,-2.25,3.75,0.5,-0.875,1.0625,2.5,-3.5,4.25],\"y\":0.5}"},
    {"word count in 100 bytes", "/v1/wordcount",
     "{\"text\":\"The quick brown fox is here, and the lazy dog is there; that is all there is to say, is it "
     "not so today\",\"word\":\"is\"}"},
};

static const struct run_policy inline_policy = {.decode_bytes = 8192, .compute_ns = 50000};

struct place {
    struct facts facts;
    struct memory_budget memory;
    struct host host;
    struct mailbox mailbox;
    uint64_t clock_ns; /* what reading the clock costs */
};

static void fail(const char *what) {
    fprintf(stderr, "calls: %s\n", what);
    exit(1);
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t median(uint64_t *list, size_t count) {
    qsort(list, count, sizeof *list, compare);
    return list[count / 2];
}

static void wake(void *context) {
    (void)context;
}

static void open_place(struct place *place, uint64_t *list, size_t count) {
    place->facts.config.max_body_bytes = LIMIT_BYTES;
    place->facts.config.timeout_ns = 30 * NS_PER_S;
    place->facts.config.queue_length = 1;
    place->facts.cores.count = 1;
    memory_budget_init(&place->memory, LIMIT_BYTES);
    mailbox_init(&place->mailbox, wake, NULL);
    place->host = (struct host){.facts = &place->facts,
                                .memory = &place->memory,
                                .buffers = buffer_pool_new(0, NS_PER_S),
                                .scheduler = scheduler_new(1, 1, 1, 1)};
    if (!place->host.buffers || !place->host.scheduler) {
        fail("no memory or threads");
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t begun_ns = clock_now_ns();
        list[i] = clock_now_ns() - begun_ns;
    }
    place->clock_ns = median(list, count);
}

static void close_place(struct place *place) {
    scheduler_free(place->host.scheduler);
    buffer_pool_free(place->host.buffers);
    mailbox_deinit(&place->mailbox);
}

static const struct endpoint *find_endpoint(const char *path) {
    for (size_t i = 0; i < route_count; i++) {
        if (strcmp(routes[i]->path, path) == 0) {
            return routes[i];
        }
    }
    fail("no such endpoint");
    return NULL;
}

static void fill_order(struct order *order, const struct sample *sample, const struct endpoint *endpoint) {
    order->endpoint = endpoint;
    order->body_media = MEDIA_JSON;
    order->reply_media = MEDIA_JSON;
    order->declared_bytes = strlen(sample->body);
    order->is_declared = true;
}

/* Returns what run_start took, in *life_ns what everything did, in *answer_bytes how long the answer was. */
static uint64_t live(struct place *place, const struct sample *sample, const struct endpoint *endpoint,
                     uint64_t *life_ns, size_t *answer_bytes) {
    size_t taken = 0;
    uint64_t begun_ns = clock_now_ns();
    struct run *run = run_new(&place->host, &place->mailbox, NULL);
    if (!run) {
        fail("no memory for a run");
        return 0;
    }
    fill_order(&run->order, sample, endpoint);
    if (run_open(run) || run_feed(run, sample->body, (size_t)run->order.declared_bytes, &taken) != RUN_FED) {
        fail("the body is refused");
    }
    uint64_t start_ns = clock_now_ns();
    if (run_start(run, &inline_policy) != RUN_DONE || run->answer.status != 200) {
        fail("the call isn't done at once, or refused");
    }
    uint64_t done_ns = clock_now_ns();
    *answer_bytes = run->answer.length;
    run_abandon(run);
    *life_ns = clock_now_ns() - begun_ns;
    return done_ns - start_ns;
}

static uint64_t handle(struct place *place, const struct sample *sample, const struct endpoint *endpoint) {
    static struct call call;
    struct order order = {0};
    struct account account;
    size_t length = strlen(sample->body);
    fill_order(&order, sample, endpoint);
    account_init(&account, place->host.memory, place->host.buffers);
    call_init(&call, &order, &place->host, &account.base);
    envelope_begin(&call.envelope, endpoint->bulk);
    if (!payload_take(&call.body, &account.base, length)) {
        fail("no memory for a body");
    }
    memcpy(call.body.bytes, sample->body, length);
    call.body.length = length;
    struct team team = {.threads = 1};
    call.team = &team;

    uint64_t begun_ns = clock_now_ns();
    bool is_refused = endpoint->decode(&call) || (endpoint->load && endpoint->load(&call)) || endpoint->compute(&call);
    json_begin_object(&call.reply);
    is_refused = is_refused || endpoint->encode(&call);
    json_end_object(&call.reply);
    uint64_t taken_ns = clock_now_ns() - begun_ns;

    if (is_refused) {
        fail("the handler refuses the call");
    }
    call_release(&call);
    account_close(&account);
    return taken_ns;
}

static void measure(struct place *place, const struct sample *sample, uint64_t *lists, size_t count) {
    const struct endpoint *endpoint = find_endpoint(sample->path);
    uint64_t *life = lists;
    uint64_t *start = lists + count;
    uint64_t *handler = lists + 2 * count;
    size_t answer_bytes = 0;
    for (size_t i = 0; i < WARM_UP; i++) {
        (void)live(place, sample, endpoint, &life[0], &answer_bytes);
        (void)handle(place, sample, endpoint);
    }
    for (size_t i = 0; i < count; i++) {
        start[i] = live(place, sample, endpoint, &life[i], &answer_bytes);
        handler[i] = handle(place, sample, endpoint);
    }
    double clock_ns = (double)place->clock_ns;
    double life_ns = (double)median(life, count) - 3 * clock_ns; /* the two in between as well */
    double start_ns = (double)median(start, count) - clock_ns;
    double handler_ns = (double)median(handler, count) - clock_ns;
    printf("{\"call\": \"%s\", \"bytes_in\": %zu, \"bytes_out\": %zu, \"life_ns\": %.0f, \"start_ns\": %.0f, "
           "\"handler_ns\": %.0f, \"engine_ns\": %.0f, \"clock_ns\": %.0f}\n",
           sample->what, strlen(sample->body), answer_bytes, life_ns, start_ns, handler_ns, life_ns - handler_ns,
           clock_ns);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : CALLS;
    if (argc > 2 || count < 1 || count > CALLS_MOST) {
        fputs("usage: calls [CALLS]\n", stderr);
        return 2;
    }
    static struct place place;
    uint64_t *lists = calloc(3 * count, sizeof *lists);
    if (!lists) {
        fail("no memory");
        return 1;
    }
    open_place(&place, lists, count);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        measure(&place, &samples[i], lists, count);
    }
    close_place(&place);
    free(lists);
    return 0;
}
