/* Where the files are. /proc/self/cgroup has a line "id:controllers:path" per hierarchy. Version 2 is the line with no
 * controllers; its tree is mounted at the root itself or, on hybrid systems, at <root>/unified. A version 1 tree is
 * mounted at <root>/<controllers as listed>, mostly with a symbolic link per controller; either is tried.
 *
 * Containers: with a cgroup namespace the path is right, and "/" is the container's own group. Without one the path is
 * the host's, while what is mounted may be the container's group alone: then the path doesn't exist here (or leads out
 * of the namespace, "/.."), and the group at the mount's root is ours. Only the leaf decides: a parent of that name
 * would be somebody else's. */
#include "server/system/cgroup.h"

#include "server/system/quantity.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct source {
    const char *controller; /* version 1 name */
    const char *file[2];    /* per version */
};

static const struct source sources[] = {
    [CGROUP_CPU] = {"cpu", {"cpu.cfs_quota_us", "cpu.max"}},
    [CGROUP_MEMORY] = {"memory", {"memory.limit_in_bytes", "memory.max"}},
    [CGROUP_PIDS] = {"pids", {"pids.max", "pids.max"}},
};

/* "No limit" of version 1 is the largest page-aligned number. */
static const uint64_t unlimited_from = UINT64_C(1) << 60;

/* The first line, without its newline. */
static bool read_line(const char *path, char *line, int capacity) {
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    bool read = fgets(line, capacity, file);
    fclose(file);
    if (read) {
        line[strcspn(line, "\n")] = '\0';
    }
    return read;
}

/* Quotas below a thousandth of a core are still limits. "max" and "-1" aren't numbers, hence no limit. */
static bool make_cores(const char *quota, const char *period, uint64_t *value) {
    size_t quota_us, period_us;
    if (!quantity_bytes(quota, &quota_us) || !quantity_bytes(period, &period_us) || quota_us == 0 || period_us == 0 ||
        quota_us > UINT64_MAX / 1000) {
        return false;
    }
    *value = quota_us * 1000 / period_us;
    return true;
}

static bool read_limit(const char *directory, enum cgroup_resource resource, unsigned version,
                       struct cgroup_limit *limit) {
    char path[PATH_MAX], line[128], period[64];
    const char *name = sources[resource].file[version - 1];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path ||
        !read_line(path, line, sizeof line)) {
        return false;
    }
    limit->version = version;
    (void)snprintf(limit->path, sizeof limit->path, "%.*s", (int)sizeof limit->path - 1, path);
    if (resource == CGROUP_CPU && version == 2) {
        char *space = strchr(line, ' ');
        if (!space) {
            return false;
        }
        *space = '\0';
        return make_cores(line, space + 1, &limit->value);
    }
    if (resource == CGROUP_CPU) {
        return snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory) < (int)sizeof path &&
               read_line(path, period, sizeof period) && make_cores(line, period, &limit->value);
    }
    size_t value;
    if (!quantity_bytes(line, &value) || value >= unlimited_from) {
        return false;
    }
    limit->value = value;
    return true;
}

/* Every group from mount/group up to the mount itself. */
static void walk_up(const char *mount, const char *group, enum cgroup_resource resource, unsigned version,
                    struct cgroup_limit *tightest) {
    char directory[PATH_MAX];
    size_t mount_length = strlen(mount);
    int length = snprintf(directory, sizeof directory, "%s%s", mount, group);
    bool outside = strstr(group, "/..");
    if (length >= (int)sizeof directory || outside || access(directory, F_OK) != 0) {
        if (snprintf(directory, sizeof directory, "%s", mount) >= (int)sizeof directory) {
            return;
        }
    }
    for (;;) {
        struct cgroup_limit limit;
        size_t end = strlen(directory);
        while (end > mount_length && directory[end - 1] == '/') {
            directory[--end] = '\0';
        }
        if (read_limit(directory, resource, version, &limit) && limit.value < tightest->value) {
            *tightest = limit;
        }
        if (end <= mount_length) {
            return;
        }
        *strrchr(directory, '/') = '\0';
    }
}

static bool has_controller(const char *list, const char *controller) {
    size_t length = strlen(controller);
    for (;; list++) {
        size_t name_length = strcspn(list, ",");
        if (name_length == length && memcmp(list, controller, length) == 0) {
            return true;
        }
        list += name_length;
        if (*list == '\0') {
            return false;
        }
    }
}

static void walk_hierarchy(const char *cgroup_root, const char *controllers, const char *group,
                           enum cgroup_resource resource, struct cgroup_limit *tightest) {
    const char *controller = sources[resource].controller;
    unsigned version = *controllers == '\0' ? 2 : 1;
    if (version == 1 && !has_controller(controllers, controller)) {
        return;
    }
    const char *names[] = {version == 2 ? "" : controllers, version == 2 ? "unified" : controller};
    for (size_t i = 0; i < 2; i++) {
        char mount[PATH_MAX];
        if (i == 1 && strcmp(names[0], names[1]) == 0) {
            continue;
        }
        int length = snprintf(mount, sizeof mount, "%s%s%s", cgroup_root, *names[i] == '\0' ? "" : "/", names[i]);
        if (length < (int)sizeof mount && access(mount, F_OK) == 0) {
            walk_up(mount, group, resource, version, tightest);
        }
    }
}

bool cgroup_find_limit(const char *cgroup_root, const char *self_cgroup, enum cgroup_resource resource,
                       struct cgroup_limit *limit) {
    struct cgroup_limit tightest = {.value = UINT64_MAX};
    FILE *file = fopen(self_cgroup, "re");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while (file && (length = getline(&line, &capacity, file)) > 0) {
        if (line[length - 1] == '\n') {
            line[length - 1] = '\0';
        }
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group || group[1] != '/') {
            continue;
        }
        *group++ = '\0';
        walk_hierarchy(cgroup_root, controllers + 1, group, resource, &tightest);
    }
    free(line);
    if (file) {
        fclose(file);
    }
    if (tightest.version == 0) {
        return false;
    }
    *limit = tightest;
    return true;
}
