/* Files are there whole or not at all, whatever fails at whatever moment, and what was changed is never given out. */
#include "server/system/durable_file.h"

#include "tests/unit/failing_disk.h"
#include "tests/unit/fake_tree.h"

#include "server/system/log.h"

#include <sys/stat.h>
#include <sys/wait.h>

enum { LONG_BYTES = 1000003 };

static struct fake_tree tree;
static int folder;
static char bytes[LONG_BYTES];

static int set_up(void **state) {
    (void)state;
    tree_init(&tree);
    folder = open(tree.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    for (size_t i = 0; i < LONG_BYTES; i++) {
        bytes[i] = (char)(i * 197 + i / 1000);
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    failing_disk_remove();
    close(folder);
    tree_deinit(&tree);
    return 0;
}

/* Content in pieces; what durable_store said. */
static int store(size_t length, size_t piece, struct digest *digest) {
    struct durable_file file;
    int error = durable_begin(&file, folder);
    for (size_t done = 0; !error && done < length; done += piece) {
        error = durable_write(&file, bytes + done, piece < length - done ? piece : length - done);
    }
    if (error) {
        durable_discard(&file);
        return error;
    }
    error = durable_store(&file);
    *digest = file.digest;
    return error;
}

static void assert_kept(const struct digest *digest, size_t length) {
    struct durable_view view;
    assert_int_equal(durable_map(folder, digest, length, &view), DURABLE_GOOD);
    assert_int_equal(view.length, length);
    assert_memory_equal(view.bytes, bytes, length);
    durable_unmap(&view);
    assert_int_equal(view.length, 0);
}

static unsigned count_files(const char *ending) {
    unsigned count = 0;
    DIR *listing = durable_list(folder);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        size_t length = strlen(entry->d_name), tail = strlen(ending);
        count += entry->d_name[0] != '.' && length >= tail && strcmp(entry->d_name + length - tail, ending) == 0;
    }
    closedir(listing);
    return count;
}

static void content_comes_back(void **state) {
    (void)state;
    const size_t lengths[] = {0, 1, 31, 4096, 262144, 262145, LONG_BYTES};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct digest digest, expected = digest_of(bytes, lengths[i]);
        assert_int_equal(store(lengths[i], 70001, &digest), 0);
        assert_true(digest_equal(&digest, &expected));
        assert_kept(&digest, lengths[i]);
        assert_int_equal(store(lengths[i], 4096, &digest), 0); /* the same is one file */
        assert_int_equal(count_files(""), i + 1);
    }
}

static void bytes_are_synced_before_the_name_and_the_name_before_it_is_told(void **state) {
    (void)state;
    struct digest digest;
    failing_disk_plan(DISK_WELL, 0, 0);
    assert_int_equal(store(100, 100, &digest), 0);
    assert_string_equal(disk_log, "wsrus");
    failing_disk_plan(DISK_WELL, 0, 0);
    assert_int_equal(durable_put(folder, "name", "abc", 3), 0);
    assert_string_equal(disk_log, "wwssrs"); /* what was published before is there first */
}

/* Its blocks go when the file that took its place is done with. */
static void what_is_replaced_may_be_held(void **state) {
    (void)state;
    struct digest digest;
    struct durable_file file;
    struct stat held;
    assert_int_equal(store(LONG_BYTES, 300000, &digest), 0);
    assert_int_equal(durable_begin(&file, folder), 0);
    assert_int_equal(durable_write(&file, bytes, LONG_BYTES), 0);
    durable_begin_sync(&file);
    assert_int_equal(file.begun_bytes, LONG_BYTES);
    assert_int_equal(durable_seal(&file), 0);
    durable_hold_replaced(&file);
    durable_hold_replaced(&file);
    assert_true(file.holds_replaced);
    int replaced = file.replaced;
    assert_int_equal(durable_publish(&file), 0);
    assert_int_equal(fstat(replaced, &held), 0);
    assert_int_equal(held.st_nlink, 0);
    durable_discard(&file);
    assert_int_equal(fstat(replaced, &held), -1);
    assert_kept(&digest, LONG_BYTES);
    assert_int_equal(store(10, 10, &file.digest), 0);
    assert_int_equal(durable_begin(&file, folder), 0);
    assert_int_equal(durable_seal(&file), 0);
    durable_hold_replaced(&file); /* there is none */
    assert_false(file.holds_replaced);
    durable_discard(&file);
}

