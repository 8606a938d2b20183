/* Sets of what names stood for: in the process, and made anew of notes and files. ctest: threads */
#include "server/data/data_pins.h"

#include "codecs/json/document.h"
#include "tests/unit/data/data_case.h"
#include "tests/unit/failing_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTES_MAX = 8 * DATA_NOTE_MAX };

static char path[64];
static char notes[NOTES_MAX];
static size_t notes_length;
static int data_folder, files;

static int open_folder(const char *name) {
    char whole[128];
    (void)snprintf(whole, sizeof whole, "%s/%s", path, name);
    assert_int_equal(mkdir(whole, 0700), 0);
    return open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int set_up(bool is_durable) {
    (void)snprintf(path, sizeof path, "/tmp/forkjoin_pins_XXXXXX");
    assert_non_null(mkdtemp(path));
    data_folder = open_folder("data");
    files = open_folder("files");
    assert_true(data_folder >= 0 && files >= 0);
    open_store(DATA_LIMIT, is_durable ? dup(data_folder) : -1);
    notes_length = 0;
    return 0;
}

static int set_up_memory(void **state) {
    (void)state;
    return set_up(false);
}

static int set_up_durable(void **state) {
    (void)state;
    return set_up(true);
}

static size_t visit(int folder, bool removes) {
    size_t count = 0;
    DIR *listing = durable_list(folder);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        if (entry->d_name[0] != '.') {
            count++;
            assert_true(!removes || unlinkat(folder, entry->d_name, 0) == 0);
        }
    }
    closedir(listing);
    return count;
}

static int tear_down(void **state) {
    (void)state;
    close_store();
    (void)visit(data_folder, true);
    (void)visit(files, true);
    close(data_folder);
    close(files);
    char whole[128];
    (void)snprintf(whole, sizeof whole, "%s/data", path);
    assert_int_equal(rmdir(whole), 0);
    (void)snprintf(whole, sizeof whole, "%s/files", path);
    assert_int_equal(rmdir(whole), 0);
    return rmdir(path);
}

static void expect(const struct payload *set, const char *name, const char *text) {
    struct data_version *version = data_pins_find(data_pins_of(set), view(name));
    if (!text) {
        assert_null(version);
        return;
    }
    assert_non_null(version);
    assert_string_equal(version->name, name);
    assert_int_equal(version->length, strlen(text));
    assert_memory_equal(version->bytes, text, strlen(text));
    data_version_drop(version);
}

/* A closed set of "a", "b/c" and "none", which is empty, whose notes and files are written; `tags` are theirs. */
static struct payload give(void) {
    struct data_version *versions[DATA_PINS_MAX];
    put_text("a", "first");
    put_text("b/c", "another");
    put_text("none", "");
    struct payload set = data_pins_new(store);
    expect(&set, "b/c", "another");
    expect(&set, "a", "first");
    expect(&set, "none", "");
    expect(&set, "a", "first");
    data_pins_close(&set);
    assert_int_equal(data_pins_list(data_pins_of(&set), versions), 3);
    for (size_t i = 0; i < 3; i++) {
        struct durable_file file;
        assert_int_equal(data_version_file(versions[i], files, &file), 0);
        assert_int_equal(file.length, versions[i]->length);
        assert_int_equal(durable_publish(&file), 0);
        notes_length += data_version_note(versions[i], notes + notes_length);
        assert_true(notes_length + DATA_NOTE_MAX <= sizeof notes);
    }
    return set;
}

static enum durable_outcome restore(struct payload *set) {
    char *copy = malloc(notes_length > 0 ? notes_length : 1); /* so that reading beyond is seen */
    assert_non_null(copy);
    memcpy(copy, notes, notes_length);
    enum durable_outcome outcome = data_pins_restore(store, (struct text_view){copy, notes_length}, files, set);
    free(copy);
    return outcome;
}

static void change_names(void) {
    put_text("a", "replaced");
    assert_int_equal(delete_name("b/c"), PROBLEM_NONE);
    put_text("new", "new");
}

static void expect_given(const struct payload *set) {
    expect(set, "a", "first");
    expect(set, "b/c", "another");
    expect(set, "none", "");
    expect(set, "new", NULL);
    expect(set, "nothing", NULL);
}

static void the_first_look_decides(void **state) {
    (void)state;
    put_text("a", "first");
    struct payload set = data_pins_new(store);
    assert_true(data_pins_collects(data_pins_of(&set)));
    expect(&set, "a", "first");
    put_text("a", "second");
    expect(&set, "a", "first");
    expect(&set, "b", NULL);
    put_text("b", "came"); /* it wasn't there, and may be now */
    expect(&set, "b", "came");
    data_pins_close(&set);
    assert_false(data_pins_collects(data_pins_of(&set)));
    put_text("c", "late");
    expect(&set, "c", NULL);
    expect(&set, "b", "came");
    assert_int_equal(data_pins_state(data_pins_of(&set)), DATA_PINS_WHOLE);
    assert_true(set.length > sizeof(struct data_version *) && set.length < 10000);
    struct payload held = payload_hold(&set);
    payload_drop(&set);
    expect(&held, "a", "first");
    payload_drop(&held);
    struct payload nothing = {0};
    assert_null(data_pins_of(&nothing));
}

static void without_a_store_there_is_no_name(void **state) {
    (void)state;
    struct payload set = data_pins_new(NULL);
    expect(&set, "a", NULL);
    data_pins_close(&set);
    payload_drop(&set);
}

