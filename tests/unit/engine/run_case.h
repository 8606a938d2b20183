#pragma once
/* What the tests of runs share: endpoints whose steps do what a plan says and note what they saw, a host around them
 * (scheduler, memory budget, buffer pool), and a mailbox whose owner is the test. Nothing of HTTP.
 *
 * A step that the plan stops waits at a gate until the test opens it, or, as a kernel does, until the call is
 * cancelled; so where a run stands when something happens to it is certain, and no test measures time. */
#include "server/engine/run.h"

#include "server/engine/buffer_pool.h"
#include "server/engine/endpoint.h"
#include "server/engine/memory_budget.h"
#include "server/system/facts.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/worker.h"

enum { CORES = 2, MEMORY_BYTES = 64 << 20, BODY_MAX_BYTES = 4 << 20, STREAM_MAX_BYTES = 16 << 20 };

enum step { AT_DECODE, AT_LOAD, AT_COMPUTE, AT_WINDOW, AT_ENCODE, STEPS };

/* What the endpoint's steps are to do. Set before the run starts. */
static struct plan {
    struct demand demand;
    size_t reply_bytes; /* that encode prints, of letters that compress well */
    enum problem_kind fails[STEPS];
    uint64_t clock_ns[STEPS]; /* how far each step moves the test's clock … */
    uint64_t cpu_ns[STEPS];   /* … and its CPU clock */
    uint64_t team_cpu_ns;     /* what compute says that its team's other threads used */
    bool is_stopped[STEPS];   /* waits for its gate */
    bool ignores_cancel;      /* at the gate */
    void (*during_compute)(struct call *call);
} plan;

/* What they saw. Under the lock of worker.h where a lane may still be at it. */
static struct seen {
    unsigned count[STEPS];
    bool begun[STEPS];
    bool gate[STEPS];
    struct team team; /* of compute or the latest window */
    struct crew crew; /* of compute */
    pthread_t thread[STEPS];
    bool was_last;
} seen;

static atomic_uint cancelled_steps;

static inline bool step_gate_is_open(enum step step) {
    return look(&seen.gate[step]);
}

static inline enum problem_kind do_step(struct call *call, enum step step) {
    const struct timespec pause = {.tv_nsec = 200000};
    pthread_mutex_lock(&lock);
    seen.count[step]++;
    seen.thread[step] = pthread_self();
    seen.begun[step] = true;
    if (step == AT_COMPUTE || step == AT_WINDOW) {
        seen.team = *call->team;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    while (plan.is_stopped[step] && !step_gate_is_open(step)) {
        if (!plan.ignores_cancel && call_is_cancelled(call)) {
            atomic_fetch_add(&cancelled_steps, 1);
            return PROBLEM_NONE;
        }
        nanosleep(&pause, NULL);
    }
    fake_clock_advance(plan.clock_ns[step]);
    fake_clock_advance_cpu(plan.cpu_ns[step]);
    return plan.fails[step] ? problem_set(&call->problem, plan.fails[step], "/field", "as planned") : PROBLEM_NONE;
}

/* A call's argument: the sum of the body's bytes. */
struct byte_sum {
    uint64_t value;
};

static inline void add_bytes(struct call *call, const char *bytes, size_t length) {
    struct byte_sum *sum = (struct byte_sum *)call->arguments;
    for (size_t i = 0; i < length; i++) {
        sum->value += (unsigned char)bytes[i];
    }
}

static inline enum problem_kind planned_decode(struct call *call) {
    call->demand = plan.demand;
    return do_step(call, AT_DECODE);
}

static inline enum problem_kind planned_load(struct call *call) {
    return do_step(call, AT_LOAD);
}

static inline enum problem_kind planned_compute(struct call *call) {
    add_bytes(call, call->body.bytes, call->body.length);
    struct crew crew; /* others may compute, too: the last one is seen */
    meet_crew(&crew, call->team->threads);
    pthread_mutex_lock(&lock);
    seen.crew = crew;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&call->cpu_ns, plan.team_cpu_ns);
    if (plan.during_compute) {
        plan.during_compute(call);
    }
    return do_step(call, AT_COMPUTE);
}

static inline enum problem_kind planned_window(struct call *call, const char *bytes, size_t length, bool last) {
    add_bytes(call, bytes, length);
    pthread_mutex_lock(&lock);
    seen.was_last = last;
    pthread_mutex_unlock(&lock);
    return do_step(call, AT_WINDOW);
}

static inline enum problem_kind planned_encode(struct call *call) {
    char *filling = NULL;
    if (plan.reply_bytes > 0) {
        filling = call_take(call, plan.reply_bytes);
        if (!filling) {
            return call->problem.kind;
        }
        memset(filling, 'z', plan.reply_bytes);
        json_key(&call->reply, "filling");
        json_text(&call->reply, filling, plan.reply_bytes);
    }
    json_key(&call->reply, "sum");
    json_unsigned(&call->reply, ((const struct byte_sum *)call->arguments)->value);
    return do_step(call, AT_ENCODE);
}

