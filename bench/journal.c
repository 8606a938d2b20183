/* The journal of jobs alone, without HTTP: journal [folder [jobs [clients]]].
 *
 * On the folder's disk (default: a new one below /var/tmp, removed at the end): how many tiny jobs a second are
 * accepted with that many clients waiting at once (64), beside how often that disk syncs; what one job costs alone,
 * accepted and claimed at once, and finished; and then, with that many finished jobs in the store (1,000,000): the time
 * to open it, to look one up, to get a page of the list of 100, and the memory of the process. */
#include "server/jobs/journal_memory.h"
#include "server/jobs/journal_sqlite.h"
#include "server/system/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW_MAX = 512,
    JOBS = 1000000,
    CLIENTS = 64,
    PAGE = 100,
    PROBES = 2000,
    SYNCS = 200,
    BURST_S = 1,
    STRETCH = 8192
};

struct slot {
    struct journal_request request;
    struct slot *next;
    struct job job;
    struct job_result result;
    char id[32];
};

static struct journal *journal;
static struct slot slots[WINDOW_MAX];
static struct slot *free_slots;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t slots_free;
static struct journal_settings settings = {.keep_s = 604800, .attempts_max = 3};

static void fail(const char *what) {
    (void)fprintf(stderr, "journal: %s\n", what);
    exit(1);
}

static void give_slot(struct slot *slot) {
    pthread_mutex_lock(&lock);
    slot->next = free_slots;
    free_slots = slot;
    pthread_mutex_unlock(&lock);
    (void)sem_post(&slots_free);
}

static void slot_over(struct journal_request *request) {
    if (request->outcome != JOURNAL_DONE) {
        fail("a request failed");
    }
    jobs_free(request->jobs);
    give_slot((struct slot *)((char *)request - offsetof(struct slot, request)));
}

static struct slot *take_slot(void) {
    while (sem_wait(&slots_free) != 0) {
        /* interrupted */
    }
    pthread_mutex_lock(&lock);
    struct slot *slot = free_slots;
    free_slots = slot->next;
    pthread_mutex_unlock(&lock);
    return slot;
}

static void open_window(unsigned width) {
    for (unsigned i = 0; i < width; i++) {
        give_slot(&slots[i]);
    }
}

/* Until everything asked is over. */
static void close_window(unsigned width) {
    for (unsigned i = 0; i < width; i++) {
        (void)take_slot();
    }
}

static struct text_view text(const char *string) {
    return (struct text_view){string, strlen(string)};
}

static void submit(struct slot *slot, unsigned long number, uint64_t lease_ms) {
    static char body[] = "{\"x\": [1, 2, 3], \"y\": [4, 5, 6]}";
    (void)snprintf(slot->id, sizeof slot->id, "job-%lu", number);
    slot->job = (struct job){.id = text(slot->id),
                             .op = text("/v1/gaussian"),
                             .body_media = MEDIA_JSON,
                             .reply_media = MEDIA_JSON,
                             .body = {.bytes = {.bytes = body, .length = sizeof body - 1}}};
    slot->request = (struct journal_request){.verb = JOURNAL_SUBMIT, .done = slot_over};
    slot->request.submit.job = &slot->job;
    slot->request.submit.lease_ms = lease_ms;
    journal_ask(journal, &slot->request);
}

static void finish(struct slot *slot, unsigned long number) {
    static char bytes[] = "{\"z\": [0.5, 0.25, 0.125], \"threads\": {\"requested\": 1, \"granted\": 1}}";
    (void)snprintf(slot->id, sizeof slot->id, "job-%lu", number);
    slot->result = (struct job_result){.status = 200,
                                       .type = text("application/json"),
                                       .content = {.bytes = {.bytes = bytes, .length = sizeof bytes - 1}}};
    slot->request = (struct journal_request){.verb = JOURNAL_FINISH, .done = slot_over};
    slot->request.finish.id = text(slot->id);
    slot->request.finish.attempt = 1;
    slot->request.finish.status = JOB_SUCCESSFUL;
    slot->request.finish.result = &slot->result;
    journal_ask(journal, &slot->request);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *what, uint64_t *times_ns, size_t count) {
    qsort(times_ns, count, sizeof *times_ns, compare);
    printf("%-44s median %8.3f ms   99th percentile %8.3f ms   longest %8.3f ms\n", what,
           (double)times_ns[count / 2] / 1e6, (double)times_ns[count * 99 / 100] / 1e6,
           (double)times_ns[count - 1] / 1e6);
}

