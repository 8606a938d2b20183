/* Word frequencies beside a peer on the same text, in turn: the kernel in this process, with one thread and with a
 * team, and the whole run of the peer's process, which reads the text from a file. Shortest and middle time of ROUNDS
 * each.
 *
 *   frequencies PEER TEXT [THREADS]
 *
 * PEER is build/release/bench/countwords; TEXT for instance 43 MB of English (Debian's bible-kjv-text):
 *   for i in 1 2 3 4 5 6 7 8 9 10; do bible -l79 gen1:1-rev22:21 < /dev/null; done > kjv10.txt */
#include "kernels/wordcount/top/wordcount_top.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 15, TOP = 100, MEMORY_BYTES = 1 << 30 };

extern char **environ;

/* The kernel's memory: one block, used again in each round, so that its pages are there as they are in the service. */
struct pool {
    struct wordcount_memory memory;
    char *block;
    atomic_size_t used;
};

struct text {
    char *bytes;
    size_t length;
    const char *path;
};

struct result {
    struct wordcount_top_entry entries[TOP];
    size_t count;
    uint64_t distinct, words;
};

static void *take(struct wordcount_memory *memory, size_t bytes) {
    struct pool *pool = (struct pool *)memory;
    size_t at = atomic_fetch_add(&pool->used, bytes);
    return at + bytes <= MEMORY_BYTES ? pool->block + at : NULL;
}

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static double time_kernel(struct pool *pool, const struct text *text, unsigned threads, struct result *result) {
    const struct team team = {.threads = threads};
    const struct progress progress = {0};
    atomic_store(&pool->used, 0);
    double start = now_ms();
    struct wordcount_top *top = wordcount_top_new(&pool->memory, threads);
    if (!top || wordcount_top_feed(top, text->bytes, text->length, true, &team, &progress) ||
        wordcount_top_finish(top, TOP, &team, &progress, result->entries, &result->count, &result->distinct,
                             &result->words)) {
        abort();
    }
    return now_ms() - start;
}

static double time_peer(const char *peer, const struct text *text, const char *answers) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, text->path, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, answers, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char *arguments[] = {(char *)(uintptr_t)peer, NULL};
    pid_t pid;
    int status;
    double start = now_ms();
    if (posix_spawn(&pid, peer, &actions, NULL, arguments, environ) || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "%s failed\n", peer);
        exit(1);
    }
    double taken = now_ms() - start;
    posix_spawn_file_actions_destroy(&actions);
    return taken;
}

/* The peer's counts of the most frequent words and its number of words must be the kernel's. */
static void check_peer(const char *peer, const struct text *text, const struct result *result) {
    char path[] = "/tmp/frequencies-XXXXXX", line[256];
    int descriptor = mkstemp(path);
    if (descriptor < 0) {
        abort();
    }
    time_peer(peer, text, path);
    FILE *answers = fdopen(descriptor, "r");
    size_t lines = 0, wrong = 0;
    while (answers && fgets(line, sizeof line, answers)) {
        const char *count = strrchr(line, ' ');
        if (lines < result->count && (!count || strtoull(count, NULL, 10) != result->entries[lines].count)) {
            wrong++;
        }
        lines++;
    }
    if (answers) {
        fclose(answers);
    }
    unlink(path);
    if (wrong > 0 || lines != result->distinct) {
        printf("the peer finds %zu words, of the first %d %zu otherwise (it knows ASCII only)\n", lines, TOP, wrong);
    }
}

static int compare(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void print_times(const char *what, double *times, size_t bytes, const double *reference) {
    qsort(times, ROUNDS, sizeof *times, compare);
    printf("%-20s %8.1f %8.1f %8.2f", what, times[0], times[ROUNDS / 2], (double)bytes / times[0] * 1e-6);
    if (reference) {
        printf(" %8.3f %8.3f", times[0] / reference[0], times[ROUNDS / 2] / reference[ROUNDS / 2]);
    }
    printf("\n");
}

static bool load(struct text *text) {
    struct stat status;
    FILE *file = fopen(text->path, "rb");
    if (!file || fstat(fileno(file), &status) != 0) {
        return false;
    }
    text->length = (size_t)status.st_size;
    text->bytes = malloc(text->length + 1);
    bool loaded = text->bytes && fread(text->bytes, 1, text->length, file) == text->length;
    fclose(file);
    return loaded;
}

int main(int argc, char **argv) {
    char *end = NULL;
    unsigned long threads = argc > 3 ? strtoul(argv[3], &end, 10) : 2;
    struct text text = {.path = argc > 2 ? argv[2] : ""};
    if (argc < 3 || argc > 4 || threads < 1 || threads > 1024 || (end && *end) || !load(&text)) {
        fprintf(stderr, "usage: %s PEER TEXT [THREADS]\n", argv[0]);
        return 2;
    }
    static double alone[ROUNDS], team[ROUNDS], peer[ROUNDS];
    static struct result result;
    struct pool pool = {.memory.take = take, .block = aligned_alloc(4096, MEMORY_BYTES)};
    if (!pool.block) {
        return 1;
    }
    time_kernel(&pool, &text, (unsigned)threads, &result);
    check_peer(argv[1], &text, &result);
    size_t alone_bytes = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        alone[i] = time_kernel(&pool, &text, 1, &result);
        alone_bytes = atomic_load(&pool.used);
        team[i] = time_kernel(&pool, &text, (unsigned)threads, &result);
        peer[i] = time_peer(argv[1], &text, "/dev/null");
    }
    printf("%zu bytes, %llu words, %llu different; the best %zu; instruction set %s\n", text.length,
           (unsigned long long)result.words, (unsigned long long)result.distinct, result.count, team_instruction_set());
    printf("                      best ms   median     GB/s     / peer, best and median\n");
    print_times("peer", peer, text.length, NULL);
    print_times("1 thread", alone, text.length, peer);
    char name[32];
    snprintf(name, sizeof name, "team of %lu", threads);
    print_times(name, team, text.length, peer);
    printf("memory: %.2f MB with one thread, %.2f MB with the team\n", (double)alone_bytes * 1e-6,
           (double)atomic_load(&pool.used) * 1e-6);
    free(pool.block);
    free(text.bytes);
    return 0;
}
