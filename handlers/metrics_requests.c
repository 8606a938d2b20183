#include "codecs/path_template.h"
#include "handlers/metrics_scrape.h"
#include "server/engine/endpoint.h"

#include <stdio.h>
#include <string.h>

static const char *const edge_names[METRICS_BUCKETS] = {
#define X(edge_ns, name) name,
    METRICS_DURATIONS(X)
#undef X
        "+Inf"};

void scrape_labelled(struct scrape *scrape, const char *name, const char *key, const char *value, uint64_t number) {
    metrics_text_begin(&scrape->text, name, "");
    metrics_text_label(&scrape->text, key, value);
    metrics_text_unsigned(&scrape->text, number);
    metrics_text_end(&scrape->text);
}

/* As a URI template; "none" behind the last row. False: an earlier row has the path, whose counts are those of all. */
static bool name_path(const struct facts *facts, size_t route, char name[PATH_TEMPLATE_BYTES]) {
    if (route == facts->endpoint_count) {
        (void)snprintf(name, PATH_TEMPLATE_BYTES, "none");
        return true;
    }
    const char *path = facts->endpoints[route]->path;
    path_template_print(path, name);
    size_t first = 0;
    while (strcmp(facts->endpoints[first]->path, path) != 0) {
        first++;
    }
    return first == route;
}

static bool has_requests(const struct scrape *scrape, size_t route) {
    struct metrics_histogram total;
    metrics_durations(scrape->metrics, route, METRICS_TOTAL, &total);
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        if (total.buckets[i] > 0) {
            return true;
        }
    }
    return false;
}

static void write_methods(struct scrape *scrape, const char *name, size_t route, const char *path) {
    struct metrics_text *text = &scrape->text;
    for (unsigned method = 0; method < METRICS_METHODS; method++) {
        for (unsigned place = 0; place < metrics_code_count(); place++) {
            uint64_t count = metrics_requests(scrape->metrics, route, method, place);
            if (count == 0) {
                continue;
            }
            char code[4] = {(char)('0' + metrics_code(place) / 100), (char)('0' + metrics_code(place) / 10 % 10),
                            (char)('0' + metrics_code(place) % 10)};
            metrics_text_begin(text, name, "");
            metrics_text_label(text, "endpoint", path);
            metrics_text_label(text, "method", metrics_method(method));
            metrics_text_label(text, "code", place == 0 ? "other" : code);
            metrics_text_unsigned(text, count);
            metrics_text_end(text);
        }
    }
}

void scrape_requests(struct scrape *scrape, const char *name) {
    char path[PATH_TEMPLATE_BYTES];
    for (size_t route = 0; route <= scrape->facts->endpoint_count; route++) {
        if (name_path(scrape->facts, route, path)) {
            write_methods(scrape, name, route, path);
        }
    }
}

/* A part of a histogram begins: its labels, but for `le`. */
static void begin_part(struct scrape *scrape, const char *name, const char *suffix, const char *path,
                       const char *phase) {
    metrics_text_begin(&scrape->text, name, suffix);
    if (path) {
        metrics_text_label(&scrape->text, "endpoint", path);
        metrics_text_label(&scrape->text, "phase", phase);
    }
}

static void write_durations(struct scrape *scrape, const char *name, size_t route, const char *path,
                            enum metrics_phase phase, const struct metrics_histogram *durations) {
    static const char *const phases[] = {"receive", "queue", "decode", "compute", "encode", "send", "total"};
    struct metrics_text *text = &scrape->text;
    struct metrics_exemplar exemplar;
    uint64_t count = 0;
    for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
        count += durations->buckets[i];
        begin_part(scrape, name, "_bucket", path, phases[phase]);
        metrics_text_label(text, "le", edge_names[i]);
        metrics_text_unsigned(text, count);
        if (path && phase == METRICS_TOTAL && metrics_exemplar(scrape->metrics, route, i, &exemplar)) {
            metrics_text_exemplar(text, exemplar.id, exemplar.total_ns,
                                  scrape->now_unix_ns - (scrape->now_ns - exemplar.at_ns));
        }
        metrics_text_end(text);
    }
    begin_part(scrape, name, "_sum", path, phases[phase]);
    metrics_text_seconds(text, durations->sum);
    metrics_text_end(text);
    begin_part(scrape, name, "_count", path, phases[phase]);
    metrics_text_unsigned(text, count);
    metrics_text_end(text);
}