/* Every call of the disk fails in turn, in every way. */
static void whatever_fails_leaves_nothing_and_is_told(void **state) {
    (void)state;
    const int errors[] = {ENOSPC, EIO, EDQUOT};
    struct digest old, digest;
    assert_int_equal(store(500, 500, &old), 0);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        for (int mishap = DISK_FAILS; mishap <= DISK_HALF; mishap++) {
            int error;
            long at = 0;
            do {
                failing_disk_plan((enum disk_mishap)mishap, ++at, errors[i]);
                error = store(LONG_BYTES, 300000, &digest);
                long made = atomic_load(&disk_calls_made);
                failing_disk_remove();
                if (error) {
                    assert_int_equal(error, errors[i]);
                } else {
                    assert_true(made < at || disk_log[at - 1] == 'u'); /* it needn't be removed where it was renamed */
                    assert_kept(&digest, LONG_BYTES);
                    assert_int_equal(durable_remove_content(folder, &digest), 0);
                }
                /* After a rename whose folder couldn't be synced the content may be there: whole. */
                struct digest whole = digest_of(bytes, LONG_BYTES);
                struct durable_view view;
                enum durable_outcome outcome = durable_map(folder, &whole, LONG_BYTES, &view);
                assert_true(outcome == DURABLE_MISSING || (outcome == DURABLE_GOOD && disk_log[at - 1] == 's'));
                durable_unmap(&view);
                assert_int_equal(durable_remove_content(folder, &whole), 0);
                assert_int_equal(count_files(""), 1);
                assert_kept(&old, 500);
                if (made < at) {
                    break;
                }
            } while (at < 100);
            assert_true(at > 6 && at < 100);
        }
    }
}

/* A child writes, and ends at each call in turn. */
static void a_process_that_ends_leaves_the_old_or_the_new(void **state) {
    (void)state;
    assert_int_equal(durable_put(folder, "record", "old", 3), 0);
    for (long at = 1;; at++) {
        struct digest digest = digest_of(bytes, LONG_BYTES);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            failing_disk_plan(DISK_ENDS, at, 0);
            int error = store(LONG_BYTES, 300000, &digest);
            error = error ? error : durable_put(folder, "record", "newer", 5);
            _exit(error ? 2 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        bool is_done = WEXITSTATUS(status) == 1;
        assert_int_equal(durable_sweep(folder), 0);
        assert_int_equal(count_files(".part"), 0);
        struct durable_view view;
        enum durable_outcome outcome = durable_map(folder, &digest, LONG_BYTES, &view);
        assert_true(outcome == DURABLE_GOOD || (outcome == DURABLE_MISSING && !is_done));
        durable_unmap(&view);
        char *record;
        size_t length;
        assert_int_equal(durable_get(folder, "record", &record, &length), DURABLE_GOOD);
        assert_true(strcmp(record, "old") == 0 || strcmp(record, "newer") == 0);
        assert_true(!is_done || length == 5);
        free(record);
        assert_int_equal(durable_remove_content(folder, &digest), 0);
        assert_int_equal(durable_put(folder, "record", "old", 3), 0);
        if (is_done) {
            break;
        }
    }
}

static void write_raw(const char *name, const char *content, size_t length) {
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, length), length);
    close(file);
}

/* Cut at every length and changed in every byte. */
static void damaged_content_is_set_aside(void **state) {
    (void)state;
    enum { LENGTH = 40 };
    char name[DIGEST_TEXT_LENGTH + 1], damaged[LENGTH + 1];
    struct digest digest = digest_of(bytes, LENGTH);
    unsigned bad = 0;
    digest_print(&digest, name);
    for (size_t i = 0; i <= 2 * LENGTH; i++) {
        memcpy(damaged, bytes, sizeof damaged);
        damaged[i < LENGTH ? i : 0] ^= i < LENGTH ? 0x10 : 0;
        write_raw(name, damaged, i < LENGTH ? LENGTH : i < 2 * LENGTH ? i - LENGTH : LENGTH + 1);
        struct durable_view view;
        assert_int_equal(durable_map(folder, &digest, LENGTH, &view), DURABLE_BAD);
        assert_int_equal(view.length, 0);
        assert_int_equal(durable_map(folder, &digest, LENGTH, &view), DURABLE_BAD); /* each time */
        assert_int_equal(count_files(""), ++bad); /* every one was kept, under another name */
    }
    assert_int_equal(count_files(".bad"), 1);
    assert_int_equal(count_files(".bad2"), 1);
    write_raw(name, bytes, LENGTH); /* the right one is served all the same */
    assert_kept(&digest, LENGTH);
    digest = digest_of(bytes, LENGTH - 1); /* another one: nothing was there */
    struct durable_view view;
    assert_int_equal(durable_map(folder, &digest, LENGTH - 1, &view), DURABLE_MISSING);
}

