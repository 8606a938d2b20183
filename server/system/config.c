/* One row per setting in `options` is all there is: parsing, ranges, environment names, error lines and --help follow
 * from it. Ranges are written as an operator would write them, read by the same function as the values.
 *
 * Environment: FORKJOIN_ and the flag in capitals. A name with that prefix that isn't a setting is refused, since it is
 * most likely misspelt; except those by which Kubernetes, and Docker's links, tell every container where a service is
 * whose name begins with "forkjoin" (`links`): one called forkjoin-health sets FORKJOIN_HEALTH_PORT=tcp://…. */
#include "server/system/config.h"

#include "codecs/json/utf8.h"
#include "server/system/allowed_hosts.h"
#include "server/system/collector_url.h"
#include "server/system/log.h"
#include "server/system/origins.h"
#include "server/system/quantity.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum type { COUNT, BYTES, DURATION, LEVEL, ADDRESS, DIRECTORY, STATE, STORAGE, ORIGINS, HOSTS, FILE_PATH, COLLECTOR };

static const struct option {
    const char *flag;
    enum type type;
    size_t offset;
    const char *lowest, *highest; /* of numbers */
    const char *zero;             /* what 0 stands for, where it is allowed apart from the range */
    const char *fallback;
    const char *help;
} options[] = {
#define AT(member) offsetof(struct config, member)
    {"listen", ADDRESS, AT(listen), NULL, NULL, NULL, "127.0.0.1", "address to serve on"},
    {"port", COUNT, AT(port), "1", "65535", "any free port", "8080", "TCP port"},
    {"health-port", COUNT, AT(health_port), "1", "65535", "none", "0",
     "TCP port for probes alone, whatever limits others have reached"},
    {"io-threads", COUNT, AT(io_threads), "1", "256", "chosen from the cores", "0", "event loops"},
    {"cores", COUNT, AT(cores), "1", "1024", "from affinity and cgroup", "0", "cores that may compute at once"},
    {"job-cores", COUNT, AT(job_cores), "1", "1024", "all but one", "0", "cores of all jobs together"},
    {"queue", COUNT, AT(queue_length), "0", "1000000", NULL, "256", "requests that may wait for cores"},
    {"max-body", BYTES, AT(max_body_bytes), "1KiB", "64GiB", NULL, "64MiB", "largest request body"},
    {"max-stream", BYTES, AT(max_stream_bytes), "1KiB", "1048576GiB", "no limit", "0", "longest text/plain body"},
    {"memory", BYTES, AT(memory_bytes), "16MiB", "65536GiB", "half of what there is", "0",
     "memory of all requests together"},
    {"data-memory", BYTES, AT(data_memory_bytes), "1MiB", "65536GiB", "a quarter of --memory", "0",
     "memory of named data, within --memory"},
    {"data", STORAGE, AT(data), NULL, NULL, NULL, "memory", "where named data is kept"},
    {"jobs", STORAGE, AT(jobs), NULL, NULL, NULL, "durable", "where jobs are kept"},
    {"job-ttl", DURATION, AT(job_ttl_ns), "1s", "31536000s", NULL, "604800s", "how long a job's result is kept"},
    {"job-attempts", COUNT, AT(job_attempts), "1", "100", NULL, "3", "how often a job may crash"},
    {"callback-allow", HOSTS, AT(callback_allow), NULL, NULL, NULL, "none", "hosts that callbacks of jobs may go to"},
    {"callback-secret-file", FILE_PATH, AT(callback_secret_file), NULL, NULL, NULL, "none",
     "file with the keys that sign callbacks"},
    {"callback-retry", DURATION, AT(callback_retry_ns), "1ms", "3600s", NULL, "5s",
     "time between a callback's first try and its second"},
    {"callback-timeout", DURATION, AT(callback_timeout_ns), "1ms", "300s", NULL, "15s", "time for one try"},
    {"state-limit", BYTES, AT(state_limit_bytes), "1MiB", "1048576GiB", "what the disk has", "0",
     "disk (or memory) of all jobs"},
    {"state-dir", STATE, AT(state_folder), NULL, NULL, NULL, "auto", "folder for what outlives the process"},
    {"max-connections", COUNT, AT(max_connections), "1", "1000000", NULL, "4096", "open connections"},
    {"max-connections-per-address", COUNT, AT(max_connections_per_address), "1", "1000000", "no limit of its own", "0",
     "open connections of one client"},
    {"header-timeout", DURATION, AT(header_timeout_ns), "1ms", "86400s", NULL, "10s", "time for a request's head"},
    {"body-timeout", DURATION, AT(body_timeout_ns), "1ms", "86400s", NULL, "60s", "time for a request's body"},
    {"idle-timeout", DURATION, AT(idle_timeout_ns), "1ms", "86400s", NULL, "75s", "time between requests"},
    {"answer-timeout", DURATION, AT(answer_timeout_ns), "1ms", "86400s", NULL, "300s", "time to take an answer"},
    {"answer-rate", BYTES, AT(answer_rate_bytes), "1", "1GiB", "no least rate", "4KiB",
     "what is taken of an answer a second"},
    {"timeout", DURATION, AT(timeout_ns), "1ms", "86400s", NULL, "30s", "time to wait for cores and compute"},
    {"drain", DURATION, AT(drain_ns), "0s", "86400s", NULL, "30s", "time to finish requests when ending"},
    {"drain-delay", DURATION, AT(drain_delay_ns), "0s", "3600s", NULL, "0s",
     "time to go on serving, not ready, before that"},
    {"cors-origin", ORIGINS, AT(cors_origin), NULL, NULL, NULL, "none", "web pages whose scripts may read answers"},
    {"otlp", COLLECTOR, AT(otlp), NULL, NULL, NULL, "none", "collector that is told of traces, as OTLP/JSON over HTTP"},
    {"log-level", LEVEL, AT(log_level), NULL, NULL, NULL, "info",
     "least important level that is logged; the line listening is at every level"},
    {"cgroup-root", DIRECTORY, AT(cgroup_root), NULL, NULL, NULL, "/sys/fs/cgroup",
     "where the control groups are mounted"},
#undef AT
};

