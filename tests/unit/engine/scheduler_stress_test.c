/* Many threads submit works of all widths, classes and principals at once, some of two stages, and take some of them
 * back at any time; nothing is lost, nothing runs twice, and never more cores are busy than there are.
 * ctest: threads */
#include "server/engine/scheduler.h"

#include "tests/unit/worker.h"

enum { SUBMITTERS = 4, WORKS_EACH = 2000, CORE_BUDGET = 4, QUEUE_LIMIT = 32, THREAD_CAP = 12, PRINCIPALS = 5 };

/* Freed by `done`: the scheduler must not touch it afterwards. */
struct task {
    struct work work; /* first */
    struct tally *tally;
};

/* Of one run of the test. */
struct tally {
    struct scheduler *scheduler;
    atomic_uint threads_now; /* really computing */
    atomic_uint threads_most;
    atomic_uint teams_wrong;
    atomic_uint runs;
    atomic_uint accepted;
    atomic_uint refused;
    atomic_uint withdrawn;
    atomic_uint second_stages;
    atomic_uint cut_stages;
    unsigned done; /* under the lock of worker.h */
};

static void enter(struct tally *tally) {
    unsigned now = atomic_fetch_add(&tally->threads_now, 1) + 1;
    unsigned most = atomic_load(&tally->threads_most);
    while (now > most && !atomic_compare_exchange_weak(&tally->threads_most, &most, now)) {
    }
}

static void leave(struct tally *tally) {
    atomic_fetch_sub(&tally->threads_now, 1);
}

static void run(struct work *work, const struct team *team) {
    struct tally *tally = ((struct task *)work)->tally;
    atomic_fetch_add(&tally->runs, 1);
    if (team->threads == 1) {
        enter(tally);
        leave(tally);
        return;
    }
    atomic_uint members = 0;
#pragma omp parallel num_threads((int)team->threads)
    {
        atomic_fetch_add(&members, 1);
        enter(tally);
#pragma omp barrier
        leave(tally);
    }
    if (members != team->threads) {
        atomic_fetch_add(&tally->teams_wrong, 1);
    }
}

static void done(struct work *work) {
    struct tally *tally = ((struct task *)work)->tally;
    free(work);
    pthread_mutex_lock(&lock);
    tally->done++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* xorshift32 */
static unsigned next_random(unsigned *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A submitter may try to take back only what isn't freed meanwhile, so it waits for the end of such a work. */
struct own_task {
    struct work work; /* first */
    struct tally *tally;
    unsigned stages_left;
    unsigned runs;
    bool finished;
};

static void run_own(struct work *work, const struct team *team) {
    struct own_task *task = (struct own_task *)work;
    run(work, team);
    task->runs++;
    if (task->stages_left > 0) {
        task->stages_left--;
        work->again = true;
        work->threads = work->threads % CORE_BUDGET + 1;
    }
}

static void done_own(struct work *work) {
    struct own_task *task = (struct own_task *)work;
    pthread_mutex_lock(&lock);
    task->tally->done++;
    task->finished = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static struct work draw(unsigned random) {
    return (struct work){.threads = random % CORE_BUDGET + 1,
                         .class = random / 16 % WORK_CLASSES,
                         .principal = random / 64 % PRINCIPALS,
                         .admitted = random / 1024 % 64 == 0};
}

/* Withdrawn at once, or after a while in which it may have begun. */
static void submit_and_regret(struct tally *tally, unsigned random) {
    struct own_task task = {.work = draw(random), .tally = tally, .stages_left = random / 4096 % 3};
    task.work.run = run_own;
    task.work.done = done_own;
    unsigned stages = task.stages_left + 1;
    if (!scheduler_submit(tally->scheduler, &task.work, &(struct shortage){0})) {
        atomic_fetch_add(&tally->refused, 1);
        return;
    }
    atomic_fetch_add(&tally->accepted, 1);
    for (unsigned i = random / 65536 % 64; i > 0; i--) {
        sched_yield();
    }
    bool waited = scheduler_withdraw(tally->scheduler, &task.work);
    if (waited) {
        atomic_fetch_add(&tally->withdrawn, 1);
    } else {
        await(&task.finished);
        atomic_fetch_add(&tally->cut_stages, task.runs < stages);
    }
    atomic_fetch_add(&tally->second_stages, task.runs - (waited ? 0 : 1));
}

/* False when it was refused. */
static bool submit_and_forget(struct tally *tally, unsigned random) {
    struct task *task = calloc(1, sizeof *task);
    if (!task) {
        abort();
    }
    task->work = draw(random);
    task->work.run = run;
    task->work.done = done;
    task->tally = tally;
    if (scheduler_submit(tally->scheduler, &task->work, &(struct shortage){0})) {
        atomic_fetch_add(&tally->accepted, 1);
        return true;
    }
    free(task);
    atomic_fetch_add(&tally->refused, 1);
    return false;
}

struct submitter {
    pthread_t thread;
    unsigned seed;
    struct tally *tally;
};

static void *submit_all(void *argument) {
    struct submitter *submitter = argument;
    for (int i = 0; i < WORKS_EACH; i++) {
        unsigned random = next_random(&submitter->seed);
        if (random >> 30 == 0) {
            submit_and_regret(submitter->tally, random);
        } else {
            while (!submit_and_forget(submitter->tally, random)) {
                sched_yield();
            }
        }
    }
    return NULL;
}

static void totals_add_up_under_load(void **state) {
    (void)state;
    static struct tally tally;
    struct submitter submitters[SUBMITTERS];
    tally.scheduler = scheduler_new(CORE_BUDGET, QUEUE_LIMIT, THREAD_CAP, CORE_BUDGET / 2);
    assert_non_null(tally.scheduler);
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (struct submitter){.seed = 2463534242U + i, .tally = &tally};
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_all, &submitters[i]), 0);
    }
    for (unsigned i = 0; i < SUBMITTERS; i++) {
        pthread_join(submitters[i].thread, NULL);
    }
    unsigned expected = atomic_load(&tally.accepted) - atomic_load(&tally.withdrawn);
    pthread_mutex_lock(&lock);
    while (tally.done < expected) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    struct scheduler_state end = scheduler_state(tally.scheduler);
    assert_int_equal(end.waiting, 0);
    assert_int_equal(end.running, 0);
    assert_int_equal(end.cores_busy, 0);
    assert_in_range(end.lane_threads, 1, THREAD_CAP);
    scheduler_free(tally.scheduler);
    assert_int_equal(tally.done, expected);
    assert_int_equal(atomic_load(&tally.runs), expected + atomic_load(&tally.second_stages));
    assert_int_equal(atomic_load(&tally.teams_wrong), 0);
    assert_int_equal(atomic_load(&tally.threads_most), CORE_BUDGET);
    assert_in_range(atomic_load(&tally.withdrawn), 1, SUBMITTERS * WORKS_EACH);
    print_message("accepted %u, refused %u, withdrawn %u, %u further stages, %u cut off, at most %u threads at once\n",
                  atomic_load(&tally.accepted), atomic_load(&tally.refused), atomic_load(&tally.withdrawn),
                  atomic_load(&tally.second_stages), atomic_load(&tally.cut_stages), atomic_load(&tally.threads_most));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(totals_add_up_under_load)};
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("scheduler_stress", tests, NULL, NULL);
}
