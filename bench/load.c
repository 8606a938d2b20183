/* fj-load: a load generator for servers on this machine. It refuses any address outside 127.0.0.0/8, and always ends:
 * connecting, warm-up and window are bounded. The report is one JSON object on stdout; --help lists the options. */
#include "bench/load_report.h"
#include "bench/swarm.h"
#include "server/system/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BODIES_MAX = 64, HEADERS_MAX = 16, CLIENTS_MAX = 20000, HEAD_BYTES_MAX = 8192 };
#define SECONDS_MAX 120.0

struct options {
    const char *host, *source, *port, *method, *path;
    const char *headers[HEADERS_MAX];
    const char *body_files[BODIES_MAX];
    size_t header_count, body_count;
    struct plan plan;
};

static const char usage[] = "usage: fj-load --port PORT [option]...\n"
                            "  --host ADDRESS     numeric, in 127.0.0.0/8 (127.0.0.1)\n"
                            "  --source ADDRESS   where the connections come from, in 127.0.0.0/8 as well\n"
                            "  --method METHOD    (POST)\n"
                            "  --path PATH        (/)\n"
                            "  --header LINE      a field of the request's head; may be repeated\n"
                            "  --body FILE        the request's body; if repeated, requests take the files in turn\n"
                            "  --clients N        1 … 20000 (1)\n"
                            "  --warmup SECONDS   not measured (0.5)\n"
                            "  --duration SECONDS of the measured window, at most (2)\n"
                            "  --requests N       end the window after N answers\n"
                            "  --backoff-ms N     a client's wait after a 503 or a lost connection, 1 … 10000 (100)\n"
                            "  --paced            the same wait after every answer\n";

static const struct option long_options[] = {
    {"host", required_argument, NULL, 'h'},
    {"source", required_argument, NULL, 's'},
    {"port", required_argument, NULL, 'p'},
    {"method", required_argument, NULL, 'm'},
    {"path", required_argument, NULL, 'u'},
    {"header", required_argument, NULL, 'H'},
    {"body", required_argument, NULL, 'b'},
    {"clients", required_argument, NULL, 'c'},
    {"warmup", required_argument, NULL, 'w'},
    {"duration", required_argument, NULL, 'd'},
    {"requests", required_argument, NULL, 'n'},
    {"backoff-ms", required_argument, NULL, 'o'},
    {"paced", no_argument, NULL, 'P'},
    {"help", no_argument, NULL, '?'},
    {NULL, 0, NULL, 0},
};

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("fj-load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return false;
}

static bool read_number(double *number, const char *text, double min, double max) {
    char *end;
    errno = 0;
    *number = strtod(text, &end);
    if (errno == 0 && end != text && *end == '\0' && *number >= min && *number <= max) {
        return true;
    }
    return complain("'%s' isn't a number from %g to %g", text, min, max);
}

/* Options that are numbers: between which, and how much of what is kept one stands for. */
static const struct number_option {
    int letter;
    double min, max, unit;
} number_options[] = {
    {'c', 1, CLIENTS_MAX, 1}, {'w', 0, SECONDS_MAX, (double)NS_PER_S}, {'d', 0.001, SECONDS_MAX, (double)NS_PER_S},
    {'n', 1, 1e12, 1},        {'o', 1, 10000, (double)NS_PER_MS},
};

static bool read_number_option(struct plan *plan, int letter, const char *value) {
    for (size_t i = 0; i < sizeof number_options / sizeof *number_options; i++) {
        const struct number_option *option = &number_options[i];
        double number = 0;
        if (option->letter != letter) {
            continue;
        }
        if (!read_number(&number, value, option->min, option->max)) {
            return false;
        }
        uint64_t kept = (uint64_t)(number * option->unit);
        switch (letter) {
        case 'c':
            plan->client_count = (unsigned)kept;
            break;
        case 'w':
            plan->warmup_ns = kept;
            break;
        case 'd':
            plan->duration_ns = kept;
            break;
        case 'n':
            plan->answer_limit = kept;
            break;
        default:
            plan->backoff_ns = kept;
        }
        return true;
    }
    fputs(usage, stderr);
    return false;
}

