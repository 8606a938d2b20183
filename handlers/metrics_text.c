#include "handlers/metrics_text.h"

#include "codecs/numbers/number_text.h"

#include <string.h>

#define NS_IN_S UINT64_C(1000000000)
enum { FRACTION_DIGITS = 9 };

static void flush(struct metrics_text *text) {
    text_put(text->out, text->line, text->length);
    text->length = 0;
}

static inline void put_bytes(struct metrics_text *text, const char *bytes, size_t length) {
    if (length > METRICS_LINE_BYTES - text->length) {
        flush(text);
    }
    if (length > METRICS_LINE_BYTES) {
        text_put(text->out, bytes, length);
        return;
    }
    memcpy(text->line + text->length, bytes, length);
    text->length += length;
}

static inline void put(struct metrics_text *text, const char *string) {
    put_bytes(text, string, strlen(string));
}

/* Whatever a label value's bytes are, they stay within its quotes. */
static void put_escaped(struct metrics_text *text, const char *string, const char *special) {
    while (*string != '\0') {
        size_t plain = strcspn(string, special);
        put_bytes(text, string, plain);
        string += plain;
        if (*string != '\0') {
            put(text, *string == '\n' ? "\\n" : *string == '"' ? "\\\"" : "\\\\");
            string++;
        }
    }
}

void metrics_text_family(struct metrics_text *text, const char *name, enum metrics_type type, const char *help) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    static const char total[] = "_total";
    bool is_cut = type == METRICS_COUNTER && text->is_open_metrics;
    size_t length = strlen(name) - (is_cut ? sizeof total - 1 : 0);
    put(text, "# HELP ");
    put_bytes(text, name, length);
    put(text, " ");
    put_escaped(text, help, text->is_open_metrics ? "\\\n\"" : "\\\n");
    put(text, "\n# TYPE ");
    put_bytes(text, name, length);
    put(text, " ");
    put(text, types[type]);
    put(text, "\n");
}

void metrics_text_begin(struct metrics_text *text, const char *name, const char *suffix) {
    text->has_labels = false;
    put(text, name);
    put(text, suffix);
}

void metrics_text_label(struct metrics_text *text, const char *key, const char *value) {
    put(text, text->has_labels ? "," : "{");
    text->has_labels = true;
    put(text, key);
    put(text, "=\"");
    put_escaped(text, value, "\\\n\"");
    put(text, "\"");
}

static void end_labels(struct metrics_text *text) {
    put(text, text->has_labels ? "} " : " ");
}

static void put_unsigned(struct metrics_text *text, uint64_t value) {
    char digits[NUMBER_TEXT_MAX];
    put_bytes(text, digits, number_text_unsigned(value, digits));
}

/* At least one digit behind the point, as OpenMetrics wants it of bounds. */
static void put_seconds(struct metrics_text *text, uint64_t nanoseconds) {
    char fraction[1 + FRACTION_DIGITS] = ".";
    uint64_t rest = nanoseconds % NS_IN_S;
    for (size_t i = FRACTION_DIGITS; i > 0; i--, rest /= 10) {
        fraction[i] = (char)('0' + rest % 10);
    }
    size_t length = sizeof fraction;
    while (length > 2 && fraction[length - 1] == '0') {
        length--;
    }
    put_unsigned(text, nanoseconds / NS_IN_S);
    put_bytes(text, fraction, length);
}

void metrics_text_unsigned(struct metrics_text *text, uint64_t value) {
    end_labels(text);
    put_unsigned(text, value);
}

void metrics_text_seconds(struct metrics_text *text, uint64_t nanoseconds) {
    end_labels(text);
    put_seconds(text, nanoseconds);
}

void metrics_text_exemplar(struct metrics_text *text, const char *request_id, uint64_t value_ns, uint64_t unix_ns) {
    if (!text->is_open_metrics) {
        return;
    }
    put(text, " # {request_id=\"");
    put_escaped(text, request_id, "\\\n\"");
    put(text, "\"} ");
    put_seconds(text, value_ns);
    put(text, " ");
    put_seconds(text, unix_ns);
}

void metrics_text_end(struct metrics_text *text) {
    put(text, "\n");
    flush(text);
}

void metrics_text_finish(struct metrics_text *text) {
    if (text->is_open_metrics) {
        put(text, "# EOF\n");
    }
    flush(text);
}
