#include "bench/load_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void print_latency(const char *name, const struct latency *latency) {
    printf(",\n \"%s\": {\"count\": %" PRIu64 ", \"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f, \"max\": %.4f}", name,
           latency->count, latency_percentile_ms(latency, 0.5), latency_percentile_ms(latency, 0.9),
           latency_percentile_ms(latency, 0.99), (double)latency->max_ns / 1e6);
}

static uint64_t print_status(const struct tally *tally) {
    uint64_t success_count = 0;
    const char *separator = "";
    printf(",\n \"status\": {");
    for (unsigned status = 0; status < 600; status++) {
        if (tally->status[status] == 0) {
            continue;
        }
        printf("%s\"%u\": %" PRIu64, separator, status, tally->status[status]);
        separator = ", ";
        if (status >= 200 && status < 300) {
            success_count += tally->status[status];
        }
    }
    printf("}");
    return success_count;
}

void load_report_print(const struct plan *plan, struct tally *tally) {
    double seconds = (double)tally->window_ns / 1e9;
    uint64_t answer_count = tally->answered.count + tally->refused.count;
    unsigned client_count = plan->client_count;
    qsort(tally->per_client, client_count, sizeof *tally->per_client, compare);

    printf("{\"clients\": %u, \"seconds\": %.4f, \"answers\": %" PRIu64 ", \"answers_per_s\": %.1f", client_count,
           seconds, answer_count, (double)answer_count / seconds);
    print_latency("answered_ms", &tally->answered);
    print_latency("refused_ms", &tally->refused);
    uint64_t success_count = print_status(tally);
    printf(",\n \"successes\": %" PRIu64 ", \"successes_per_s\": %.1f", success_count, (double)success_count / seconds);
    printf(",\n \"per_client\": {\"min\": %" PRIu64 ", \"median\": %" PRIu64 ", \"max\": %" PRIu64 "}",
           tally->per_client[0], tally->per_client[client_count / 2], tally->per_client[client_count - 1]);
    printf(",\n \"failures\": {\"connect\": %" PRIu64 ", \"reset\": %" PRIu64 ", \"protocol\": %" PRIu64 "}",
           tally->failures[FAILURE_CONNECT], tally->failures[FAILURE_RESET], tally->failures[FAILURE_PROTOCOL]);
    printf(",\n \"oldest_pending_ms\": %.3f, \"client_cpu_share\": %.3f}\n", (double)tally->oldest_pending_ns / 1e6,
           (double)tally->cpu_ns / (double)tally->window_ns);
}
