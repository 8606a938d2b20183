/* Keys that are open are refused, those of others aren't, and what has left is free; from many threads. ctest: threads
 */
#include "server/jobs/open_keys.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 3 * OPEN_KEYS_BUCKETS, THREADS = 4, ROUNDS = 5000 };

static struct open_keys keys;

static int set_up(void **state) {
    (void)state;
    open_keys_init(&keys);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    open_keys_deinit(&keys);
    return 0;
}

static struct text_view text(const char *string) {
    return (struct text_view){string, strlen(string)};
}

static void one_at_a_time_has_a_key(void **state) {
    (void)state;
    struct open_key first, second, other;
    assert_true(open_keys_enter(&keys, &first, 1, text("key")));
    assert_false(open_keys_enter(&keys, &second, 1, text("key")));
    open_keys_leave(&second); /* it isn't in there */
    assert_false(open_keys_enter(&keys, &second, 1, text("key")));
    assert_true(open_keys_enter(&keys, &other, 2, text("key")));
    open_keys_leave(&other);
    assert_true(open_keys_enter(&keys, &other, 1, text("ke")));
    open_keys_leave(&first);
    open_keys_leave(&first);
    assert_true(open_keys_enter(&keys, &second, 1, text("key")));
    open_keys_leave(&second);
    open_keys_leave(&other);
}

static void many_are_told_apart(void **state) {
    (void)state;
    static struct open_key entries[MANY];
    static char names[MANY][16];
    struct open_key again;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "key %d", i);
        assert_true(open_keys_enter(&keys, &entries[i], 7, text(names[i])));
    }
    for (int i = 0; i < MANY; i++) {
        assert_false(open_keys_enter(&keys, &again, 7, text(names[i])));
        open_keys_leave(&entries[i]);
        assert_true(open_keys_enter(&keys, &again, 7, text(names[i])));
        open_keys_leave(&again);
    }
}

static atomic_int holders;
static atomic_int entered;

static void *contend(void *unused) {
    for (int i = 0; i < ROUNDS; i++) {
        struct open_key entry;
        if (open_keys_enter(&keys, &entry, 1, text("contended"))) {
            if (atomic_fetch_add(&holders, 1) == 0) {
                atomic_fetch_add(&entered, 1);
            }
            atomic_fetch_sub(&holders, 1);
            open_keys_leave(&entry);
        } else {
            i--;
        }
    }
    return unused;
}

static void threads_never_have_one_together(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, contend, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&entered), THREADS * ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_at_a_time_has_a_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_never_have_one_together, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
