/* A process that has jobs submitted, claimed and finished, many at once, is killed at random moments again and again.
 * What it was told it passes on by a pipe, and the whole history is checked: every submission that was told of is
 * found, every result is there and what it should be, and nothing that is finished is claimed again.
 *
 * With an argument, that many kills, with other chances: journal_crash_test 1000 [seed].
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { KILLS = 40, WINDOW = 24, JOBS_MAX = 1 << 20, TOLD_AT_MOST = 80, LINGER_US = 3000, BODY_MAX = 30000 };

static uint64_t chance_state = 1;

static unsigned chance(void) {
    chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(chance_state >> 33);
}

/* What the child was told. */
struct told {
    unsigned number;
    unsigned attempt;
    char what; /* s: submitted, c: claimed, f: finished */
};

/* Of the parent. */
struct history {
    bool is_accepted, is_finished;
    unsigned attempts;
};
static struct history *history;
static unsigned begun; /* jobs below it may have been submitted */

/* A body and a result follow from the number, also how long they are: in the row, or in a file. */
static size_t write_content(unsigned number, char kind, char out[BODY_MAX]) {
    static const size_t lengths[] = {40, 300, 4096, 4097, BODY_MAX};
    size_t length = lengths[(number + (kind == 'r' ? 2 : 0)) % 5];
    for (size_t i = 0; i < length; i++) {
        out[i] = (char)((number * 31 + i * (kind == 'r' ? 7 : 3)) % 251);
    }
    return length;
}

static void write_name(unsigned number, char out[16]) {
    (void)snprintf(out, 16, "job-%u", number);
}

static unsigned read_name(struct text_view id) {
    unsigned number = 0;
    assert_true(id.length > 4 && id.length < 16);
    for (size_t i = 4; i < id.length; i++) {
        number = number * 10 + (unsigned)(id.bytes[i] - '0');
    }
    assert_true(number < JOBS_MAX);
    return number;
}

/* The child: WINDOW requests at once, each in a slot, of which all but the claim's names one job. */
struct slot {
    struct journal_request request;
    struct slot *next;
    struct job job;
    struct job_result result;
    struct durable_file file;
    struct told told;
    char id[16];
    char bytes[BODY_MAX];
};

static struct slot slots[WINDOW];
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *free_slots;
static struct told claimed[4096]; /* and not finished */
static size_t claimed_count;
static sem_t slots_free;
static int tell_pipe = -1;

static void tell(const struct told *told) {
    if (write(tell_pipe, told, sizeof *told) != (ssize_t)sizeof *told) {
        _exit(5); /* nobody listens any more */
    }
}

static void slot_over(struct journal_request *request) {
    struct slot *slot = (struct slot *)((char *)request - offsetof(struct slot, request));
    enum journal_outcome outcome = request->outcome;
    if (outcome != JOURNAL_DONE && outcome != JOURNAL_SAME && outcome != JOURNAL_STALE) {
        (void)fprintf(stderr, "outcome %d of verb %d\n", outcome, request->verb);
        _exit(4);
    }
    if (request->verb == JOURNAL_CLAIM) {
        for (const struct job *job = request->jobs; job; job = job->next) {
            slot->told = (struct told){.number = read_name(job->id), .attempt = job->attempts, .what = 'c'};
            tell(&slot->told);
            pthread_mutex_lock(&slots_lock);
            claimed[claimed_count++] = slot->told;
            pthread_mutex_unlock(&slots_lock);
        }
    } else if (request->verb != JOURNAL_TIDY && outcome != JOURNAL_STALE) {
        tell(&slot->told);
    }
    jobs_free(request->jobs);
    pthread_mutex_lock(&slots_lock);
    slot->next = free_slots;
    free_slots = slot;
    pthread_mutex_unlock(&slots_lock);
    sem_post(&slots_free);
}

static struct slot *take_slot(struct told *told) {
    while (sem_wait(&slots_free) != 0) {
        /* interrupted */
    }
    pthread_mutex_lock(&slots_lock);
    struct slot *slot = free_slots;
    free_slots = slot->next;
    bool finishes = claimed_count > 0 && chance() % 2 == 0;
    *told = (struct told){0};
    if (finishes) {
        *told = claimed[--claimed_count];
        told->what = 'f';
    } else if (claimed_count + 64 > sizeof claimed / sizeof *claimed) {
        _exit(6);
    }
    pthread_mutex_unlock(&slots_lock);
    return slot;
}

/* Bytes, or a sealed file of them. */
static struct durable_file *fill_content(struct slot *slot, char kind, struct payload *bytes) {
    size_t length = write_content(slot->told.number, kind, slot->bytes);
    if (chance() % 3 > 0) {
        *bytes = (struct payload){.bytes = slot->bytes, .length = length};
        return NULL;
    }
    if (durable_begin(&slot->file, journal->files) || durable_write(&slot->file, slot->bytes, length) ||
        durable_seal(&slot->file)) {
        _exit(7);
    }
    return &slot->file;
}

static void child_step(unsigned *next) {
    struct told told;
    struct slot *slot = take_slot(&told);
    unsigned kind = chance() % 8;
    slot->told = told;
    if (told.what == 'f') {
        write_name(told.number, slot->id);
        slot->result = (struct job_result){.status = 200, .type = text("application/json")};
        slot->request = (struct journal_request){.verb = JOURNAL_FINISH};
        slot->request.finish.id = text(slot->id);
        slot->request.finish.attempt = told.attempt;
        slot->request.finish.status = JOB_SUCCESSFUL;
        slot->request.finish.file = fill_content(slot, 'r', &slot->result.content.bytes);
        slot->request.finish.result = &slot->result;
    } else if (kind < 5) {
        slot->told = (struct told){.number = (*next)++, .what = 's'};
        write_name(slot->told.number, slot->id);
        slot->job = plain_job(slot->id, "");
        slot->request = (struct journal_request){.verb = JOURNAL_SUBMIT};
        slot->request.submit.body_file = fill_content(slot, 'b', &slot->job.body.bytes);
        slot->request.submit.job = &slot->job;
    } else {
        slot->request = (struct journal_request){.verb = kind < 7 ? JOURNAL_CLAIM : JOURNAL_TIDY};
        slot->request.claim.limit = kind < 7 ? 1 + kind : 0;
        slot->request.claim.lease_ms = 1000000;
    }
    slot->request.done = slot_over;
    journal_ask(journal, &slot->request);
}