/* What the disk allows: a small write and its sync, one after the other. */
static double measure_syncs(const char *folder) {
    static char block[16384];
    uint64_t times_ns[SYNCS];
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/sync-probe", folder);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (int i = 0; i < 64; i++) { /* written over, as SQLite's log is */
        if (write(file, block, sizeof block) != sizeof block) {
            fail(strerror(errno));
        }
    }
    if (file < 0 || fsync(file) != 0) {
        fail(strerror(errno));
    }
    for (int i = 0; i < SYNCS; i++) {
        uint64_t before_ns = clock_now_ns();
        if (pwrite(file, block, sizeof block, (off_t)sizeof block * (i % 64)) != sizeof block || fdatasync(file) != 0) {
            fail(strerror(errno));
        }
        times_ns[i] = clock_now_ns() - before_ns;
    }
    (void)close(file);
    (void)unlink(path);
    print_times("a write of 16 KiB and its fdatasync", times_ns, SYNCS);
    return 1e9 / (double)times_ns[SYNCS / 2];
}

static unsigned long measure_accepting(unsigned clients, double syncs) {
    unsigned long count = 0;
    open_window(clients);
    uint64_t start_ns = clock_now_ns(), now_ns;
    do {
        submit(take_slot(), count++, 60000);
        now_ns = clock_now_ns();
    } while (now_ns - start_ns < BURST_S * NS_PER_S);
    close_window(clients);
    double rate = (double)count / ((double)(clock_now_ns() - start_ns) / 1e9);
    printf("accepted with %u clients                      %8.0f a second", clients, rate);
    if (syncs > 0) {
        printf("   (%.0f syncs a second allow %.0f with a group of all clients)", syncs, syncs * clients);
    }
    printf("\n");
    return count;
}

static void measure_alone(unsigned long from) {
    static uint64_t submit_ns[PROBES / 10], finish_ns[PROBES / 10];
    open_window(1);
    for (unsigned long i = 0; i < PROBES / 10; i++) {
        uint64_t start_ns = clock_now_ns();
        submit(take_slot(), from + i, 60000);
        struct slot *slot = take_slot();
        uint64_t middle_ns = clock_now_ns();
        finish(slot, from + i);
        give_slot(take_slot());
        submit_ns[i] = middle_ns - start_ns;
        finish_ns[i] = clock_now_ns() - middle_ns;
    }
    close_window(1);
    print_times("one alone: accepted and claimed", submit_ns, PROBES / 10);
    print_times("one alone: finished", finish_ns, PROBES / 10);
}

/* Finishes the first `from` and as many more as are missing, a stretch at a time: few run at once. */
static void fill(unsigned long from, unsigned long to) {
    for (unsigned long begin = 0; begin < to; begin += STRETCH) {
        unsigned long end = begin + STRETCH < to ? begin + STRETCH : to;
        open_window(WINDOW_MAX);
        for (unsigned long i = begin > from ? begin : from; i < end; i++) {
            submit(take_slot(), i, 600000);
        }
        close_window(WINDOW_MAX);
        open_window(WINDOW_MAX);
        for (unsigned long i = begin; i < end; i++) {
            finish(take_slot(), i);
        }
        close_window(WINDOW_MAX);
    }
}

static void wait_over(struct journal_request *request) {
    if (request->outcome != JOURNAL_DONE) {
        fail("a request failed");
    }
    (void)sem_post(&slots_free);
}