void scrape_durations(struct scrape *scrape, const char *name) {
    char path[PATH_TEMPLATE_BYTES];
    for (size_t route = 0; route <= scrape->facts->endpoint_count; route++) {
        if (!name_path(scrape->facts, route, path) || !has_requests(scrape, route)) {
            continue;
        }
        for (int phase = 0; phase < METRICS_PHASES; phase++) {
            struct metrics_histogram durations;
            metrics_durations(scrape->metrics, route, (enum metrics_phase)phase, &durations);
            write_durations(scrape, name, route, path, (enum metrics_phase)phase, &durations);
        }
    }
}

static void write_amounts(struct scrape *scrape, const char *name, enum metrics_amount amount) {
    char path[PATH_TEMPLATE_BYTES];
    for (size_t route = 0; route <= scrape->facts->endpoint_count; route++) {
        if (!name_path(scrape->facts, route, path)) {
            continue;
        }
        uint64_t value = metrics_amount(scrape->metrics, route, amount);
        metrics_text_begin(&scrape->text, name, "");
        metrics_text_label(&scrape->text, "endpoint", path);
        if (amount == METRICS_CPU_NS) {
            metrics_text_seconds(&scrape->text, value);
        } else {
            metrics_text_unsigned(&scrape->text, value);
        }
        metrics_text_end(&scrape->text);
    }
}

void scrape_cpu(struct scrape *scrape, const char *name) {
    write_amounts(scrape, name, METRICS_CPU_NS);
}
void scrape_received(struct scrape *scrape, const char *name) {
    write_amounts(scrape, name, METRICS_RECEIVED_BYTES);
}
void scrape_sent(struct scrape *scrape, const char *name) {
    write_amounts(scrape, name, METRICS_SENT_BYTES);
}

static void write_threads(struct scrape *scrape, const char *name, enum metrics_width which) {
    static const char *const widths[METRICS_WIDTHS] = {"1.0",  "2.0",   "4.0",   "8.0",   "16.0",   "32.0",
                                                       "64.0", "128.0", "256.0", "512.0", "1024.0", "+Inf"};
    struct metrics_histogram threads;
    uint64_t count = 0;
    metrics_threads(scrape->metrics, which, &threads);
    for (unsigned i = 0; i < METRICS_WIDTHS; i++) {
        count += threads.buckets[i];
        metrics_text_begin(&scrape->text, name, "_bucket");
        metrics_text_label(&scrape->text, "le", widths[i]);
        metrics_text_unsigned(&scrape->text, count);
        metrics_text_end(&scrape->text);
    }
    metrics_text_begin(&scrape->text, name, "_sum");
    metrics_text_unsigned(&scrape->text, threads.sum);
    metrics_text_end(&scrape->text);
    metrics_text_begin(&scrape->text, name, "_count");
    metrics_text_unsigned(&scrape->text, count);
    metrics_text_end(&scrape->text);
}

void scrape_threads_requested(struct scrape *scrape, const char *name) {
    write_threads(scrape, name, METRICS_REQUESTED);
}
void scrape_threads_granted(struct scrape *scrape, const char *name) {
    write_threads(scrape, name, METRICS_GRANTED);
}

void scrape_problems(struct scrape *scrape, const char *name) {
    for (int kind = PROBLEM_NONE + 1; kind < PROBLEM_KIND_COUNT; kind++) {
        scrape_labelled(scrape, name, "problem", problem_slug((enum problem_kind)kind),
                        metrics_problems(scrape->metrics, (enum problem_kind)kind));
    }
}

void scrape_cancellations(struct scrape *scrape, const char *name) {
    static const char *const reasons[METRICS_REASONS] = {
        [METRICS_CLIENT_GONE] = "client-gone",     [METRICS_DEADLINE] = "deadline-exceeded",
        [METRICS_LATE_BODY] = "request-timeout",   [METRICS_REFUSED] = "refused",
        [METRICS_SHUTTING_DOWN] = "shutting-down", [METRICS_DISMISSED] = "dismissed"};
    for (int reason = 0; reason < METRICS_REASONS; reason++) {
        scrape_labelled(scrape, name, "reason", reasons[reason],
                        metrics_cancellations(scrape->metrics, (enum metrics_reason)reason));
    }
}

void scrape_commits(struct scrape *scrape, const char *name) {
    struct metrics_histogram commits;
    metrics_commits(scrape->metrics, &commits);
    write_durations(scrape, name, 0, NULL, METRICS_TOTAL, &commits);
}
