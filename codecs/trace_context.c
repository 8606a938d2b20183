#include "codecs/trace_context.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* "00-" trace "-" span "-" flags */
enum {
    TRACE_AT = 3,
    SPAN_AT = TRACE_AT + TRACE_ID_DIGITS + 1,
    FLAGS_AT = SPAN_AT + TRACE_SPAN_DIGITS + 1,
    FIELD_LENGTH = FLAGS_AT + 2
};

static const char digits[] = "0123456789abcdef";

/* Capitals aren't allowed. */
static bool is_hex(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0' || !strchr(digits, text[i])) {
            return false;
        }
    }
    return true;
}

static bool is_id(const char *text, size_t length) {
    return is_hex(text, length) && strspn(text, "0") < length;
}

bool trace_context_read(const char *value, struct trace_context *context) {
    *context = (struct trace_context){0};
    size_t length = strlen(value);
    if (length < FIELD_LENGTH || !is_hex(value, 2) || memcmp(value, "ff", 2) == 0) {
        return false;
    }
    bool is_first_version = memcmp(value, "00", 2) == 0;
    bool ends_well = length == FIELD_LENGTH || (!is_first_version && value[FIELD_LENGTH] == '-');
    if (!ends_well || value[TRACE_AT - 1] != '-' || value[SPAN_AT - 1] != '-' || value[FLAGS_AT - 1] != '-' ||
        !is_id(value + TRACE_AT, TRACE_ID_DIGITS) || !is_id(value + SPAN_AT, TRACE_SPAN_DIGITS) ||
        !is_hex(value + FLAGS_AT, 2)) {
        return false;
    }
    memcpy(context->trace_id, value + TRACE_AT, TRACE_ID_DIGITS);
    memcpy(context->span_id, value + SPAN_AT, TRACE_SPAN_DIGITS);
    context->is_sampled = (strchr(digits, value[FLAGS_AT + 1]) - digits) % 2 == 1;
    return true;
}

void trace_context_print(const struct trace_context *context, char out[TRACE_FIELD_BYTES]) {
    memcpy(out, "00-", TRACE_AT);
    memcpy(out + TRACE_AT, context->trace_id, TRACE_ID_DIGITS);
    out[SPAN_AT - 1] = '-';
    memcpy(out + SPAN_AT, context->span_id, TRACE_SPAN_DIGITS);
    memcpy(out + FLAGS_AT - 1, context->is_sampled ? "-01" : "-00", sizeof "-01");
}

/* splitmix64's mixing, which is one to one, of the span's id and the number. */
void trace_context_make_span(const struct trace_context *context, uint64_t number, char id[TRACE_SPAN_DIGITS + 1]) {
    uint64_t mixed = strtoull(context->span_id, NULL, 16) + number * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    mixed = mixed > 0 ? mixed : 1; /* zero is no id */
    for (int i = 0; i < TRACE_SPAN_DIGITS; i++) {
        id[i] = digits[(mixed >> (60 - 4 * i)) & 15];
    }
    id[TRACE_SPAN_DIGITS] = '\0';
}