static bool read_option(struct options *options, int letter, const char *value) {
    switch (letter) {
    case 'h':
        options->host = value;
        return true;
    case 's':
        options->source = value;
        return true;
    case 'P':
        options->plan.is_paced = true;
        return true;
    case 'p':
        options->port = value;
        return true;
    case 'm':
        options->method = value;
        return true;
    case 'u':
        options->path = value;
        return true;
    case 'H':
        if (options->header_count == HEADERS_MAX) {
            return complain("more than %d headers", HEADERS_MAX);
        }
        options->headers[options->header_count++] = value;
        return true;
    case 'b':
        if (options->body_count == BODIES_MAX) {
            return complain("more than %d bodies", BODIES_MAX);
        }
        options->body_files[options->body_count++] = value;
        return true;
    default:
        return read_number_option(&options->plan, letter, value);
    }
}

static bool read_loopback(const char *text, struct in_addr *address) {
    if (inet_pton(AF_INET, text, address) == 1 && ntohl(address->s_addr) >> 24 == 127) {
        return true;
    }
    return complain("'%s' isn't in 127.0.0.0/8: load is for servers on this machine only", text);
}

static bool read_addresses(const struct options *options, struct plan *plan) {
    double port = 0;
    if (!options->port) {
        return complain("--port is needed");
    }
    if (!read_number(&port, options->port, 1, 65535)) {
        return false;
    }
    plan->address.sin_family = AF_INET;
    plan->address.sin_port = htons((uint16_t)port);
    return read_loopback(options->host, &plan->address.sin_addr) &&
           (!options->source || read_loopback(options->source, &plan->source));
}

/* The whole file; *length is set. NULL with a line on stderr. */
static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    struct stat status;
    char *bytes = NULL;
    if (!file || fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
        complain("can't open '%s' as a regular file", path);
        goto cleanup;
    }
    *length = (size_t)status.st_size;
    bytes = malloc(*length + 1);
    if (!bytes || fread(bytes, 1, *length, file) != *length) {
        complain("can't read '%s'", path);
        free(bytes);
        bytes = NULL;
    }
cleanup:
    if (file) {
        fclose(file);
    }
    return bytes;
}

/* Head and body in one buffer, so that a small request is one send. */
static bool compose(const struct options *options, const char *body, size_t body_length, struct request_text *request) {
    size_t room = HEAD_BYTES_MAX + body_length;
    request->bytes = malloc(room);
    if (!request->bytes) {
        return complain("out of memory");
    }
    FILE *stream = fmemopen(request->bytes, room, "w");
    if (!stream) {
        return complain("out of memory");
    }
    fprintf(stream, "%s %s HTTP/1.1\r\nHost: %s:%s\r\n", options->method, options->path, options->host, options->port);
    for (size_t i = 0; i < options->header_count; i++) {
        fprintf(stream, "%s\r\n", options->headers[i]);
    }
    if (options->body_count > 0) {
        fprintf(stream, "Content-Length: %zu\r\n", body_length);
    }
    fputs("\r\n", stream);
    fwrite(body, 1, body_length, stream);
    long length = fflush(stream) == 0 ? ftell(stream) : -1;
    fclose(stream);
    request->length = length < 0 ? 0 : (size_t)length;
    return length > 0 || complain("the request's head is longer than %d bytes", HEAD_BYTES_MAX);
}

static bool compose_all(const struct options *options, struct request_text *requests) {
    if (options->body_count == 0) {
        return compose(options, "", 0, &requests[0]);
    }
    for (size_t i = 0; i < options->body_count; i++) {
        size_t length = 0;
        char *body = read_file(options->body_files[i], &length);
        bool composed = body && compose(options, body, length, &requests[i]);
        free(body);
        if (!composed) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    struct options options = {
        .host = "127.0.0.1",
        .method = "POST",
        .path = "/",
        .plan = {.client_count = 1,
                 .warmup_ns = NS_PER_S / 2,
                 .duration_ns = 2 * NS_PER_S,
                 .backoff_ns = 100 * NS_PER_MS},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (!read_option(&options, letter, optarg)) {
            return 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    struct request_text requests[BODIES_MAX] = {{0}};
    struct tally *tally = calloc(1, sizeof *tally);
    uint64_t *per_client = calloc(options.plan.client_count, sizeof *per_client);
    int exit_status = 1;
    if (!tally || !per_client || !read_addresses(&options, &options.plan) || !compose_all(&options, requests)) {
        goto cleanup;
    }
    tally->per_client = per_client;
    options.plan.requests = requests;
    options.plan.request_count = options.body_count > 0 ? options.body_count : 1;
    if (swarm_run(&options.plan, tally)) {
        load_report_print(&options.plan, tally);
        exit_status = 0;
    }
cleanup:
    for (size_t i = 0; i < BODIES_MAX; i++) {
        free(requests[i].bytes);
    }
    free(per_client);
    free(tally);
    return exit_status;
}
