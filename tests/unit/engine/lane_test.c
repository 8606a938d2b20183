/* ctest: threads */
#include "server/engine/lane.h"

#include "tests/unit/worker.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
    struct crew crew;
    const uint16_t *cores;
    size_t core_count;
    enum team_schedule schedule;
    size_t chunk;
    bool demands_nothing;
    struct team team; /* as it was set up */
    struct job *next; /* given to the lane from within this one */
    sigset_t blocked;
    bool finished;
};

static void serve(void *context, struct lane *lane, void *argument) {
    struct job *job = argument;
    unsigned *served = context;
    struct demand demand = {
        .cores = job->cores, .core_count = job->core_count, .schedule = job->schedule, .chunk = job->chunk};
    const struct team *team = lane_begin_work(lane, job->demands_nothing ? NULL : &demand);
    job->team = *team;
    meet_crew(&job->crew, team->threads);
    pthread_sigmask(SIG_BLOCK, NULL, &job->blocked);
    if (job->next) {
        lane_give(lane, job->next);
    }
    (*served)++;
    lane_end_work(lane);
    raise_flag(&job->finished);
}

static void do_job(struct lane *lane, struct job *job) {
    job->finished = false;
    lane_give(lane, job);
    await(&job->finished);
}

static void every_job_gets_the_same_team(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        unsigned served = 0;
        struct job first = {0};
        struct job again = {0};
        struct lane *lane = lane_new(threads, serve, &served);
        assert_non_null(lane);
        assert_int_equal(lane_threads(lane), threads);
        do_job(lane, &first);
        assert_int_equal(first.crew.size, threads);
        assert_int_not_equal(first.crew.ids[0], gettid());
        for (int i = 0; i < 500; i++) {
            do_job(lane, &again);
            for (unsigned t = 0; t < threads; t++) {
                assert_int_equal(again.crew.ids[t], first.crew.ids[t]);
            }
        }
        lane_free(lane);
        assert_int_equal(served, 501);
    }
}

static void a_job_given_from_within_a_job_is_next(void **state) {
    (void)state;
    unsigned served = 0;
    struct job last = {0};
    struct job first = {.next = &last};
    struct lane *lane = lane_new(2, serve, &served);
    do_job(lane, &first);
    await(&last.finished);
    assert_int_equal(last.crew.ids[0], first.crew.ids[0]);
    lane_free(lane);
    assert_int_equal(served, 2);
}

static void a_job_given_before_the_end_is_done(void **state) {
    (void)state;
    for (int i = 0; i < 200; i++) {
        unsigned served = 0;
        struct job job = {0};
        struct lane *lane = lane_new(1, serve, &served);
        lane_give(lane, &job);
        lane_free(lane);
        assert_int_equal(served, 1);
    }
    lane_free(NULL);
}

static void lanes_leave_signals_to_the_main_thread(void **state) {
    (void)state;
    unsigned served = 0;
    struct job job = {0};
    sigset_t before;
    sigset_t after;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    struct lane *lane = lane_new(1, serve, &served);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    do_job(lane, &job);
    lane_free(lane);
    assert_true(sigismember(&job.blocked, SIGTERM));
    assert_true(sigismember(&job.blocked, SIGHUP));
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
    assert_int_equal(sigismember(&after, SIGALRM), 0);
}

static void assert_runs_on(const struct crew *crew, const uint16_t *cores, size_t count) {
    for (unsigned t = 0; t < crew->size; t++) {
        assert_int_equal(CPU_COUNT(&crew->masks[t]), 1);
        assert_true(CPU_ISSET(cores[t % count], &crew->masks[t]));
    }
}

static void a_team_lives_on_all_cores_or_anywhere(void **state) {
    (void)state;
    uint16_t cores[2];
    cpu_set_t all;
    if (usable_cores(cores, &all) < 1) {
        skip();
    }
    for (unsigned threads = 1; threads <= 4; threads++) {
        unsigned served = 0;
        struct job job = {0};
        struct lane *lane = lane_new(threads, serve, &served);
        do_job(lane, &job);
        assert_at_home(&job.crew, &all);
        lane_free(lane);
    }
}