static const struct action {
    const char *flag;
    enum config_outcome outcome;
    const char *help;
} actions[] = {
    {"healthcheck", CONFIG_HEALTHCHECK, "ask the service on this machine: exit status 0 if it is alive"},
    {"version", CONFIG_EXIT_OK, "print the version"},
    {"help", CONFIG_EXIT_OK, "print this, as -h does"},
};

enum { OPTION_COUNT = sizeof options / sizeof *options, ACTION_COUNT = sizeof actions / sizeof *actions };
enum { NAME_BYTES = 64, RANGE_BYTES = 128, SHOWN_BYTES = 80 };
enum { LINK_BYTES = 256 }; /* a service's name has 63 bytes at most */

enum { HELP_COLUMNS = 80, HELP_INDENT = 6 };

/* A value in --help, and in a sentence. */
static const struct {
    const char *placeholder, *noun;
} types[] = {
    [COUNT] = {"N", "a number"},
    [BYTES] = {"SIZE", "a size such as 64MiB,"},
    [DURATION] = {"TIME", "a time such as 250ms or 30s,"},
    [LEVEL] = {"LEVEL", "one of"},
    [ADDRESS] = {"ADDRESS", "a numeric IPv4 or IPv6 address"},
    [DIRECTORY] = {"PATH", "an absolute path"},
    [STATE] = {"PATH", "\"auto\" (the user's state folder) or an absolute path"},
    [STORAGE] = {"STORAGE", "\"memory\" or \"durable\""},
    [ORIGINS] = {"ORIGINS", "\"none\", \"*\" or origins (https://a.example:8443, no path) separated by commas"},
    [HOSTS] = {"HOSTS", "\"none\", or hosts (hooks.example.org, *.example.org:8443, 10.0.0.0/8) separated by commas"},
    [FILE_PATH] = {"PATH", "\"none\" or an absolute path"},
    [COLLECTOR] = {"URL", "\"none\", or a URL (http://127.0.0.1:4318, https too) without user, query and fragment"},
};

static const char prefix[] = "FORKJOIN_";

