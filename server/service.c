#include "server/service.h"

#include "server/engine/buffer_pool.h"
#include "server/engine/memory_budget.h"
#include "server/engine/scheduler.h"
#include "server/http/admission.h"
#include "server/http/loop.h"
#include "server/http/peers.h"
#include "server/state.h"
#include "server/system/clock.h"
#include "server/system/facts.h"
#include "server/system/log.h"
#include "server/system/signals.h"

#include <arpa/inet.h>
#include <errno.h>
#include <execinfo.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char self_cgroup[] = "/proc/self/cgroup";

/* How often the drain looks whether all connections are gone. */
#define DRAIN_POLL_NS (10 * NS_PER_MS)
/* What cancelled works may take to stop (kernels poll within a millisecond; a body being decoded is the longest). */
#define CUT_GRACE_NS (5 * NS_PER_S)
/* How long a large block that nobody takes again is kept. */
#define BUFFER_IDLE_NS (5 * NS_PER_S)

/* --- sizes that follow from the machine ------------------------------------------------------------------------- */

enum {
    LANE_THREADS_LEAST = 64, /* lanes for all team sizes up to 8 at once: 56 threads */
    LANE_THREADS_PER_CORE = 16,
    LANE_THREADS_MOST = 1024,
    DESCRIPTORS_LEAST = 64, /* files, sockets and a connection; with fewer some of it would fail later, or ever again */
    DESCRIPTORS_SPARE = 192, /* beyond connections: turned-away ones, epoll sets, eventfds, standard streams */
    CORES_PER_LOOP = 8,      /* one loop answers 60,000–100,000 requests/s: enough to feed this many cores */
    LOOPS_MOST = 4
};

struct service {
    struct facts facts;
    struct memory_budget memory;
    struct state state;
    const struct endpoint *submission;
    void (*describe_job)(struct json_writer *out, const struct host *host, const struct job *job);
    struct host host;
    struct front front;
    struct loop **loops;
    unsigned loop_count;
    uint64_t stop_ns; /* when jobs that still run are cut */
};

static unsigned least(unsigned left, unsigned right) {
    return left < right ? left : right;
}
static unsigned most(unsigned left, unsigned right) {
    return left > right ? left : right;
}

/* Lanes of every size may stay alive side by side, within reason and within half of what the system allows us: libgomp
 * ends the process when it is refused a thread. */
static unsigned thread_cap(const struct config *config, unsigned cores) {
    unsigned allowed = machine_thread_limit(config->cgroup_root, self_cgroup) / 2;
    unsigned wanted = most(LANE_THREADS_LEAST, least(cores * LANE_THREADS_PER_CORE, LANE_THREADS_MOST));
    return most(1, least(most(wanted, 2 * cores), allowed));
}

/* Each connection is a descriptor, and each thread of a lane that is as wide as the machine has one (lane_home.h). The
 * soft limit is ours to raise. */
static void fit_connections(struct config *config) {
    struct rlimit limit;
    rlim_t spare = DESCRIPTORS_SPARE + 2 * (rlim_t)config->cores;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    rlim_t wanted = config->max_connections + spare, soft = limit.rlim_cur;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            log_event(LOG_WARN, "limit-kept", "the descriptor limit can't be raised to %llu: %s",
                      (unsigned long long)limit.rlim_cur, strerror(errno));
            limit.rlim_cur = soft;
        }
    }
    if (limit.rlim_cur >= wanted || limit.rlim_cur < DESCRIPTORS_LEAST) {
        return; /* all is well, or has_descriptors says what isn't */
    }
    unsigned fitting = limit.rlim_cur > spare ? (unsigned)(limit.rlim_cur - spare) : 1;
    log_event(LOG_WARN, "limit-lowered",
              "max-connections lowered from %u to %u: the descriptor limit is %llu, and %llu are for other things",
              config->max_connections, fitting, (unsigned long long)limit.rlim_cur, (unsigned long long)spare);
    config->max_connections = fitting;
}

/* Requests, the one that deletes data among them, find room beside what is kept: an eighth of all. */
static void fit_data(struct config *config) {
    size_t most = config->memory_bytes - config->memory_bytes / 8;
    if (config->data_memory_bytes == 0) {
        config->data_memory_bytes = config->memory_bytes / 4;
    }
    if (config->data_memory_bytes > most) {
        log_event(LOG_WARN, "limit-lowered", "data-memory lowered from %zu to %zu, seven eighths of --memory",
                  config->data_memory_bytes, most);
        config->data_memory_bytes = most;
    }
}