static void a_team_is_pinned_for_as_long_as_asked(void **state) {
    (void)state;
    uint16_t cores[2];
    cpu_set_t all;
    if (usable_cores(cores, &all) < 2) {
        skip();
    }
    uint16_t swapped[2] = {cores[1], cores[0]};
    for (unsigned threads = 1; threads <= 4; threads++) {
        unsigned served = 0;
        struct job job = {.cores = swapped, .core_count = 2};
        struct lane *lane = lane_new(threads, serve, &served);
        do_job(lane, &job);
        assert_runs_on(&job.crew, swapped, 2);
        job.core_count = 1;
        do_job(lane, &job);
        assert_runs_on(&job.crew, swapped, 1);
        job.core_count = 0;
        do_job(lane, &job);
        assert_at_home(&job.crew, &all);
        lane_free(lane);
    }
}

static void a_core_that_is_gone_leaves_the_team_unpinned(void **state) {
    (void)state;
    uint16_t cores[2];
    cpu_set_t all;
    if (usable_cores(cores, &all) < 2 || CPU_ISSET(CPU_SETSIZE - 1, &all)) {
        skip();
    }
    uint16_t gone[1] = {CPU_SETSIZE - 1};
    unsigned served = 0;
    struct job job = {.cores = cores, .core_count = 1};
    struct lane *lane = lane_new(2, serve, &served);
    do_job(lane, &job);
    job.cores = gone;
    do_job(lane, &job);
    lane_free(lane);
    for (unsigned t = 0; t < 2; t++) {
        assert_int_equal(CPU_COUNT(&job.crew.masks[t]), CPU_COUNT(&all));
    }
}

static void the_team_is_set_up_for_each_work(void **state) {
    (void)state;
    unsigned served = 0;
    struct job job = {.schedule = TEAM_GUIDED, .chunk = 77};
    struct lane *lane = lane_new(2, serve, &served);
    do_job(lane, &job);
    assert_int_equal(job.team.threads, 2);
    assert_int_equal(job.team.schedule, TEAM_GUIDED);
    assert_int_equal(job.team.chunk, 77);
    job.demands_nothing = true;
    do_job(lane, &job);
    lane_free(lane);
    assert_int_equal(job.team.threads, 2);
    assert_int_equal(job.team.schedule, TEAM_STATIC);
    assert_int_equal(job.team.chunk, 0);
}

/* In a process of its own, as a user who may have some threads, as root is exempt from that limit: one, so that the
 * lane can't begin, up to one less than it needs with its team. */
static int be_refused_a_team(void) {
    enum { NEEDED = 5 };
    bool limited = getuid() != 0 || setresuid(65534, 65534, 65534) == 0;
    unsigned served = 0;
    for (rlim_t count = 1; limited && count < NEEDED; count++) {
        const struct rlimit some = {count, NEEDED};
        limited = setrlimit(RLIMIT_NPROC, &some) == 0 && !lane_new(4, serve, &served);
    }
    return limited ? 0 : 1;
}

static void a_lane_without_threads_for_its_team_is_refused_not_fatal(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(be_refused_a_team());
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    forget_child(child);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* First, while there are no threads that a fork would lose. */
        cmocka_unit_test(a_lane_without_threads_for_its_team_is_refused_not_fatal),
        cmocka_unit_test(every_job_gets_the_same_team),
        cmocka_unit_test(a_job_given_from_within_a_job_is_next),
        cmocka_unit_test(a_job_given_before_the_end_is_done),
        cmocka_unit_test(lanes_leave_signals_to_the_main_thread),
        cmocka_unit_test(a_team_lives_on_all_cores_or_anywhere),
        cmocka_unit_test(a_team_is_pinned_for_as_long_as_asked),
        cmocka_unit_test(a_core_that_is_gone_leaves_the_team_unpinned),
        cmocka_unit_test(the_team_is_set_up_for_each_work),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