/* "max-body" -> "FORKJOIN_MAX_BODY" */
static void make_environment_name(const char *flag, char name[NAME_BYTES]) {
    (void)snprintf(name, NAME_BYTES, "%s%s", prefix, flag);
    for (char *c = name + sizeof prefix - 1; *c != '\0'; c++) {
        *c = (char)(*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
}

/* What may be given, as part of a sentence. */
static void describe_range(const struct option *option, char range[RANGE_BYTES]) {
    const char *noun = types[option->type].noun;
    if (option->lowest) {
        (void)snprintf(range, RANGE_BYTES, "%s from %s to %s%s%s", noun, option->lowest, option->highest,
                       option->zero ? ", or 0: " : "", option->zero ? option->zero : "");
    } else if (option->type == LEVEL) {
        (void)snprintf(range, RANGE_BYTES, "%s %s, %s, %s, %s", noun, log_level_name(LOG_ERROR),
                       log_level_name(LOG_WARN), log_level_name(LOG_INFO), log_level_name(LOG_DEBUG));
    } else {
        (void)snprintf(range, RANGE_BYTES, "%s", noun);
    }
}

/* For an error line, which must stay one line and leave the terminal alone: what isn't shown as itself is replaced,
 * long ones are cut. */
static const char *shown(const char *value, char out[SHOWN_BYTES]) {
    size_t used = 0, left = strlen(value);
    while (left > 0) {
        size_t length = utf8_length(value, left);
        bool is_plain = length > 0 && !utf8_is_control(value, length);
        size_t step = length > 0 ? length : 1;
        if (used + (is_plain ? step : 1) >= SHOWN_BYTES) {
            break;
        }
        memcpy(out + used, is_plain ? value : "?", is_plain ? step : 1);
        used += is_plain ? step : 1;
        value += step;
        left -= step;
    }
    out[used] = '\0';
    return out;
}

static bool parse_number(enum type type, const char *text, uint64_t *number) {
    unsigned count;
    size_t bytes;
    bool parsed = false;
    if (type == DURATION) {
        return quantity_duration(text, number);
    }
    if (type == COUNT && (parsed = quantity_count(text, 0, UINT32_MAX, &count))) {
        *number = count;
    }
    if (type == BYTES && (parsed = quantity_bytes(text, &bytes))) {
        *number = bytes;
    }
    return parsed;
}

static bool set_number(void *member, const struct option *option, const char *text) {
    uint64_t value, lowest, highest;
    if (!parse_number(option->type, text, &value) || !parse_number(option->type, option->lowest, &lowest) ||
        !parse_number(option->type, option->highest, &highest)) {
        return false;
    }
    if ((value < lowest || value > highest) && !(value == 0 && option->zero)) {
        return false;
    }
    if (option->type == COUNT) {
        *(unsigned *)member = (unsigned)value;
    } else if (option->type == BYTES) {
        *(size_t *)member = (size_t)value;
    } else {
        *(uint64_t *)member = value;
    }
    return true;
}

static bool set(struct config *config, const struct option *option, const char *text) {
    void *member = (char *)config + option->offset;
    unsigned char address[sizeof(struct in6_addr)];
    switch (option->type) {
    case LEVEL:
        for (enum log_level level = LOG_ERROR; level <= LOG_DEBUG; level++) {
            if (strcmp(text, log_level_name(level)) == 0) {
                *(enum log_level *)member = level;
                return true;
            }
        }
        return false;
    case ADDRESS:
        *(const char **)member = text;
        return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
    case DIRECTORY:
        *(const char **)member = text;
        return *text == '/';
    case STATE:
        *(const char **)member = strcmp(text, "auto") == 0 ? NULL : text;
        return *text == '/' || strcmp(text, "auto") == 0;
    case STORAGE:
        *(enum storage *)member = strcmp(text, "durable") == 0 ? STORAGE_DURABLE : STORAGE_MEMORY;
        return strcmp(text, "durable") == 0 || strcmp(text, "memory") == 0;
    case ORIGINS:
        *(const char **)member = strcmp(text, "none") == 0 ? NULL : text;
        return strcmp(text, "none") == 0 || !origins_find_mistake(text);
    case HOSTS:
        *(const char **)member = strcmp(text, "none") == 0 ? NULL : text;
        return strcmp(text, "none") == 0 || !allowed_hosts_find_mistake(text);
    case FILE_PATH:
        *(const char **)member = strcmp(text, "none") == 0 ? NULL : text;
        return strcmp(text, "none") == 0 || *text == '/';
    case COLLECTOR:
        *(const char **)member = strcmp(text, "none") == 0 ? NULL : text;
        return strcmp(text, "none") == 0 || collector_url_is_good(text);
    default:
        return set_number(member, option, text);
    }
}

/* What the range doesn't say, to follow it. */
static const char *explain_refusal(enum type type, const char *value) {
    switch (type) {
    case BYTES:
        return "; its unit is KiB, MiB or GiB, or it is bytes";
    case DURATION:
        return "; its unit is ms or s, or it is seconds";
    case ORIGINS:
        return origins_begin_with_own_port(value) ? "; browsers leave out the port that is the scheme's own" : "";
    default:
        return "";
    }
}

static enum config_outcome refuse_value(const struct option *option, const char *name, const char *value) {
    char range[RANGE_BYTES], out[SHOWN_BYTES];
    describe_range(option, range);
    if (value && option->type == ORIGINS) {
        value = origins_find_mistake(value); /* a list may be long */
    } else if (value && option->type == HOSTS) {
        value = allowed_hosts_find_mistake(value);
    }
    if (value) {
        fprintf(stderr, "forkjoin: %s: \"%s\" is not allowed, it takes %s%s\n", name, shown(value, out), range,
                explain_refusal(option->type, value));
    } else {
        fprintf(stderr, "forkjoin: %s needs a value: %s\n", name, range);
    }
    return CONFIG_EXIT_USAGE;
}

/* How many insertions, deletions and replacements turn a into b, for names shorter than NAME_BYTES. */
static unsigned edit_distance(const char *a, const char *b) {
    unsigned row[NAME_BYTES];
    unsigned length = (unsigned)strlen(b);
    for (unsigned j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; *a != '\0'; a++, i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= length; j++) {
            unsigned replaced = diagonal + (*a != b[j - 1]);
            unsigned moved = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < moved ? replaced : moved;
        }
    }
    return row[length];
}

/* Names the unknown flag or variable and, if one is at most two slips away, the one that was probably meant. */
static enum config_outcome refuse_name(const char *kind, const char *name, bool environment) {
    char nearest[NAME_BYTES] = "", out[SHOWN_BYTES];
    unsigned least = 3;
    for (size_t i = 0; i < OPTION_COUNT + ACTION_COUNT && strlen(name) < NAME_BYTES; i++) {
        char candidate[NAME_BYTES];
        const char *flag = i < OPTION_COUNT ? options[i].flag : actions[i - OPTION_COUNT].flag;
        if (environment && i >= OPTION_COUNT) {
            break;
        }
        if (environment) {
            make_environment_name(flag, candidate);
        } else {
            (void)snprintf(candidate, sizeof candidate, "--%s", flag);
        }
        unsigned distance = edit_distance(name, candidate);
        if (distance < least) {
            least = distance;
            memcpy(nearest, candidate, sizeof nearest);
        }
    }
    if (*nearest != '\0') {
        fprintf(stderr, "forkjoin: unknown %s \"%s\", did you mean %s?\n", kind, shown(name, out), nearest);
    } else {
        fprintf(stderr, "forkjoin: unknown %s \"%s\", see --help for all of them\n", kind, shown(name, out));
    }
    return CONFIG_EXIT_USAGE;
}

/* Whether the variable tells where a service is. Their names are unlike those of settings, but for …_PORT and …_NAME.
 */
static bool is_link(const char *entry, const char *value) {
    static const struct {
        const char *name, *value;
    } links[] = {
        {"*_SERVICE_HOST", "*"},
        {"*_SERVICE_PORT?(_*)", "*"}, /* the first port's, and each by its name */
        {"*_PORT", "@(tcp|udp|sctp)://*"},
        {"*_PORT_+([0-9])_@(TCP|UDP|SCTP)?(_*)", "*"},
        {"*_NAME", "/*/*"}, /* Docker: the two containers */
        {"*_ENV_*", "*"},   /* Docker: the other one's variables */
    };
    char name[LINK_BYTES];
    size_t length = (size_t)(value - entry) - 1;
    if (length >= sizeof name) {
        return false;
    }
    memcpy(name, entry, length);
    name[length] = '\0';
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        if (fnmatch(links[i].name, name, FNM_EXTMATCH) == 0 && fnmatch(links[i].value, value, FNM_EXTMATCH) == 0) {
            return true;
        }
    }
    return false;
}

