/* Everything that is posted is taken out once, each poster's things in order, and the owner is woken whenever there is
 * something that it hasn't been woken for.
 *
 * ctest: threads */
#include "server/engine/mailbox.h"

#include "tests/unit/worker.h"

enum { POSTERS = 4, EACH = 2000 };

struct parcel {
    struct mailbox_link link; /* first */
    unsigned poster;
    unsigned number;
};

static struct mailbox mailbox;
static bool is_posted;
static atomic_uint wakes;

static void wake(void *context) {
    assert_ptr_equal(context, &mailbox);
    wakes++;
    raise_flag(&is_posted);
}

static int set_up(void **state) {
    (void)state;
    is_posted = false;
    wakes = 0;
    mailbox_init(&mailbox, wake, &mailbox);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    mailbox_deinit(&mailbox);
    return 0;
}

static void an_empty_box_gives_nothing(void **state) {
    (void)state;
    assert_null(mailbox_take(&mailbox));
    assert_int_equal(wakes, 0);
}

static void the_oldest_comes_first(void **state) {
    (void)state;
    struct parcel parcels[3] = {0};
    for (int turn = 0; turn < 2; turn++) { /* the same links again */
        for (int count = 1; count <= 3; count++) {
            wakes = 0;
            for (int i = 0; i < count; i++) {
                mailbox_post(&mailbox, &parcels[i].link);
                assert_int_equal(wakes, 1); /* once for all that lies there */
            }
            struct mailbox_link *link = mailbox_take(&mailbox);
            for (int i = 0; i < count; i++) {
                assert_ptr_equal(link, &parcels[i].link);
                link = link->next;
            }
            assert_null(link);
            assert_null(mailbox_take(&mailbox));
        }
    }
}

struct poster {
    pthread_t thread;
    struct parcel parcels[EACH];
};

static void *post_all(void *argument) {
    struct poster *poster = argument;
    for (unsigned i = 0; i < EACH; i++) {
        mailbox_post(&mailbox, &poster->parcels[i].link);
    }
    return NULL;
}

/* The owner sleeps unless it is woken: a wake that is lost makes this hang. */
static void nothing_is_lost_among_threads(void **state) {
    (void)state;
    struct poster *posters = calloc(POSTERS, sizeof *posters);
    unsigned next[POSTERS] = {0};
    assert_non_null(posters);
    for (unsigned p = 0; p < POSTERS; p++) {
        for (unsigned i = 0; i < EACH; i++) {
            posters[p].parcels[i].poster = p;
            posters[p].parcels[i].number = i;
        }
        assert_int_equal(pthread_create(&posters[p].thread, NULL, post_all, &posters[p]), 0);
    }
    unsigned taken = 0, takes = 0;
    while (taken < POSTERS * EACH) {
        pthread_mutex_lock(&lock);
        await_locked(&is_posted);
        is_posted = false;
        pthread_mutex_unlock(&lock);
        takes++;
        for (struct mailbox_link *link = mailbox_take(&mailbox); link; link = link->next) {
            const struct parcel *parcel = (const struct parcel *)link;
            assert_int_equal(parcel->number, next[parcel->poster]);
            next[parcel->poster]++;
            taken++;
        }
    }
    for (unsigned p = 0; p < POSTERS; p++) {
        pthread_join(posters[p].thread, NULL);
    }
    assert_null(mailbox_take(&mailbox));
    assert_true(wakes >= 1 && wakes <= POSTERS * EACH && wakes <= takes + 1);
    free(posters);
}

static bool may_leave, has_left;

static void wake_slowly(void *context) {
    raise_flag(context);
    await(&may_leave);
    raise_flag(&has_left);
}

static struct mailbox slow;
static struct mailbox_link last_link;

static void *post_last(void *unused) {
    mailbox_post(&slow, &last_link);
    return unused;
}

static void *let_go(void *unused) {
    usleep(20000);
    raise_flag(&may_leave);
    return unused;
}

/* What it posted may have been taken long ago. */
static void the_end_waits_for_who_still_wakes(void **state) {
    (void)state;
    bool is_awake = false;
    pthread_t poster, opener;
    mailbox_init(&slow, wake_slowly, &is_awake);
    assert_int_equal(pthread_create(&poster, NULL, post_last, NULL), 0);
    await(&is_awake);
    assert_ptr_equal(mailbox_take(&slow), &last_link);
    assert_int_equal(pthread_create(&opener, NULL, let_go, NULL), 0);
    mailbox_deinit(&slow);
    assert_true(look(&has_left));
    pthread_join(opener, NULL);
    pthread_join(poster, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_box_gives_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_comes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_lost_among_threads, set_up, tear_down),
        cmocka_unit_test(the_end_waits_for_who_still_wakes),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
