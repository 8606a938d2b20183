/* The store on the disk: what was put is there after a restart, the same bytes under the same tag, or it is reported
 * and set aside. ctest: threads */
#include "codecs/json/document.h"
#include "server/system/disk.h"
#include "tests/unit/data/data_case.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static char path[64];

static int set_up(void **state) {
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/forkjoin_data_XXXXXX");
    return mkdtemp(path) ? 0 : -1;
}

/* Calls the function for each file of the folder; returns how many there are. */
static size_t for_each(void (*visit)(const char *file)) {
    size_t count = 0;
    DIR *listing = opendir(path);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        if (entry->d_name[0] != '.') {
            count++;
            if (visit) {
                char file[512];
                (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
                visit(file);
            }
        }
    }
    closedir(listing);
    return count;
}

static void remove_file(const char *file) {
    assert_int_equal(unlink(file), 0);
}

static int tear_down(void **state) {
    (void)state;
    disk_set_calls(NULL);
    for_each(remove_file);
    return rmdir(path);
}

static void start_with(size_t limit_bytes) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    open_store(limit_bytes, folder);
}

static void start(void) {
    start_with(DATA_LIMIT);
}

static void restart(void) {
    close_store();
    start();
}

static void what_was_put_is_there_after_a_restart(void **state) {
    (void)state;
    static const double rows[] = {1, 2, 3, 4, 5, 6};
    struct data_receipt receipt;
    struct problem problem = {0};
    struct data_put put = {
        .name = view("a/rows"),
        .about = {.kind = DATA_ROWS, .dtype = NPY_FLOAT64, .sent_dtype = NPY_INT16, .dimensions = 2, .shape = {2, 3}},
        .bytes = (const char *)rows,
        .length = sizeof rows,
        .expires_s = 1000};
    start();
    assert_true(data_store_is_durable(store));
    assert_int_equal(data_store_put(store, &put, &receipt, &problem), PROBLEM_NONE);
    struct data_version before = *receipt.version;
    data_version_drop(receipt.version);
    put_text("text", "caf\xC3\xA9");
    put_text("empty", "");
    restart();
    expect_text("text", "caf\xC3\xA9");
    expect_text("empty", "");
    struct data_version *after = data_store_find(store, view("a/rows"));
    assert_non_null(after);
    assert_memory_equal(after->bytes, rows, sizeof rows);
    assert_string_equal(after->tag, before.tag);
    assert_memory_equal(&after->about, &before.about, sizeof before.about);
    assert_true(after->created_ms == before.created_ms && after->expires_ms == before.expires_ms);
    assert_true(after->expires_ns <= before.expires_ns + 1000000);
    data_version_drop(after);
    close_store();
}

/* A put of a text that was written before. */
static enum problem_kind put_written(const char *name, const char *text, struct durable_file *file,
                                     const struct data_conditions *conditions) {
    struct data_receipt receipt;
    struct problem problem = {0};
    assert_int_equal(durable_begin(file, data_store_folder(store)), 0);
    assert_int_equal(durable_write(file, text, strlen(text)), 0);
    assert_int_equal(durable_seal(file), 0);
    struct data_put put = {.name = view(name),
                           .about = {.kind = DATA_TEXT, .shape = {1, 1}},
                           .bytes = text,
                           .length = strlen(text),
                           .file = file,
                           .conditions = *conditions};
    enum problem_kind kind = data_store_put(store, &put, &receipt, &problem);
    if (!kind) {
        struct digest known;
        assert_true(data_version_knows_digest(receipt.version, &known) && digest_equal(&known, &file->digest));
        data_version_drop(receipt.version);
    }
    return kind;
}