/* One "NAME=value" of the environment. */
static enum config_outcome read_variable(struct config *config, const char *entry) {
    const char *equals = strchr(entry, '=');
    if (strncmp(entry, prefix, sizeof prefix - 1) != 0 || !equals || is_link(entry, equals + 1)) {
        return CONFIG_RUN;
    }
    const char *value = equals + 1;
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - entry), entry);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char candidate[NAME_BYTES];
        make_environment_name(options[i].flag, candidate);
        if (strcmp(name, candidate) == 0) {
            return set(config, &options[i], value) ? CONFIG_RUN : refuse_value(&options[i], name, value);
        }
    }
    return refuse_name("environment variable", name, true);
}

/* The argument at *index, and the next one where that is its value; *index moves to the last one used. */
static enum config_outcome read_argument(struct config *config, int argc, char *const *argv, int *index) {
    const char *argument = argv[*index];
    if (strncmp(argument, "--", 2) != 0 || strlen(argument) == 2) {
        return refuse_name("argument", argument, false);
    }
    size_t length = strcspn(argument, "=");
    const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "%.*s", (int)length, argument);
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(name + 2, actions[i].flag) != 0) {
            continue;
        }
        if (!value) {
            return actions[i].outcome;
        }
        fprintf(stderr, "forkjoin: %s takes no value\n", name);
        return CONFIG_EXIT_USAGE;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(name + 2, options[i].flag) != 0) {
            continue;
        }
        if (!value && *index + 1 < argc) {
            value = argv[++*index];
        }
        return value && set(config, &options[i], value) ? CONFIG_RUN : refuse_value(&options[i], name, value);
    }
    return refuse_name("flag", name, false);
}

