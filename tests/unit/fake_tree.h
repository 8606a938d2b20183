#pragma once
/* A directory tree below a temporary directory, for tests of what reads /sys or /proc. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

struct fake_tree {
    char root[64];
};

static inline void tree_init(struct fake_tree *tree) {
    (void)snprintf(tree->root, sizeof tree->root, "/tmp/forkjoin-test-XXXXXX");
    assert_non_null(mkdtemp(tree->root));
}

static inline void tree_path(const struct fake_tree *tree, const char *path, char *full, size_t capacity) {
    int length = snprintf(full, capacity, "%s/%s", tree->root, path);
    assert_in_range(length, 1, capacity - 1);
}

/* Writes a file and makes the directories above it. */
static inline void tree_put(const struct fake_tree *tree, const char *path, const char *text) {
    char full[PATH_MAX];
    tree_path(tree, path, full, sizeof full);
    for (char *slash = full + strlen(tree->root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(full, 0700) != 0) {
            assert_int_equal(errno, EEXIST);
        }
        *slash = '/';
    }
    FILE *file = fopen(full, "we");
    assert_non_null(file);
    assert_int_not_equal(fputs(text, file), EOF);
    assert_int_equal(fclose(file), 0);
}

static inline void tree_link(const struct fake_tree *tree, const char *path, const char *target) {
    char full[PATH_MAX];
    tree_path(tree, path, full, sizeof full);
    assert_int_equal(symlink(target, full), 0);
}

static inline int tree_is_listed(const struct dirent *entry) {
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "lock") != 0; /* which says whose the folder is */
}

/* A line for each file of a folder, in the order of their names: whether one was made, removed or written shows.
 * Returns the length. */
static inline size_t tree_list(const struct fake_tree *tree, const char *folder, char *out, size_t capacity) {
    char path[PATH_MAX];
    struct dirent **entries = NULL;
    size_t length = 0;
    tree_path(tree, folder, path, sizeof path);
    int count = scandir(path, &entries, tree_is_listed, alphasort);
    for (int i = 0; i < count; i++) {
        struct stat file;
        (void)snprintf(path, sizeof path, "%s/%s/%s", tree->root, folder, entries[i]->d_name);
        assert_int_equal(lstat(path, &file), 0);
        length += (size_t)snprintf(out + length, capacity - length, "%s %jd %jd.%09ld\n", path, (intmax_t)file.st_size,
                                   (intmax_t)file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
        assert_in_range(length, 1, capacity - 1);
        free(entries[i]);
    }
    free(entries);
    return length;
}

static inline int tree_remove_entry(const char *path, const struct stat *status, int kind, struct FTW *position) {
    (void)status, (void)kind, (void)position;
    return remove(path);
}

static inline void tree_deinit(struct fake_tree *tree) {
    assert_int_equal(nftw(tree->root, tree_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}