static void content_may_have_been_written_before(void **state) {
    (void)state;
    static const struct data_conditions none, other = {.if_match = {"\"x\"", 3}};
    struct durable_file file;
    start();
    assert_int_equal(put_written("a", "as it came", &file, &none), PROBLEM_NONE);
    assert_string_equal(file.part, "");
    durable_discard(&file);
    assert_int_equal(for_each(NULL), 2);
    assert_int_equal(put_written("a", "as it came", &file, &none), PROBLEM_NONE); /* in its own place */
    durable_discard(&file);
    assert_int_equal(put_written("b", "as it came", &file, &none), PROBLEM_NONE);
    durable_discard(&file);
    assert_int_equal(for_each(NULL), 3);
    assert_int_equal(put_written("a", "not wanted", &file, &other), PROBLEM_PRECONDITION_FAILED);
    assert_string_not_equal(file.part, ""); /* whoever brought it discards it */
    durable_discard(&file);
    assert_int_equal(for_each(NULL), 3);
    assert_int_equal(delete_name("b"), PROBLEM_NONE);
    restart();
    expect_text("a", "as it came");
    close_store();
}

static void tags_are_never_used_again(void **state) {
    (void)state;
    char tags[8][DATA_TAG_MAX];
    for (size_t i = 0; i < 8; i++) {
        struct data_receipt receipt;
        struct problem problem = {0};
        start();
        assert_int_equal(put_with("a", "same", 0, NULL, &receipt, &problem), PROBLEM_NONE);
        memcpy(tags[i], receipt.version->tag, sizeof tags[i]);
        data_version_drop(receipt.version);
        assert_int_equal(delete_name("a"), PROBLEM_NONE);
        close_store();
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(tags[k], tags[i]);
        }
    }
}

static void what_was_replaced_or_deleted_stays_so(void **state) {
    (void)state;
    start();
    put_text("a", "one");
    put_text("a", "two");
    put_text("b", "two");
    put_text("c", "three");
    assert_int_equal(delete_name("c"), PROBLEM_NONE);
    restart();
    expect_text("a", "two");
    expect_text("b", "two");
    expect_nothing("c");
    assert_int_equal(for_each(NULL), 3); /* two records and their one content */
    assert_int_equal(delete_name("a"), PROBLEM_NONE);
    expect_text("b", "two");
    restart();
    expect_text("b", "two");
    assert_int_equal(delete_name("b"), PROBLEM_NONE);
    assert_int_equal(for_each(NULL), 0);
    close_store();
}

static void who_has_a_version_keeps_it(void **state) {
    (void)state;
    start();
    put_text("a", "one");
    restart();
    struct data_version *version = data_store_find(store, view("a"));
    assert_int_equal(delete_name("a"), PROBLEM_NONE);
    assert_memory_equal(version->bytes, "one", 3);
    data_version_drop(version);
    while (data_store_state(store).used_bytes > 0) {
        usleep(1000); /* the store's thread unmaps it */
    }
    close_store();
    assert_int_equal(for_each(NULL), 0);
}

/* --- what is torn or changed ------------------------------------------------------------------------------------- */

static bool is_record(const char *file) {
    return strstr(file, "/name-");
}

static bool (*wanted)(const char *file);
static void (*harm)(int file, off_t length);

static bool is_content(const char *file) {
    return !is_record(file);
}

static void flip(int file, off_t length) {
    char byte;
    assert_int_equal(pread(file, &byte, 1, length / 2), 1);
    byte ^= 1;
    assert_int_equal(pwrite(file, &byte, 1, length / 2), 1);
}

static void cut(int file, off_t length) {
    assert_int_equal(ftruncate(file, length - 1), 0);
}

static void lengthen(int file, off_t length) {
    assert_int_equal(pwrite(file, "x", 1, length), 1);
}

static void empty(int file, off_t length) {
    (void)length;
    assert_int_equal(ftruncate(file, 0), 0);
}

static void harm_file(const char *name) {
    if (wanted(name)) {
        int file = open(name, O_RDWR | O_CLOEXEC);
        assert_true(file >= 0);
        harm(file, lseek(file, 0, SEEK_END));
        close(file);
    }
}

static void what_was_changed_is_set_aside_and_never_served(void **state) {
    (void)state;
    static bool (*const files[])(const char *) = {is_record, is_content};
    static void (*const harms[])(int, off_t) = {flip, cut, lengthen, empty};
    for (size_t i = 0; i < 8; i++) {
        start();
        put_text("a", "what somebody changes");
        close_store();
        wanted = files[i / 4];
        harm = harms[i % 4];
        for_each(harm_file);
        start();
        expect_nothing("a");
        assert_true(for_each(NULL) >= 1); /* nothing of it is removed */
        put_text("a", "new");
        restart();
        expect_text("a", "new");
        close_store();
        for_each(remove_file);
    }
}

