/* Bytes that go to a file as they arrive: whole or not at all, whatever fails, whoever leaves, and several at once.
 *
 * ctest: threads */
#include "server/engine/arrival.h"

#include "tests/unit/failing_disk.h"
#include "tests/unit/fake_tree.h"
#include "tests/unit/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

enum { LONG_BYTES = 5 * 1024 * 1024 + 77, AT_ONCE = 9 };

static struct fake_tree tree;
static int folder;
static struct arrivals *arrivals;
static char bytes[LONG_BYTES];

static int set_up(void **state) {
    (void)state;
    tree_init(&tree);
    folder = open(tree.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    arrivals = arrivals_new();
    for (size_t i = 0; i < LONG_BYTES; i++) {
        bytes[i] = (char)(i * 197 + i / 1000);
    }
    return folder >= 0 && arrivals ? 0 : -1;
}

static unsigned count_files(void) {
    unsigned count = 0;
    DIR *listing = durable_list(folder);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        count += entry->d_name[0] != '.';
    }
    closedir(listing);
    return count;
}

static int tear_down(void **state) {
    (void)state;
    arrivals_free(arrivals); /* what was dropped is gone from here on */
    failing_disk_remove();
    unsigned left = count_files();
    close(folder);
    tree_deinit(&tree);
    return left == 0 ? 0 : -1;
}

static void await_no_files(void) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (count_files() > 0) {
        nanosleep(&pause, NULL);
    }
}

static void note_done(void *context) {
    raise_flag(context);
}

/* Waits for it. */
static void add(struct arrival *arrival, const char *piece, size_t length, bool last) {
    bool is_done = false;
    arrival_add(arrival, piece, length, last, note_done, &is_done);
    await(&is_done);
}

/* Up to the first error. */
static struct arrival *arrive(size_t length, size_t step) {
    struct arrival *arrival = arrival_new(arrivals, folder);
    assert_non_null(arrival);
    for (size_t at = 0; at < length && !arrival_error(arrival); at += step) {
        add(arrival, bytes + at, step < length - at ? step : length - at, false);
    }
    if (!arrival_error(arrival)) {
        add(arrival, NULL, 0, true);
    }
    return arrival;
}

static void assert_kept(size_t length) {
    struct durable_view view;
    struct digest digest = digest_of(bytes, length);
    assert_int_equal(durable_map(folder, &digest, length, &view), DURABLE_GOOD);
    assert_memory_equal(view.bytes, bytes, length);
    durable_unmap(&view);
    assert_int_equal(durable_remove_content(folder, &digest), 0);
}

static void what_has_arrived_is_content(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 262144, 262145, LONG_BYTES};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct arrival *arrival = arrive(lengths[i], i % 2 ? 100000 : 1 << 20);
        assert_int_equal(arrival_error(arrival), 0);
        struct durable_file *file = arrival_file(arrival);
        struct digest expected = digest_of(bytes, lengths[i]);
        assert_int_equal(file->length, lengths[i]);
        assert_true(digest_equal(&file->digest, &expected));
        assert_int_equal(durable_publish(file), 0);
        arrival_drop(arrival);
        assert_kept(lengths[i]);
    }
}

/* At once, midway, and when it is all there. tear_down looks. */
static void what_is_dropped_leaves_nothing(void **state) {
    (void)state;
    arrival_drop(NULL);
    arrival_drop(arrival_new(arrivals, folder));
    struct arrival *arrival = arrival_new(arrivals, folder);
    add(arrival, bytes, 100000, false);
    assert_int_equal(count_files(), 1);
    arrival_drop(arrival);
    arrival_drop(arrive(LONG_BYTES, 1 << 20));
}

static void drop_within(void *context) {
    struct arrival **arrival = context;
    arrival_drop(*arrival);
    raise_flag((bool *)(arrival + 1));
}

/* As when a service ends whose clients have just left. */
static void the_end_waits_for_all(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct {
            struct arrival *arrival;
            bool is_done;
        } dropping[AT_ONCE];
        for (size_t j = 0; j < AT_ONCE; j++) {
            dropping[j].arrival = arrival_new(arrivals, folder);
            dropping[j].is_done = false;
            arrival_add(dropping[j].arrival, bytes, 1 << 20, false, drop_within, &dropping[j]);
        }
        arrivals_free(arrivals);
        assert_int_equal(count_files(), 0);
        arrivals = arrivals_new();
        assert_non_null(arrivals);
    }
}