static void fill_facts(struct service *service, const struct config *config, const struct service_parts *parts) {
    struct facts *facts = &service->facts;
    facts->version = parts->version;
    facts->build = parts->build;
    facts->endpoints = parts->endpoints;
    facts->endpoint_count = parts->endpoint_count;
    facts->inline_body_bytes = ADMISSION_INLINE_BODY_BYTES;
    facts->inline_cost_ns = EXCHANGE_INLINE_COST_NS;
    facts->started_ns = clock_now_ns();
    facts->started_unix_ns = clock_read(CLOCK_REALTIME);
    facts->config = *config;
    core_budget_read(&facts->cores, config->cgroup_root, self_cgroup, config->cores);
    facts->config.cores = facts->cores.count;
    facts->config.job_cores =
        config->job_cores > 0 ? least(config->job_cores, facts->cores.count) : most(1, facts->cores.count - 1);
    fit_connections(&facts->config);
    facts->thread_cap = thread_cap(config, facts->cores.count);
    size_t machine =
        machine_memory_bytes(config->cgroup_root, self_cgroup, facts->memory_source, sizeof facts->memory_source);
    if (config->memory_bytes == 0) {
        facts->config.memory_bytes = machine / 2;
    } else {
        snprintf(facts->memory_source, sizeof facts->memory_source, "--memory");
    }
    fit_data(&facts->config);
    if (config->io_threads == 0) {
        facts->config.io_threads = most(1, least(facts->cores.count / CORES_PER_LOOP, LOOPS_MOST));
    }
}

/* --- the listening socket ---------------------------------------------------------------------------------------- */

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The length of what was made of --listen and --port, which config.c has checked. */
static socklen_t make_address(const struct config *config, unsigned port, union socket_address *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, config->listen, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, config->listen, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        return sizeof address->v6;
    }
    return 0;
}

/* Non-blocking, and bound with SO_REUSEADDR so that a restart doesn't wait for old connections to be forgotten. */
static int open_socket(const struct config *config, unsigned port) {
    union socket_address address;
    socklen_t length = make_address(config, port, &address);
    int on = 1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(fd, &address.any, length) == 0 &&
        listen(fd, SOMAXCONN) == 0) {
        return fd;
    }
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