static void damaged_records_are_set_aside(void **state) {
    (void)state;
    char whole[64], damaged[64], *record;
    size_t length;
    assert_int_equal(durable_put(folder, "r", "some text", 9), 0);
    assert_int_equal(durable_get(folder, "r", &record, &length), DURABLE_GOOD);
    assert_int_equal(length, 9);
    assert_string_equal(record, "some text");
    free(record);
    int file = openat(folder, "r", O_RDONLY | O_CLOEXEC);
    ssize_t size = read(file, whole, sizeof whole);
    close(file);
    assert_int_equal(size, 9 + DIGEST_BYTES);
    for (ssize_t i = 0; i < 2 * size; i++) {
        memcpy(damaged, whole, sizeof damaged);
        damaged[i % size] ^= i < size ? 1 : 0;
        write_raw("r", damaged, (size_t)(i < size ? size : i - size));
        assert_int_equal(durable_get(folder, "r", &record, &length), DURABLE_BAD);
        assert_null(record);
        assert_int_equal(durable_get(folder, "r", &record, &length), DURABLE_MISSING);
    }
    assert_int_equal(durable_put(folder, "r", "", 0), 0);
    assert_int_equal(durable_get(folder, "r", &record, &length), DURABLE_GOOD);
    assert_int_equal(length, 0);
    free(record);
}

static void what_is_no_file_is_set_aside(void **state) {
    (void)state;
    char name[DIGEST_TEXT_LENGTH + 1], *record;
    size_t length;
    struct durable_view view;
    struct digest digest = digest_of(bytes, 5);
    digest_print(&digest, name);
    write_raw("target", bytes, 5);
    for (int kind = 0; kind < 3; kind++) {
        assert_int_equal(kind == 0   ? symlinkat("target", folder, name)
                         : kind == 1 ? mkdirat(folder, name, 0700)
                                     : mkfifoat(folder, name, 0600),
                         0);
        assert_int_equal(durable_map(folder, &digest, 5, &view), DURABLE_BAD);
        assert_int_equal(faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW), -1);
        assert_int_equal(symlinkat("target", folder, "record"), 0);
        assert_int_equal(durable_get(folder, "record", &record, &length), DURABLE_BAD);
    }
}

static void names_dont_leave_the_folder(void **state) {
    (void)state;
    char long_name[DURABLE_NAME_MAX + 2] = "", *record;
    memset(long_name, 'n', DURABLE_NAME_MAX + 1);
    const char *const names[] = {"",        ".",      "..",    "../x", "a/b",    "/tmp/x",
                                 ".hidden", "x.part", "x.bad", "a b",  long_name};
    size_t length;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(durable_put(folder, names[i], "x", 1), EINVAL);
        assert_int_equal(durable_get(folder, names[i], &record, &length), DURABLE_MISSING);
    }
    assert_int_equal(count_files(""), 0);
    long_name[DURABLE_NAME_MAX] = '\0';
    assert_int_equal(durable_put(folder, long_name, "x", 1), 0);
    char *too_long = calloc(1, DURABLE_RECORD_MAX + 1);
    assert_int_equal(durable_put(folder, "x", too_long, DURABLE_RECORD_MAX + 1), EINVAL);
    assert_int_equal(durable_put(folder, "x", too_long, DURABLE_RECORD_MAX), 0);
    assert_int_equal(durable_get(folder, "x", &record, &length), DURABLE_GOOD);
    assert_int_equal(length, DURABLE_RECORD_MAX);
    free(record);
    free(too_long);
}

static void content_is_shared_between_folders_without_a_copy(void **state) {
    (void)state;
    struct digest digest;
    struct durable_file file;
    assert_int_equal(store(1000, 1000, &digest), 0);
    assert_int_equal(mkdirat(folder, "other", 0700), 0);
    int other = openat(folder, "other", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(durable_link(&file, other, folder, &digest, 1000), 0);
    durable_discard(&file);
    for (int again = 0; again < 2; again++) { /* and where it is there already */
        assert_int_equal(durable_link(&file, other, folder, &digest, 1000), 0);
        assert_int_equal(durable_publish(&file), 0);
    }
    int first = folder;
    folder = other;
    assert_int_equal(count_files(""), 1);
    assert_int_equal(durable_remove_content(first, &digest), 0);
    assert_kept(&digest, 1000);
    assert_int_equal(durable_link(&file, first, first, &digest, 1000), ENOENT);
    durable_discard(&file);
    folder = first;
    close(other);
}

static void a_folder_that_is_gone_is_told(void **state) {
    (void)state;
    struct durable_file file;
    struct durable_view view;
    struct digest digest = digest_of("", 0);
    int kept = folder;
    assert_int_equal(mkdirat(folder, "gone", 0700), 0);
    folder = openat(kept, "gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(unlinkat(kept, "gone", AT_REMOVEDIR), 0);
    assert_int_equal(durable_begin(&file, folder), ENOENT);
    durable_discard(&file);
    assert_int_equal(durable_put(folder, "x", "", 0), ENOENT);
    close(folder);
    assert_int_equal(durable_map(folder, &digest, 0, &view), DURABLE_FAILED);
    assert_int_equal(errno, EBADF);
    folder = kept;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(content_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_synced_before_the_name_and_the_name_before_it_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_replaced_may_be_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whatever_fails_leaves_nothing_and_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_process_that_ends_leaves_the_old_or_the_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_content_is_set_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_records_are_set_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_set_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_dont_leave_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(content_is_shared_between_folders_without_a_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_gone_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("durable files", tests, NULL, NULL);
}