/* As of a call that ends on an event loop. */
static void what_is_left_to_them_is_gone_when_they_end(void **state) {
    (void)state;
    struct durable_view view;
    struct durable_file stored, dropped;
    assert_int_equal(durable_begin(&stored, folder), 0);
    assert_int_equal(durable_write(&stored, bytes, LONG_BYTES), 0);
    assert_int_equal(durable_store(&stored), 0);
    assert_int_equal(durable_map(folder, &stored.digest, LONG_BYTES, &view), DURABLE_GOOD);
    assert_int_equal(durable_remove_content(folder, &stored.digest), 0);
    assert_int_equal(durable_begin(&dropped, folder), 0);
    assert_int_equal(durable_write(&dropped, bytes, LONG_BYTES), 0);
    assert_int_equal(msync(view.mapping, view.length, MS_ASYNC), 0);
    arrivals_clear(arrivals, &dropped, &view);
    arrivals_clear(arrivals, NULL, &(struct durable_view){.bytes = ""});
    arrivals_free(arrivals);
    arrivals = NULL;
    assert_int_equal(msync(view.mapping, view.length, MS_ASYNC), -1); /* nothing is there */
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(count_files(), 0);
}

static unsigned count_threads(void) {
    unsigned count = 0;
    DIR *listing = opendir("/proc/self/task");
    assert_non_null(listing);
    while (readdir(listing)) {
        count++;
    }
    closedir(listing);
    return count;
}

/* None is left when they end; one that was joined may be listed a moment longer. */
static void their_threads_end_with_them(void **state) {
    (void)state;
    const struct timespec pause = {.tv_nsec = 200000};
    unsigned before = count_threads();
    struct arrivals *others = arrivals_new();
    assert_non_null(others);
    assert_true(count_threads() > before);
    arrivals_free(others);
    while (count_threads() != before) {
        nanosleep(&pause, NULL);
    }
}

/* As a run's that nobody waits for any more. */
static void it_may_be_dropped_when_a_piece_is_done(void **state) {
    (void)state;
    for (int last = 0; last <= 1; last++) {
        struct {
            struct arrival *arrival;
            bool is_done;
        } dropping = {.arrival = arrival_new(arrivals, folder)};
        arrival_add(dropping.arrival, bytes, 1000, last, drop_within, &dropping);
        await(&dropping.is_done);
    }
}

/* Each of the disk's calls fails in turn. */
static void whatever_fails_is_told_and_leaves_nothing(void **state) {
    (void)state;
    const int errors[] = {ENOSPC, EIO};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        long at = 0, made;
        do {
            failing_disk_plan(i == 0 ? DISK_HALF : DISK_FAILS, ++at, errors[i]);
            struct arrival *arrival = arrive(LONG_BYTES, 1 << 18);
            made = atomic_load(&disk_calls_made);
            failing_disk_remove();
            if (made >= at) {
                assert_int_equal(arrival_error(arrival), errors[i]);
                assert_int_equal(count_files(), 0); /* at once: the disk may be full */
            }
            arrival_drop(arrival);
            await_no_files(); /* a call more, which isn't to be counted with the next */
        } while (made >= at && at < 100);
        assert_true(at > 20 && at < 100);
    }
}

static void a_folder_that_is_gone_is_told(void **state) {
    (void)state;
    struct arrival *arrival = arrival_new(arrivals, -1);
    add(arrival, bytes, 1000, true);
    assert_int_equal(arrival_error(arrival), EBADF);
    arrival_drop(arrival);
}

/* More than there are threads; every one on its own. */
static void several_arrive_at_once(void **state) {
    (void)state;
    struct arrival *coming[AT_ONCE];
    bool is_done[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++) {
        coming[i] = arrival_new(arrivals, folder);
    }
    for (size_t piece = 0; piece < 8; piece++) {
        for (size_t i = 0; i < AT_ONCE; i++) {
            is_done[i] = false;
            arrival_add(coming[i], bytes + piece * (1000 + i), 1000 + i, piece == 7, note_done, &is_done[i]);
        }
        for (size_t i = 0; i < AT_ONCE; i++) {
            await(&is_done[i]);
        }
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        assert_int_equal(durable_publish(arrival_file(coming[i])), 0);
        arrival_drop(coming[i]);
        assert_kept(8 * (1000 + i));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_has_arrived_is_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_dropped_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_may_be_dropped_when_a_piece_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_waits_for_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_left_to_them_is_gone_when_they_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(their_threads_end_with_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whatever_fails_is_told_and_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_gone_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_arrive_at_once, set_up, tear_down),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("arrivals", tests, NULL, NULL);
}