static inline enum problem_kind planned_answer(struct call *call) {
    if (plan.fails[AT_ENCODE]) {
        return problem_set(&call->problem, plan.fails[AT_ENCODE], NULL, "as planned");
    }
    for (size_t i = 0; i < plan.reply_bytes; i++) {
        text_put(&call->reply.text, "i", 1);
    }
    return PROBLEM_NONE;
}

static const struct endpoint whole_endpoint = {.path = "/whole",
                                               .method = ENDPOINT_POST,
                                               .consumes = MEDIA_JSON,
                                               .produces = MEDIA_JSON,
                                               .decode = planned_decode,
                                               .load = planned_load,
                                               .compute = planned_compute,
                                               .encode = planned_encode};

static const struct endpoint stream_endpoint = {.path = "/stream",
                                                .method = ENDPOINT_POST,
                                                .consumes = MEDIA_TEXT,
                                                .produces = MEDIA_JSON,
                                                .decode = planned_decode,
                                                .compute = planned_compute,
                                                .window = planned_window,
                                                .encode = planned_encode};

static const struct endpoint information_endpoint = {
    .path = "/information", .method = ENDPOINT_GET, .produces = MEDIA_JSON, .answer = planned_answer};

#define MS NS_PER_MS

/* Each step's time has digits of its own: a phase that misses one, or has another one's, shows. */
static inline void plan_times(void) {
    static const uint64_t clock_ms[STEPS] = {
        [AT_DECODE] = 1, [AT_LOAD] = 20, [AT_COMPUTE] = 300, [AT_WINDOW] = 300, [AT_ENCODE] = 4000};
    static const uint64_t cpu_ms[STEPS] = {
        [AT_DECODE] = 2, [AT_LOAD] = 10, [AT_COMPUTE] = 500, [AT_WINDOW] = 500, [AT_ENCODE] = 3000};
    for (int step = 0; step < STEPS; step++) {
        plan.clock_ns[step] = clock_ms[step] * MS;
        plan.cpu_ns[step] = cpu_ms[step] * MS;
    }
}

/* --- the host ---------------------------------------------------------------------------------------------------- */

static struct {
    struct facts facts;
    struct memory_budget memory;
    struct host host;
    struct mailbox mailbox;
    bool is_posted; /* under the lock */
} scene;

static inline void wake_owner(void *context) {
    (void)context;
    raise_flag(&scene.is_posted);
}

static inline int open_scene(void **state) {
    (void)state;
    memset(&scene, 0, sizeof scene);
    memset(&plan, 0, sizeof plan);
    memset(&seen, 0, sizeof seen);
    atomic_store(&cancelled_steps, 0);
    scene.facts.config = (struct config){.queue_length = 100,
                                         .max_body_bytes = BODY_MAX_BYTES,
                                         .max_stream_bytes = STREAM_MAX_BYTES,
                                         .timeout_ns = 60 * NS_PER_S};
    scene.facts.cores.count = scene.facts.config.job_cores = CORES;
    memory_budget_init(&scene.memory, MEMORY_BYTES);
    mailbox_init(&scene.mailbox, wake_owner, NULL);
    scene.host =
        (struct host){.facts = &scene.facts, .memory = &scene.memory, .buffers = buffer_pool_new(16 << 20, NS_PER_S)};
    return scene.host.buffers ? 0 : -1;
}

/* Works that aren't runs, and hold cores until their gates open. */
struct holder {
    struct work work;
    bool has_begun;
    bool gate;
    bool is_done;
    unsigned threads;
};
static struct holder holders[CORES];

static inline void hold(struct work *work, const struct team *team) {
    struct holder *holder = (struct holder *)work;
    holder->threads = team->threads;
    raise_flag(&holder->has_begun);
    await(&holder->gate);
}

static inline void holder_done(struct work *work) {
    raise_flag(&((struct holder *)work)->is_done);
}

static inline void open_gate(enum step step) {
    raise_flag(&seen.gate[step]);
}

static inline void await_step(enum step step) {
    await(&seen.begun[step]);
}

static inline void await_waiting(unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (scheduler_state(scene.host.scheduler).waiting != wanted) {
        nanosleep(&pause, NULL);
    }
}

/* After any test: nothing runs, nothing waits in the mailbox, nothing is charged. */
static inline int close_scene(void **state) {
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        open_gate((enum step)step);
    }
    scheduler_free(scene.host.scheduler); /* waits for abandoned runs */
    size_t left_bytes = atomic_load(&scene.memory.used_bytes);
    bool is_clean = left_bytes == 0 && scene.mailbox.awaited == 0 && !mailbox_take(&scene.mailbox);
    if (!is_clean) {
        print_error("left behind: %zu bytes, %u awaited\n", left_bytes, scene.mailbox.awaited);
    }
    mailbox_deinit(&scene.mailbox);
    buffer_pool_free(scene.host.buffers);
    fake_clock_remove();
    return is_clean ? 0 : -1;
}

