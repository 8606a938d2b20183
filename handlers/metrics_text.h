#pragma once
/* Internal to handlers. Metrics as text, in Prometheus' format (0.0.4) or OpenMetrics (1.0.0), which differ in the
 * names of counters, in exemplars and in the end. A family, then its samples, then the next one; a sample is begun,
 * gets its labels, its value, and its end. What doesn't fit into the text is lost, and the text knows. */
#include "codecs/text.h"

#include <stdbool.h>
#include <stdint.h>

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

enum { METRICS_LINE_BYTES = 512 };

/* Zeroed, but for the first two. */
struct metrics_text {
    struct text *out;
    bool is_open_metrics;
    bool has_labels;               /* of the sample */
    char line[METRICS_LINE_BYTES]; /* what isn't in `out` yet: there are thousands of lines, of ten parts each */
    size_t length;
};

/* `name` as samples have it: a counter's ends in _total. */
void metrics_text_family(struct metrics_text *text, const char *name, enum metrics_type type, const char *help);

/* `suffix`: "", or of a histogram "_bucket", "_sum" or "_count". */
void metrics_text_begin(struct metrics_text *text, const char *name, const char *suffix);
/* Any bytes of UTF-8: they are escaped. */
void metrics_text_label(struct metrics_text *text, const char *key, const char *value);
void metrics_text_unsigned(struct metrics_text *text, uint64_t value);
/* Without loss: "0.00005", "300.0". */
void metrics_text_seconds(struct metrics_text *text, uint64_t nanoseconds);
/* Behind the value of a bucket, in OpenMetrics alone: one of those that it counts, and when that was by the day's time.
 */
void metrics_text_exemplar(struct metrics_text *text, const char *request_id, uint64_t value_ns, uint64_t unix_ns);
void metrics_text_end(struct metrics_text *text);

/* Behind the last one: only now all of it is in `out`. */
void metrics_text_finish(struct metrics_text *text);
