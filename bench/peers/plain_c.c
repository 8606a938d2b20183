/* The service in plain C as one writes it in an afternoon: libmicrohttpd with its own thread, as in its examples,
 * jansson for the whole body, a loop with "omp parallel for". The requests and answers of forkjoin's two endpoints; the
 * work is done on the library's thread. What forkjoin does beyond this is what it gains over it.
 *
 * usage: plain-c    serves on a free port of 127.0.0.1 until it is ended */
#include <arpa/inet.h>
#include <jansson.h>
#include <math.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct upload {
    char *bytes;
    size_t length, capacity;
};

/* As in kernels/wordcount/search/wordcount.h: a carriage return just before a newline belongs to neither word nor line.
 */
static bool ends_word(const char *text, size_t length, size_t at) {
    if (at < length && text[at] == '\n') {
        return text[at - 1] != '\r';
    }
    return at == length || text[at] == ' ' || (text[at] == '\r' && at + 1 < length && text[at + 1] == '\n');
}

static bool is_word(const char *text, size_t length, size_t at, const char *word, size_t word_length) {
    bool begins = at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n';
    return begins && word_length <= length - at && memcmp(text + at, word, word_length) == 0 &&
           ends_word(text, length, at + word_length);
}

/* NULL: the request is wrong. */
static json_t *count_words(json_t *request) {
    const char *text, *word;
    size_t length, word_length;
    int threads = 1;
    if (json_unpack(request, "{s:s%, s:s%, s?i}", "text", &text, &length, "word", &word, &word_length, "threads",
                    &threads) != 0 ||
        threads < 1 || word_length == 0) {
        return NULL;
    }
    if (strpbrk(word, " \n")) {
        length = 0; /* that is no single word: it occurs nowhere */
    }
    json_int_t count = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : count)
    for (size_t i = 0; i < length; i++) {
        count += is_word(text, length, i, word, word_length);
    }
    return json_pack("{s:I}", "count", count);
}

static double *read_numbers(const json_t *array, size_t count) {
    double *numbers = malloc((count + 1) * sizeof *numbers);
    for (size_t i = 0; numbers && i < count; i++) {
        numbers[i] = json_number_value(json_array_get(array, i));
    }
    return numbers;
}

static json_t *gaussian(json_t *request) {
    json_t *x_array, *y_array;
    double gamma = 1;
    int threads = 1;
    if (json_unpack(request, "{s:o, s:o, s?F, s?i}", "x", &x_array, "y", &y_array, "gamma", &gamma, "threads",
                    &threads) != 0 ||
        threads < 1 || json_array_size(x_array) != json_array_size(y_array)) {
        return NULL;
    }
    size_t count = json_array_size(x_array);
    double *x = read_numbers(x_array, count), *y = read_numbers(y_array, count);
    json_t *z = x && y ? json_array() : NULL;
    if (z) {
#pragma omp parallel for num_threads(threads)
        for (size_t i = 0; i < count; i++) {
            x[i] = exp(-gamma * (x[i] - y[i]) * (x[i] - y[i]));
        }
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(z, json_real(x[i]));
        }
    }
    free(x);
    free(y);
    return z ? json_pack("{s:o, s:f}", "z", z, "gamma", gamma) : NULL;
}

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, char *json) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(json ? strlen(json) : 0, json, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result compute(struct MHD_Connection *connection, const char *url, const struct upload *upload) {
    json_t *(*work)(json_t *) = NULL;
    if (strcmp(url, "/v1/wordcount") == 0) {
        work = count_words;
    } else if (strcmp(url, "/v1/gaussian") == 0) {
        work = gaussian;
    }
    json_t *request = json_loadb(upload->bytes, upload->length, 0, NULL);
    json_t *result = work && request ? work(request) : NULL;
    enum MHD_Result sent = respond(connection, result ? MHD_HTTP_OK : MHD_HTTP_BAD_REQUEST,
                                   result ? json_dumps(result, JSON_COMPACT) : NULL);
    json_decref(result);
    json_decref(request);
    return sent;
}

static enum MHD_Result keep(struct upload *upload, const char *bytes, size_t count) {
    if (upload->length + count > upload->capacity) {
        size_t capacity = 2 * (upload->length + count);
        char *larger = realloc(upload->bytes, capacity);
        if (!larger) {
            return MHD_NO;
        }
        upload->bytes = larger;
        upload->capacity = capacity;
    }
    memcpy(upload->bytes + upload->length, bytes, count);
    upload->length += count;
    return MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *bytes, size_t *count, void **request) {
    (void)context, (void)method, (void)version;
    struct upload *upload = *request;
    if (!upload) {
        *request = calloc(1, sizeof *upload);
        return *request ? MHD_YES : MHD_NO;
    }
    if (*count == 0) {
        return compute(connection, url, upload);
    }
    enum MHD_Result kept = keep(upload, bytes, *count);
    *count = 0;
    return kept;
}

static void forget(void *context, struct MHD_Connection *connection, void **request,
                   enum MHD_RequestTerminationCode code) {
    (void)context, (void)connection, (void)code;
    struct upload *upload = *request;
    if (upload) {
        free(upload->bytes);
    }
    free(upload);
    *request = NULL;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, NULL,
                         MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "plain-c: can't listen\n");
        return 1;
    }
    printf("{\"event\":\"listening\",\"address\":\"127.0.0.1:%u\"}\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    for (;;) {
        pause();
    }
}