static void remove_wanted(const char *file) {
    if (wanted(file)) {
        remove_file(file);
    }
}

static void a_record_without_its_content_is_set_aside(void **state) {
    (void)state;
    start();
    put_text("a", "content");
    close_store();
    wanted = is_content;
    for_each(remove_wanted);
    start();
    expect_nothing("a");
    close_store();
    assert_int_equal(for_each(NULL), 1);
}

static void content_that_nothing_refers_to_goes(void **state) {
    (void)state;
    start();
    put_text("a", "content");
    close_store();
    wanted = is_record;
    for_each(remove_wanted);
    assert_int_equal(for_each(NULL), 1);
    start();
    assert_int_equal(for_each(NULL), 0);
    close_store();
}

static void what_has_no_room_any_more_stays_on_the_disk(void **state) {
    (void)state;
    start();
    put_text("a", "content");
    close_store();
    static char large[8000];
    memset(large, 'l', sizeof large - 1);
    start();
    put_text("b", large);
    close_store();
    memory_budget_init(&budget, 4000);
    host.buffers = buffer_pool_new(1 << 20, UINT32_MAX);
    store = data_store_new(&host, DATA_LIMIT, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(store);
    expect_text("a", "content");
    expect_nothing("b");
    close_store();
    start();
    expect_text("b", large);
    close_store();
}

/* --- a disk that fails ------------------------------------------------------------------------------------------- */

static atomic_int calls_left;

static bool may_go_on(void) {
    if (atomic_fetch_sub(&calls_left, 1) > 0) {
        return true;
    }
    errno = ENOSPC;
    return false;
}

static ssize_t failing_write(int file, const void *bytes, size_t length) {
    return may_go_on() ? write(file, bytes, length) : -1;
}
static int failing_sync(int file) {
    return may_go_on() ? fsync(file) : -1;
}
static int failing_rename(int folder, const char *from, const char *to) {
    return may_go_on() ? renameat(folder, from, folder, to) : -1;
}
static int working_unlink(int folder, const char *name) {
    return unlinkat(folder, name, 0);
}

static void a_disk_that_fails_at_any_moment_leaves_the_old_or_the_new(void **state) {
    (void)state;
    static const struct disk_calls failing = {failing_write, failing_sync, failing_rename, working_unlink};
    bool was_put = false;
    for (int calls = 0; !was_put; calls++) {
        struct data_receipt receipt;
        struct problem problem = {0};
        start();
        put_text("a", "old");
        atomic_store(&calls_left, calls);
        disk_set_calls(&failing); /* no other thread writes */
        enum problem_kind kind = put_with("a", "newer", 0, NULL, &receipt, &problem);
        disk_set_calls(NULL);
        was_put = kind == PROBLEM_NONE;
        assert_true(was_put || kind == PROBLEM_DISK_FAILED);
        expect_text("a", was_put ? "newer" : "old");
        assert_int_equal(data_store_state(store).count, 1);
        data_version_drop(receipt.version);
        restart();
        struct data_version *version = data_store_find(store, view("a"));
        assert_non_null(version);
        bool is_new = version->length == 5 && memcmp(version->bytes, "newer", 5) == 0;
        bool is_old = version->length == 3 && memcmp(version->bytes, "old", 3) == 0;
        assert_true(is_new || (is_old && !was_put));
        data_version_drop(version);
        close_store();
        assert_true(calls < 100);
    }
}

int main(void) {
    alarm(60);
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_there_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(content_may_have_been_written_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags_are_never_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_replaced_or_deleted_stays_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_a_version_keeps_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_changed_is_set_aside_and_never_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_without_its_content_is_set_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(content_that_nothing_refers_to_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_room_any_more_stays_on_the_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_at_any_moment_leaves_the_old_or_the_new, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("data_durable", tests, NULL, NULL);
}