static void run_child(void) {
    settings.ready = NULL;
    open_journal();
    sem_init(&slots_free, 0, 0);
    for (size_t i = 0; i < WINDOW; i++) {
        slots[i].next = free_slots;
        free_slots = &slots[i];
        sem_post(&slots_free);
    }
    for (unsigned next = begun; next < JOBS_MAX;) {
        child_step(&next);
    }
    _exit(8);
}

static void learn(const struct told *told) {
    assert_true(told->number < JOBS_MAX);
    struct history *one = &history[told->number];
    begun = told->number >= begun ? told->number + 1 : begun;
    if (told->what == 's') {
        one->is_accepted = true;
    } else if (told->what == 'c') {
        assert_false(one->is_finished);
        assert_true(told->attempt > one->attempts);
        one->attempts = told->attempt;
    } else {
        assert_int_equal(told->what, 'f');
        assert_false(one->is_finished);
        one->is_finished = true;
    }
}

/* Lets the child be told that much, and some moments more. */
static void run_and_kill(void) {
    int ends[2], status = 0;
    unsigned enough = chance() % TOLD_AT_MOST;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)chance();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        tell_pipe = ends[1];
        run_child();
    }
    close(ends[1]);
    struct told told;
    for (unsigned count = 0; count < enough; count++) {
        ssize_t length = read(ends[0], &told, sizeof told);
        if (length == 0) { /* it ended by itself */
            break;
        }
        assert_int_equal(length, sizeof told);
        learn(&told);
    }
    usleep(chance() % LINGER_US);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (ssize_t length; (length = read(ends[0], &told, sizeof told)) > 0;) {
        assert_int_equal(length, sizeof told);
        learn(&told);
    }
    close(ends[0]);
    begun += WINDOW; /* what it wasn't told of */
}

static void check_one(unsigned number, bool must_be_finished) {
    static char bytes[BODY_MAX];
    char id[16];
    write_name(number, id);
    if (on_id(JOURNAL_LOOKUP, id) == JOURNAL_MISSING) {
        assert_false(history[number].is_accepted);
        return;
    }
    assert_int_equal(answer.request.outcome, JOURNAL_DONE);
    const struct job *job = answer.request.jobs;
    assert_true(job->attempts >= history[number].attempts);
    if (job->status == JOB_SUCCESSFUL) {
        size_t length = write_content(number, 'r', bytes);
        assert_content(&job->result.content, bytes, length);
    } else {
        assert_false(history[number].is_finished);
        assert_false(must_be_finished);
        assert_true(job->status == JOB_ACCEPTED || job->status == JOB_RUNNING);
        size_t length = write_content(number, 'b', bytes);
        assert_content(&job->body, bytes, length);
    }
}

/* What is left is run to its end, and then every job has its result. */
static void run_all(void) {
    static char bytes[BODY_MAX];
    tidy_all();
    for (;;) {
        assert_int_equal(claim(1), JOURNAL_DONE);
        if (!answer.request.jobs) {
            break;
        }
        const struct job *job = answer.request.jobs;
        unsigned number = read_name(job->id), attempt = job->attempts;
        char id[16];
        assert_content(&job->body, bytes, write_content(number, 'b', bytes));
        write_name(number, id);
        struct job_result result = {.status = 200};
        result.content.bytes = (struct payload){.bytes = bytes, .length = write_content(number, 'r', bytes)};
        assert_int_equal(
            ask((struct journal_request){
                .verb = JOURNAL_FINISH,
                .finish = {.id = text(id), .attempt = attempt, .status = JOB_SUCCESSFUL, .result = &result}}),
            JOURNAL_DONE);
    }
}

static unsigned kills = KILLS;

static void nothing_told_is_lost_and_nothing_done_twice(void **state) {
    (void)state;
    settings.attempts_max = UINT32_MAX;
    settings.ready = NULL;
    history = calloc(JOBS_MAX, sizeof *history);
    assert_non_null(history);
    close_journal();
    for (unsigned i = 0; i < kills; i++) {
        run_and_kill();
    }
    open_journal();
    unsigned accepted = 0, finished = 0;
    for (unsigned number = 0; number < begun; number++) {
        check_one(number, false);
        accepted += history[number].is_accepted;
        finished += history[number].is_finished;
    }
    run_all();
    for (unsigned number = 0; number < begun; number++) {
        check_one(number, true);
    }
    print_message("%u kills; told of %u submissions and %u results\n", kills, accepted, finished);
    assert_true(accepted > kills && finished > 0);
    free(history);
}

static int set_up(void **state) {
    (void)state;
    set_up_journal(false);
    fake_clock_remove();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tear_down_journal();
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_told_is_lost_and_nothing_done_twice, set_up, tear_down),
    };
    if (argc > 1) {
        kills = (unsigned)strtoul(argv[1], NULL, 10);
        chance_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    } else {
        alarm(TEST_LIMIT_S);
    }
    return cmocka_run_group_tests_name("journal and kill -9", tests, NULL, NULL);
}