/* What was found is freed. */
static uint64_t time_request(struct journal_request request) {
    uint64_t start_ns = clock_now_ns();
    request.done = wait_over;
    journal_ask(journal, &request);
    while (sem_wait(&slots_free) != 0) {
        /* interrupted */
    }
    uint64_t taken_ns = clock_now_ns() - start_ns;
    jobs_free(request.jobs);
    return taken_ns;
}

static void measure_reading(unsigned long count) {
    static uint64_t times_ns[PROBES];
    char id[32];
    unsigned chance = 1;
    for (int i = 0; i < PROBES; i++) {
        chance = chance * 1664525 + 1013904223;
        (void)snprintf(id, sizeof id, "job-%lu", (unsigned long)(((uint64_t)chance * count) >> 32));
        times_ns[i] = time_request((struct journal_request){.verb = JOURNAL_LOOKUP, .id = text(id)});
    }
    print_times("lookup of one by chance", times_ns, PROBES);
    for (int i = 0; i < PROBES / 4; i++) { /* each time another page, from anywhere */
        chance = chance * 1664525 + 1013904223;
        uint64_t before = i == 0 ? 0 : ((uint64_t)chance * count) >> 32;
        times_ns[i] = time_request((struct journal_request){
            .verb = JOURNAL_LIST,
            .list = {.before = before, .status = i % 2 ? JOB_STATUS_COUNT : JOB_SUCCESSFUL, .limit = PAGE}});
    }
    print_times("a page of 100 of the list", times_ns, PROBES / 4);
    times_ns[0] =
        time_request((struct journal_request){.verb = JOURNAL_LIST, .list = {.status = JOB_FAILED, .limit = PAGE}});
    print_times("a page of a status that none has", times_ns, 1);
}

static void print_memory(const char *when) {
    char line[256];
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            printf("%-44s %s", when, line + 6);
        }
    }
    if (status) {
        (void)fclose(status);
    }
}

static void open_or_fail(struct state_folder *state) {
    char reason[STATE_REASON_BYTES];
    journal = journal_sqlite_open(&settings, state, reason);
    if (!journal) {
        fail(reason);
    }
}

int main(int argc, char **argv) {
    static char made[] = "/var/tmp/forkjoin-journal-XXXXXX";
    unsigned long jobs = argc > 2 ? strtoul(argv[2], NULL, 10) : JOBS;
    unsigned clients = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : CLIENTS;
    const char *folder = argc > 1 ? argv[1] : mkdtemp(made);
    char reason[STATE_REASON_BYTES];
    struct state_folder state;
    if (clients == 0 || clients > WINDOW_MAX || !folder || state_folder_open(&state, folder, reason) != 0) {
        fail(folder ? reason : "no folder");
    }
    (void)sem_init(&slots_free, 0, 0);
    printf("durable, in %s\n", folder);
    double syncs = measure_syncs(folder);
    open_or_fail(&state);
    unsigned long count = measure_accepting(clients, syncs);
    fill(count, jobs > count ? jobs : count);
    count = jobs > count ? jobs : count;
    printf("%lu finished jobs\n", count);
    print_memory("resident after filling it");
    measure_reading(count);
    measure_alone(count);
    uint64_t start_ns = clock_now_ns();
    journal_close(journal);
    printf("%-44s %.3f s\n", "closed in", (double)(clock_now_ns() - start_ns) / 1e9);
    start_ns = clock_now_ns();
    open_or_fail(&state);
    printf("%-44s %.3f s\n", "opened in", (double)(clock_now_ns() - start_ns) / 1e9);
    print_memory("resident after opening it");
    measure_reading(count);
    print_memory("resident after reading");
    journal_close(journal);
    journal = journal_memory_open(&settings, reason);
    if (!journal) {
        fail(reason);
    }
    printf("in memory\n");
    (void)measure_accepting(clients, 0);
    journal_close(journal);
    if (argc <= 1) {
        (void)unlinkat(state.folder, "jobs.db", 0);
        (void)unlinkat(state.folder, "lock", 0);
        (void)unlinkat(state.folder, "jobs", AT_REMOVEDIR);
        (void)rmdir(folder);
    }
    state_folder_close(&state);
    return 0;
}
