/* One process has a folder, whatever way the last one ended, and who can't have it is told why. */
#include "server/system/state_folder.h"

#include "tests/unit/failing_disk.h"
#include "tests/unit/fake_tree.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

static struct fake_tree tree;
static struct state_folder state_folder;
static char reason[STATE_REASON_BYTES];

static int set_up(void **state) {
    (void)state;
    tree_init(&tree);
    reason[0] = '\0';
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tree_deinit(&tree);
    return 0;
}

static void assert_mode(const char *path, mode_t mode) {
    char full[PATH_MAX];
    struct stat there;
    tree_path(&tree, path, full, sizeof full);
    assert_int_equal(stat(full, &there), 0);
    assert_int_equal(there.st_mode & 07777, mode);
}

static void it_is_made_for_its_owner_alone(void **state) {
    (void)state;
    char path[PATH_MAX];
    mode_t before = umask(0);
    tree_path(&tree, "a/b/c//", path, sizeof path);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(state_folder_open(&state_folder, path, reason), 0);
        assert_mode("a", 0700);
        assert_mode("a/b/c", 0700);
        assert_mode("a/b/c/lock", 0600);
        int within = state_folder_within(&state_folder, "files", reason);
        assert_true(within >= 0);
        assert_mode("a/b/c/files", 0700);
        close(within);
        state_folder_close(&state_folder);
        state_folder_close(&state_folder);
    }
    umask(before);
}

/* What was made is there after a power failure: the folder it was made in is synced. */
static void what_is_made_is_synced(void **state) {
    (void)state;
    char path[PATH_MAX];
    tree_path(&tree, "a/b", path, sizeof path);
    for (int again = 0; again < 2; again++) {
        failing_disk_plan(DISK_WELL, 0, 0);
        assert_int_equal(state_folder_open(&state_folder, path, reason), 0);
        assert_string_equal(disk_log, again ? "" : "ss");
        int within = state_folder_within(&state_folder, "files", reason);
        assert_true(within >= 0);
        assert_string_equal(disk_log, again ? "" : "sss");
        close(within);
        state_folder_close(&state_folder);
    }
    assert_int_equal(state_folder_open(&state_folder, path, reason), 0);
    failing_disk_plan(DISK_FAILS, 1, EIO);
    assert_int_equal(state_folder_within(&state_folder, "more", reason), -1);
    assert_non_null(strstr(reason, "synced"));
    failing_disk_remove();
    state_folder_close(&state_folder);
}

static void only_one_has_it_and_the_other_learns_who(void **state) {
    (void)state;
    struct state_folder second;
    char holder[64];
    (void)snprintf(holder, sizeof holder, "process %ld", (long)getpid());
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), 0);
    assert_int_equal(state_folder_open(&second, tree.root, reason), EWOULDBLOCK);
    assert_non_null(strstr(reason, holder));
    assert_non_null(strstr(reason, tree.root));
    assert_null(strchr(reason, '\n'));
    state_folder_close(&second); /* which doesn't take the lock from the first */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char again[STATE_REASON_BYTES];
        _exit(state_folder_open(&second, tree.root, again) == EWOULDBLOCK && strcmp(again, reason) == 0 ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    state_folder_close(&state_folder);
    assert_int_equal(state_folder_open(&second, tree.root, reason), 0);
    state_folder_close(&second);
}

static void a_lock_ends_with_its_process(void **state) {
    (void)state;
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        byte = state_folder_open(&state_folder, tree.root, reason) == 0 ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        for (;;) {
            pause();
        }
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), EWOULDBLOCK);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), 0);
    state_folder_close(&state_folder);
    close(ready[0]);
    close(ready[1]);
}

static void what_cant_be_used_is_refused_in_a_line(void **state) {
    (void)state;
    char path[2 * PATH_MAX];
    tree_put(&tree, "file", "text");
    tree_path(&tree, "file", path, PATH_MAX);
    assert_int_equal(state_folder_open(&state_folder, path, reason), ENOTDIR);
    assert_non_null(strstr(reason, path));
    tree_path(&tree, "file/below", path, PATH_MAX);
    assert_int_equal(state_folder_open(&state_folder, path, reason), ENOTDIR);
    assert_int_equal(state_folder_open(&state_folder, "", reason), EINVAL);
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(state_folder_open(&state_folder, path, reason), ENAMETOOLONG);
    tree_link(&tree, "lock", "/etc/hostname"); /* isn't followed */
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), ELOOP);
    assert_non_null(strstr(reason, "lock"));
}

static void a_folder_of_somebody_else_is_refused(void **state) {
    (void)state;
    assert_int_equal(chmod(tree.root, 0755), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool was_root = getuid() == 0;
        if (was_root && setuid(NOBODY) != 0) {
            _exit(3);
        }
        if (!was_root) {
            _exit(chmod(tree.root, 0555) == 0 && state_folder_open(&state_folder, tree.root, reason) == EACCES ? 0 : 1);
        }
        char below[PATH_MAX];
        tree_path(&tree, "new", below, sizeof below);
        bool is_refused = state_folder_open(&state_folder, tree.root, reason) == EACCES &&
                          state_folder_open(&state_folder, below, reason) == EACCES && strstr(reason, below);
        _exit(is_refused ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(tree.root, 0700), 0);
}

static void the_default_follows_xdg(void **state) {
    (void)state;
    char path[PATH_MAX], long_path[PATH_MAX];
    assert_int_equal(setenv("HOME", "/home/x", 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
    assert_string_equal(state_folder_default(path, reason), "/state/forkjoin");
    const char *const ignored[] = {"", "relative"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(setenv("XDG_STATE_HOME", ignored[i], 1), 0);
        assert_string_equal(state_folder_default(path, reason), "/home/x/.local/state/forkjoin");
    }
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_string_equal(state_folder_default(path, reason), "/home/x/.local/state/forkjoin");
    memset(long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(setenv("HOME", long_path, 1), 0);
    assert_null(state_folder_default(path, reason));
    assert_int_equal(unsetenv("HOME"), 0);
    assert_null(state_folder_default(path, reason));
    assert_non_null(strstr(reason, "HOME"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_made_for_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_made_is_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_one_has_it_and_the_other_learns_who, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lock_ends_with_its_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cant_be_used_is_refused_in_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_of_somebody_else_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_default_follows_xdg, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("state folder", tests, NULL, NULL);
}