/* Port 0 asks for any free one: which has it become? */
static unsigned bound_port(int fd) {
    union socket_address address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(fd, &address.any, &length) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* --- start and stop ---------------------------------------------------------------------------------------------- */

static void print_duration(struct json_writer *line, const char *key, uint64_t duration_ns) {
    json_key(line, key);
    json_unsigned(line, duration_ns / NS_PER_MS);
}

/* NULL: there is nothing to say. */
static void print_text(struct json_writer *line, const char *key, const char *text) {
    if (text) {
        json_key(line, key);
        json_cstring(line, text);
    }
}

static void print_state(struct json_writer *line, const struct service *service) {
    const struct config *config = &service->facts.config;
    const struct journal *journal = service->state.journal;
    json_key(line, "data_memory_bytes");
    json_unsigned(line, config->data_memory_bytes);
    print_text(line, "data", config->data == STORAGE_DURABLE ? "durable" : "memory");
    print_text(line, "jobs", !journal ? "unavailable" : journal->is_durable ? "durable" : "memory");
    if (config->callback_allow) {
        print_text(line, "callback_allow", config->callback_allow);
        json_key(line, "callbacks_signed");
        json_bool(line, config->callback_secret_file);
    }
    if (service->state.folder.folder >= 0) {
        print_text(line, "state_dir", service->state.folder.path);
    }
}

static void print_start(struct json_writer *line, const struct service *service) {
    const struct config *config = &service->facts.config;
    bool v6 = strchr(config->listen, ':');
    char address[80];
    char time[LOG_TIME_BYTES];
    snprintf(address, sizeof address, v6 ? "[%s]:%u" : "%s:%u", config->listen, config->port);
    json_begin_object(line);
    json_key(line, "time");
    json_text(line, time, log_time(time, sizeof time));
    print_text(line, "level", "info");
    print_text(line, "event", "listening");
    print_text(line, "address", address);
    if (config->health_port != 0) {
        json_key(line, "health_port");
        json_unsigned(line, config->health_port);
    }
    print_text(line, "cors_origin", config->cors_origin);
    print_text(line, "otlp", config->otlp);
    print_text(line, "version", service->facts.version);
    json_key(line, "cores");
    json_unsigned(line, service->facts.cores.count);
    print_text(line, "cores_source", service->facts.cores.source);
    json_key(line, "io_threads");
    json_unsigned(line, config->io_threads);
    json_key(line, "lane_threads_max");
    json_unsigned(line, service->facts.thread_cap);
    json_key(line, "memory_bytes");
    json_unsigned(line, config->memory_bytes);
    print_state(line, service);
    json_key(line, "max_body_bytes");
    json_unsigned(line, config->max_body_bytes);
    json_key(line, "max_stream_bytes");
    json_unsigned(line, config->max_stream_bytes);
    json_key(line, "max_connections");
    json_unsigned(line, config->max_connections);
    json_key(line, "max_connections_per_address");
    json_unsigned(line, config->max_connections_per_address);
    json_key(line, "queue");
    json_unsigned(line, config->queue_length);
    print_duration(line, "header_timeout_ms", config->header_timeout_ns);
    print_duration(line, "body_timeout_ms", config->body_timeout_ns);
    print_duration(line, "idle_timeout_ms", config->idle_timeout_ns);
    print_duration(line, "answer_timeout_ms", config->answer_timeout_ns);
    json_key(line, "answer_rate_bytes");
    json_unsigned(line, config->answer_rate_bytes);
    print_duration(line, "timeout_ms", config->timeout_ns);
    print_duration(line, "drain_ms", config->drain_ns);
    print_duration(line, "drain_delay_ms", config->drain_delay_ns);
    json_end_object(line);
    text_put(&line->text, "\n", 1);
}

/* Printed whatever the log level: it is how one learns the port. */
static void announce(const struct service *service) {
    struct fixed_memory memory;
    struct json_writer line;
    fixed_memory_init(&memory);
    json_writer_init(&line, &memory.base, FIXED_MEMORY_BYTES);
    print_start(&line, service);
    log_lines(line.text.data, line.text.length);
    json_writer_deinit(&line);
}

static bool start_loops(struct service *service) {
    unsigned wanted = service->facts.config.io_threads;
    atomic_store(&service->front.accepting_loops, wanted);
    service->loops = calloc(wanted, sizeof(struct loop *));
    if (!service->loops) {
        return false;
    }
    while (service->loop_count < wanted) {
        struct loop *loop = loop_new(&service->front);
        if (!loop) {
            return false;
        }
        service->loops[service->loop_count++] = loop;
    }
    return true;
}

/* False, and said, when it can't be listened on. */
static bool listen_on(const struct config *config, unsigned *port, int *fd) {
    *fd = open_socket(config, *port);
    if (*fd < 0) {
        log_event(LOG_ERROR, "start-failed", "cannot listen on %s port %u: %s", config->listen, *port,
                  strerrordesc_np(errno));
        return false;
    }
    *port = bound_port(*fd);
    return true;
}

static bool make_host(struct service *service) {
    const struct facts *facts = &service->facts;
    const struct config *config = &facts->config;
    memory_budget_init(&service->memory, config->memory_bytes);
    service->host = (struct host){
        .facts = &service->facts,
        .memory = &service->memory,
        .submission = service->submission,
        .describe_job = service->describe_job,
        .buffers = buffer_pool_new(config->memory_bytes / 4, BUFFER_IDLE_NS),
        .metrics = metrics_new(facts->endpoint_count, config->io_threads + 1), /* the loops' and the runner's */
        .scheduler = scheduler_new(facts->cores.count, config->queue_length, facts->thread_cap, config->job_cores),
    };
    service->front.host = &service->host;
    service->front.peers = peers_new(config->max_connections_per_address, config->max_connections);
    return service->host.buffers && service->host.metrics && service->host.scheduler && service->front.peers;
}

/* False, and said, where fit_connections found too few. */
static bool has_descriptors(void) {
    struct rlimit limit;
    bool has = getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_LEAST;
    if (!has) {
        log_event(LOG_ERROR, "start-failed", "the descriptor limit (ulimit -n) is %llu; at least %d are needed",
                  (unsigned long long)limit.rlim_cur, DESCRIPTORS_LEAST);
    }
    return has;
}

static bool service_start(struct service *service) {
    struct config *config = &service->facts.config;
    service->front.listen_fd = -1;
    service->front.health_fd = -1;
    if (!has_descriptors() || !listen_on(config, &config->port, &service->front.listen_fd) ||
        (config->health_port != 0 && !listen_on(config, &config->health_port, &service->front.health_fd))) {
        return false;
    }
    if (!make_host(service)) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory or threads: %s", strerrordesc_np(errno));
        return false;
    }
    if (!state_open(&service->state, &service->host)) {
        return false;
    }
    if (!start_loops(service)) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory, threads or descriptors: %s",
                  strerrordesc_np(errno));
        return false;
    }
    return true;
}