/* Prints the text as lines of HELP_COLUMNS at most. */
static void print_wrapped(const char *text) {
    int column = 0;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (column > 0 && column + 1 + length > HELP_COLUMNS) {
            printf("\n");
            column = 0;
        }
        column += printf("%*s%.*s", column > 0 ? 1 : HELP_INDENT, "", length, text);
        text += length;
        text += *text == ' ';
    }
    printf("\n");
}

static void print_help(void) {
    printf("Usage: forkjoin [--flag value]...\n\n"
           "Serves parallel computations over HTTP. Each flag can be set by the environment\n"
           "variable beside it as well; the flag wins. A SIZE takes KiB, MiB or GiB, a TIME\n"
           "ms or s (a plain number is seconds). Defaults are in brackets.\n\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];
        char name[NAME_BYTES], range[RANGE_BYTES], flag[HELP_COLUMNS], text[3 * RANGE_BYTES];
        make_environment_name(option->flag, name);
        describe_range(option, range);
        (void)snprintf(flag, sizeof flag, "--%s %s", option->flag, types[option->type].placeholder);
        (void)snprintf(text, sizeof text, "%s: %s [%s]", option->help, range, option->fallback);
        printf("  %-34s  %s\n", flag, name);
        print_wrapped(text);
    }
    printf("\n");
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        printf("  --%-11s  %s\n", actions[i].flag, actions[i].help);
    }
}

/* --help, -h and --version work whatever else is wrong. */
static bool print_requested(int argc, char *const *argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
        } else if (strcmp(argv[i], "--version") == 0) {
            printf("forkjoin %s\n", FORKJOIN_VERSION);
        } else {
            continue;
        }
        return true;
    }
    return false;
}

enum config_outcome config_read(struct config *config, int argc, char *const *argv) {
    enum config_outcome outcome = CONFIG_RUN;
    if (print_requested(argc, argv)) {
        return CONFIG_EXIT_OK;
    }
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!set(config, &options[i], options[i].fallback)) {
            return refuse_value(&options[i], options[i].flag, options[i].fallback);
        }
    }
    for (char *const *entry = environ; entry && *entry && outcome == CONFIG_RUN; entry++) {
        outcome = read_variable(config, *entry);
    }
    for (int i = 1; i < argc && outcome != CONFIG_EXIT_USAGE; i++) {
        enum config_outcome next = read_argument(config, argc, argv, &i);
        if (next != CONFIG_RUN) {
            outcome = next;
        }
    }
    return outcome;
}