static void a_set_has_a_limit(void **state) {
    (void)state;
    char name[16];
    data_store_free(store);
    store = data_store_new(&host, MEMORY_LIMIT, -1);
    struct payload set = data_pins_new(store);
    for (unsigned i = 0; i <= DATA_PINS_MAX; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        put_text(name, name);
        assert_int_equal(data_pins_state(data_pins_of(&set)), DATA_PINS_WHOLE);
        expect(&set, name, name);
    }
    assert_int_equal(data_pins_state(data_pins_of(&set)), DATA_PINS_TOO_MANY);
    payload_drop(&set);
}

static void what_is_held_stays_whatever_becomes_of_the_names(void **state) {
    (void)state;
    struct payload set = give();
    change_names();
    expect_given(&set);
    payload_drop(&set);
}

static void it_is_made_anew_of_notes_and_files(void **state) {
    (void)state;
    struct payload set = give(), again;
    char tag[DATA_TAG_MAX];
    struct data_version *version = data_store_find(store, view("a"));
    memcpy(tag, version->tag, sizeof tag);
    data_version_drop(version);
    payload_drop(&set);
    change_names();
    assert_int_equal(restore(&again), DURABLE_GOOD);
    assert_false(data_pins_collects(data_pins_of(&again)));
    expect_given(&again);
    version = data_pins_find(data_pins_of(&again), view("a"));
    assert_string_equal(version->tag, tag);
    assert_int_equal(version->about.kind, DATA_TEXT);
    data_version_drop(version);
    visit(files, true); /* it is mapped */
    expect_given(&again);
    payload_drop(&again);
    notes_length = 0; /* nothing was found */
    assert_int_equal(restore(&again), DURABLE_GOOD);
    expect(&again, "a", NULL);
    payload_drop(&again);
}

/* Then no file is needed. */
static void versions_that_are_there_still_are_taken(void **state) {
    (void)state;
    struct payload set = give(), again;
    struct data_version *version = data_store_find(store, view("a"));
    payload_drop(&set);
    visit(files, true);
    assert_int_equal(restore(&again), DURABLE_GOOD);
    struct data_version *found = data_pins_find(data_pins_of(&again), view("a"));
    assert_ptr_equal(found, version);
    data_version_drop(found);
    payload_drop(&again);
    put_text("a", "first"); /* the same bytes, but another version */
    assert_int_equal(restore(&again), DURABLE_MISSING);
    data_version_drop(version);
}

static void what_is_damaged_or_no_note_gives_no_set(void **state) {
    (void)state;
    struct payload set = give(), again;
    size_t length = notes_length;
    payload_drop(&set);
    change_names();
    static const char *const wrong[] = {"\n", "{}\n", "no note\n", "{\"format\":1}\n", "{"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(notes + length, wrong[i], strlen(wrong[i]));
        notes_length = length + strlen(wrong[i]);
        assert_int_equal(restore(&again), DURABLE_BAD);
    }
    memcpy(notes + length, notes, length); /* each name twice */
    notes_length = 2 * length;
    assert_int_equal(restore(&again), DURABLE_BAD);
    notes_length = length - 1;
    assert_int_equal(restore(&again), DURABLE_BAD);
    notes_length = length;
    char name[DIGEST_TEXT_LENGTH + 1];
    struct digest digest = digest_of("first", 5);
    int file = openat(files, digest_print(&digest, name), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(file, "F", 1, 0), 1);
    close(file);
    assert_int_equal(restore(&again), DURABLE_BAD);
    assert_int_equal(restore(&again), DURABLE_BAD); /* it was set aside, and is said to be */
}

/* Of one version there is one file, however often it is given. */
static void content_is_linked_where_it_is_there(void **state) {
    (void)state;
    struct payload set = give();
    struct data_version *version = data_store_find(store, view("a"));
    struct durable_file file;
    struct stat first, second;
    char name[DIGEST_TEXT_LENGTH + 1];
    assert_int_equal(fstatat(files, digest_print(&version->digest, name), &first, 0), 0);
    if (data_store_is_durable(store)) {
        assert_int_equal(fstatat(data_folder, name, &second, 0), 0);
        assert_int_equal(first.st_ino, second.st_ino);
    }
    assert_int_equal(data_version_file(version, files, &file), 0);
    assert_int_equal(fstatat(files, file.part, &second, 0), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_int_equal(durable_publish(&file), 0);
    assert_int_equal(visit(files, false), 3);
    data_version_drop(version);
    payload_drop(&set);
}

static void a_disk_that_is_full_is_told_and_nothing_left(void **state) {
    (void)state;
    put_text("a", "first");
    struct data_version *version = data_store_find(store, view("a"));
    struct durable_file file;
    int failed = ENOSPC;
    for (long at = 1; failed; at++) { /* a write, a sync */
        failing_disk_plan(DISK_FAILS, at, ENOSPC);
        failed = data_version_file(version, files, &file);
        failing_disk_remove();
        assert_true(at < 5 && (failed == 0 || failed == ENOSPC));
        assert_int_equal(visit(files, false), failed == 0);
    }
    durable_discard(&file);
    data_version_drop(version);
}

#define IN_BOTH(test)                                                                                                  \
    cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down),                                                   \
        cmocka_unit_test_setup_teardown(test, set_up_durable, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_look_decides, set_up_memory, tear_down),
        cmocka_unit_test_setup_teardown(without_a_store_there_is_no_name, set_up_memory, tear_down),
        cmocka_unit_test_setup_teardown(a_set_has_a_limit, set_up_memory, tear_down),
        IN_BOTH(what_is_held_stays_whatever_becomes_of_the_names),
        IN_BOTH(it_is_made_anew_of_notes_and_files),
        IN_BOTH(versions_that_are_there_still_are_taken),
        IN_BOTH(what_is_damaged_or_no_note_gives_no_set),
        IN_BOTH(content_is_linked_where_it_is_there),
        cmocka_unit_test_setup_teardown(a_disk_that_is_full_is_told_and_nothing_left, set_up_memory, tear_down),
    };
    document_library_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