static void close_socket(int fd) {
    if (fd >= 0) {
        close(fd);
    }
}

static void service_stop(struct service *service) {
    for (unsigned i = 0; i < service->loop_count; i++) {
        loop_stop(service->loops[i]);
    }
    for (unsigned i = 0; i < service->loop_count; i++) {
        loop_free(service->loops[i]);
    }
    free(service->loops);
    state_stop_jobs(&service->state, service->stop_ns);
    scheduler_free(service->host.scheduler); /* with it the runs that nobody waited for */
    peers_free(service->front.peers);
    state_close(&service->state);
    buffer_pool_free(service->host.buffers);
    metrics_free(service->host.metrics);
    close_socket(service->front.listen_fd);
    close_socket(service->front.health_fd);
}

/* --- drain ------------------------------------------------------------------------------------------- */

/* False when connections were left at the deadline. Loops end accepting within a turn, whatever the deadline: who
 * waited to be accepted counts as a connection before the last one says that it has stopped. */
static bool await_connections(struct service *service, uint64_t deadline_ns) {
    bool is_accepting;
    while ((is_accepting = atomic_load(&service->front.accepting_loops) > 0) ||
           atomic_load(&service->facts.connections) > 0) {
        if (!is_accepting && clock_now_ns() >= deadline_ns) {
            return false;
        }
        signals_await_haste(DRAIN_POLL_NS);
    }
    return true;
}

/* True when every accepted request was answered. */
static bool drain(struct service *service) {
    const struct config *config = &service->facts.config;
    uint64_t quiet_end_ns = clock_now_ns() + config->drain_delay_ns;
    atomic_store(&service->facts.draining, true);
    for (uint64_t left_ns; (left_ns = clock_left_ns(quiet_end_ns)) > 0;) {
        signals_await_haste(left_ns);
    }
    for (unsigned i = 0; i < service->loop_count; i++) {
        loop_stop_accepting(service->loops[i]);
    }
    state_drain(&service->state);
    service->stop_ns = clock_now_ns() + config->drain_ns;
    if (await_connections(service, service->stop_ns)) {
        return true;
    }
    log_event(LOG_WARN, "drain-cut", "connections still busy after --drain: %u; their work is stopped",
              atomic_load(&service->facts.connections));
    for (unsigned i = 0; i < service->loop_count; i++) {
        loop_cut_all(service->loops[i]);
    }
    (void)await_connections(service, clock_now_ns() + CUT_GRACE_NS);
    return false;
}

/* Whatever `ulimit -s` says: the largest kernel takes 1.25 MiB of stack, JSON nested as deep as may be less. The
 * teams' threads have OMP_STACKSIZE (openmp_environment.c). */
enum { STACK_BYTES = 2 * 1024 * 1024 };

static void size_stacks(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
}

/* libgomp's threads end by pthread_exit, for which glibc loads libgcc when it is first needed; where it can't, it
 * aborts the process. The same is needed here, while a refusal can be borne. */
static bool load_unwinder(void) {
    void *frame;
    return backtrace(&frame, 1) == 1;
}

static int refuse_start(const char *what) {
    log_event(LOG_ERROR, "start-failed", "the system refused memory for %s", what);
    return 1;
}

int service_run(const struct config *config, const struct service_parts *parts) {
    size_stacks();
    signals_init();
    struct service *service = calloc(1, sizeof *service);
    if (!service) {
        return refuse_start("the service");
    }
    service->state.folder = (struct state_folder){.folder = -1, .lock = -1};
    bool has_topology = topology_read(&service->facts.topology); /* while there are no threads */
    if (!has_topology || !load_unwinder()) {
        free(service);
        return refuse_start(has_topology ? "libgcc" : "libhwloc, which reads the topology");
    }
    log_open(config->log_level, STDERR_FILENO);
    fill_facts(service, config, parts);
    service->submission = parts->submission;
    service->describe_job = parts->describe_job;
    int status = 1;
    bool has_started = service_start(service);
    if (has_started) {
        announce(service);
        log_event(LOG_INFO, "draining", "%s received", signals_await_stop());
        status = drain(service) ? 0 : 1;
    }
    service_stop(service);
    if (has_started) {
        log_event(LOG_INFO, "stopped", "exit status %d", status);
    }
    free(service);
    log_close();
    return status;
}