/* Not in open_scene: tests set limits and clocks first. A work that finds no team of its size may start with a smaller
 * one, so the team of two is made here. */
static inline void start_scheduler(void) {
    scene.host.scheduler = scheduler_new(CORES, scene.facts.config.queue_length, 16, CORES);
    assert_non_null(scene.host.scheduler);
    unsigned threads = 0;
    while (threads < CORES) {
        holders[0] =
            (struct holder){.work = {.threads = CORES, .principal = 2, .run = hold, .done = holder_done}, .gate = true};
        assert_true(scheduler_submit(scene.host.scheduler, &holders[0].work, &(struct shortage){0}));
        await(&holders[0].is_done);
        threads = holders[0].threads;
    }
}

/* --- runs -------------------------------------------------------------------------------------------------------- */

static const struct run_policy nothing_here = {0};
static const struct run_policy all_here = {.decode_bytes = SIZE_MAX, .compute_ns = UINT64_MAX};
static const struct run_policy decoding_here = {.decode_bytes = SIZE_MAX};

static inline struct run *make_run(const struct endpoint *endpoint) {
    struct run *run = run_new(&scene.host, &scene.mailbox, &scene);
    assert_non_null(run);
    run->order.endpoint = endpoint;
    run->order.body_media = endpoint->consumes == MEDIA_TEXT ? MEDIA_TEXT : MEDIA_JSON;
    run->order.principal = 1;
    memcpy(run->order.id, "run", 4);
    return run;
}

static inline struct run *open_run(const struct endpoint *endpoint) {
    struct run *run = make_run(endpoint);
    assert_int_equal(run_open(run), PROBLEM_NONE);
    return run;
}

static inline void feed(struct run *run, const char *bytes, size_t length) {
    size_t taken = 0;
    assert_int_equal(run_feed(run, bytes, length, &taken), RUN_FED);
    assert_int_equal(taken, length);
}

/* One whose whole body is "abc", whose sum is 294. */
static inline struct run *open_short_run(void) {
    struct run *run = open_run(&whole_endpoint);
    feed(run, "abc", 3);
    return run;
}

/* The owner sleeps until something was posted, and takes out one run: NULL, if that was abandoned. */
static inline struct run *take_reported(void) {
    struct mailbox_link *link = NULL;
    while (!link) {
        pthread_mutex_lock(&lock);
        await_locked(&scene.is_posted);
        scene.is_posted = false;
        pthread_mutex_unlock(&lock);
        link = mailbox_take(&scene.mailbox);
    }
    assert_null(link->next);
    return run_of_link(link);
}

/* Until it is done, or wants more of its body. */
static inline enum run_state settle(struct run *run) {
    enum run_state state = RUN_WORKS;
    while (state == RUN_WORKS || run->is_working) {
        assert_ptr_equal(take_reported(), run);
        state = run_resume(run);
    }
    return state;
}

static inline void finish(struct run *run, const struct run_policy *policy) {
    enum run_state state = run_start(run, policy);
    assert_int_equal(state == RUN_WORKS ? settle(run) : state, RUN_DONE);
}

/* All of the body, zero-terminated, read in steps of `step` bytes; the caller's. */
static inline char *read_body(const struct answer *answer, size_t step) {
    struct answer_cursor cursor = {.answer = answer};
    char *text = malloc(answer->length + step + 1);
    assert_non_null(text);
    size_t length = 0, got;
    while ((got = answer_read(&cursor, length, text + length, step)) > 0) {
        length += got;
        assert_true(length <= answer->length);
    }
    assert_int_equal(length, answer->length);
    text[length] = '\0';
    return text;
}

static inline void assert_body_has(const struct run *run, const char *part) {
    char *body = read_body(&run->answer, 4096);
    if (!strstr(body, part)) {
        fail_msg("\"%s\" is not in: %.400s", part, body);
    }
    free(body);
}

static inline void assert_result(const struct run *run, const char *part) {
    if (answer_problem_kind(&run->answer)) {
        fail_msg("%s: %s", problem_slug(answer_problem_kind(&run->answer)), run->answer.problem->detail);
    }
    assert_int_equal(run->answer.status, 200);
    assert_body_has(run, part);
}

static inline void assert_refused(const struct run *run, enum problem_kind kind) {
    assert_string_equal(problem_slug(answer_problem_kind(&run->answer)), problem_slug(kind));
    assert_int_equal(run->answer.status, problem_status(kind));
    assert_body_has(run, problem_slug(kind));
}

static inline void hold_cores(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        holders[i] = (struct holder){.work = {.threads = 1, .principal = 2, .run = hold, .done = holder_done}};
        assert_true(scheduler_submit(scene.host.scheduler, &holders[i].work, &(struct shortage){0}));
        await(&holders[i].has_begun);
    }
}

static inline void let_cores_go(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        raise_flag(&holders[i].gate);
        await(&holders[i].is_done);
    }
}
