#include "codecs/query.h"

#include "codecs/json/utf8.h"
#include "codecs/numbers/number_read.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHOWN_MAX = 40 }; /* bytes of a client's text in a problem's detail */

/* The digit's value, -1 for other characters. */
static int hex_digit(char character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    char lower = (char)(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int shown(size_t length) {
    return (int)(length < SHOWN_MAX ? length : SHOWN_MAX);
}

/* Decodes [text, end) to out, a NUL after it, and returns the length. `start` is the query's first byte, for offsets.
 */
static enum problem_kind decode(const char *start, const char *text, const char *end, char *out, size_t *length,
                                struct problem *problem) {
    size_t used = 0;
    for (const char *at = text; at < end; at++) {
        if (*at != '%') {
            out[used++] = *at == '+' ? ' ' : *at;
            continue;
        }
        int high = end - at > 2 ? hex_digit(at[1]) : -1;
        int low = end - at > 2 ? hex_digit(at[2]) : -1;
        if (high < 0 || low < 0) {
            return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL,
                               "at byte %zu of the query: %% is followed by two hexadecimal digits; %% itself is %%25",
                               (size_t)(at - start) + 1);
        }
        out[used++] = (char)(high << 4 | low);
        at += 2;
    }
    for (size_t i = 0; i < used;) {
        size_t step = utf8_length(out + i, used - i);
        if (step == 0) {
            return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL,
                               "the query's element at byte %zu is not UTF-8 once it is decoded",
                               (size_t)(text - start) + 1);
        }
        i += step;
    }
    out[used] = '\0';
    *length = used;
    return PROBLEM_NONE;
}

bool query_same_name(const struct query_item *a, const struct query_item *b) {
    return a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

static enum problem_kind note_item(struct query *query, struct query_item item, struct problem *problem) {
    if (query->count == QUERY_ITEMS_MAX) {
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "the query has more than %d elements",
                           QUERY_ITEMS_MAX);
    }
    for (size_t i = 0; i < query->count && !item.repeats; i++) {
        item.repeats = query_same_name(&query->items[i], &item);
    }
    query->items[query->count++] = item;
    return PROBLEM_NONE;
}

static enum problem_kind read_items(const char *text, size_t length, struct query *query, struct problem *problem) {
    char *out = query->bytes;
    const char *next = NULL;
    for (const char *at = text, *end = text + length; at < end; at = next) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        next = stop < end ? stop + 1 : end;
        if (stop == at) {
            continue;
        }
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        struct query_item item = {.name = out};
        if (decode(text, at, equals ? equals : stop, out, &item.name_length, problem)) {
            return problem->kind;
        }
        out += item.name_length + 1;
        item.value = out;
        item.sent = equals ? equals + 1 : stop;
        item.sent_length = (size_t)(stop - item.sent);
        if (decode(text, item.sent, stop, out, &item.value_length, problem)) {
            return problem->kind;
        }
        out += item.value_length + 1;
        if (note_item(query, item, problem)) {
            return problem->kind;
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind query_parse(const char *text, size_t length, struct memory *memory, struct query *query,
                              struct problem *problem) {
    query->count = 0;
    query->memory = memory;
    query->bytes = NULL;
    if (length == 0) {
        return PROBLEM_NONE;
    }
    if (length > QUERY_BYTES_MAX) {
        return problem_set(problem, PROBLEM_MALFORMED_REQUEST, NULL, "the query has %zu bytes; at most %d are read",
                           length, QUERY_BYTES_MAX);
    }
    /* Decoding never makes text longer, so an element of n bytes (n > 0) needs at most n + 2 for its n + 1. */
    query->capacity = 2 * length + 2;
    query->bytes = memory_take(memory, query->capacity);
    if (!query->bytes) {
        return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "there is no memory for the query");
    }
    if (read_items(text, length, query, problem)) {
        query_deinit(query);
        return problem->kind;
    }
    return PROBLEM_NONE;
}

void query_deinit(struct query *query) {
    if (query->bytes) {
        memory_give(query->memory, query->bytes, query->capacity);
    }
    query->bytes = NULL;
    query->count = 0;
}

/* One that stands for a comma, or a comma, is at the end of what is returned, or there is none. */
static size_t sent_element_length(const struct query_item *item) {
    size_t at = 0;
    while (at < item->sent_length && item->sent[at] != ',') {
        bool is_escaped = item->sent_length - at > 2 && item->sent[at] == '%' && item->sent[at + 1] == '2' &&
                          (item->sent[at + 2] | 0x20) == 'c';
        if (is_escaped) {
            break;
        }
        at++;
    }
    return at;
}

bool query_cut(struct query_item *element, struct query_item *rest) {
    const char *comma = memchr(element->value, ',', element->value_length);
    *rest = *element;
    if (!comma) {
        return false;
    }
    size_t sent = sent_element_length(element);
    size_t sent_comma = sent < element->sent_length && element->sent[sent] == '%' ? 3 : 1;
    element->value_length = (size_t)(comma - element->value);
    element->sent_length = sent;
    rest->value += element->value_length + 1;
    rest->value_length -= element->value_length + 1;
    rest->sent += sent + sent_comma;
    rest->sent_length -= sent + sent_comma;
    return true;
}

bool query_is_non_finite(const struct query_item *item) {
    static const char *const names[] = {"nan", "inf", "infinity"};
    const char *word = item->value + (item->value_length > 0 && strchr(" -+", item->value[0]));
    size_t length = item->value_length - (size_t)(word - item->value);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == length && strncasecmp(names[i], word, length) == 0) {
            return true;
        }
    }
    return false;
}

enum problem_kind query_number(const struct query_item *item, bool is_whole, double *out, struct problem *problem) {
    char pointer[SHOWN_MAX + 2];
    (void)snprintf(pointer, sizeof pointer, "/%.*s", shown(item->name_length), item->name);
    const char *end = item->value + item->value_length; /* a NUL stands there, or a comma */
    struct number_reading reading = number_read(item->value, end, out);
    if (reading.status == NUMBER_MALFORMED || reading.end != end) {
        bool has_plus = memchr(item->sent, '+', item->sent_length);
        return problem_set(problem, PROBLEM_WRONG_TYPE, pointer,
                           "\"%.*s\" is \"%.*s\" in the query%s; a %snumber is expected, as JSON writes it: %s%s",
                           shown(item->name_length), item->name, shown(item->sent_length), item->sent,
                           has_plus ? ", where + is a space (%2B is a plus)" : "", is_whole ? "whole " : "",
                           is_whole ? "0, 20, -1" : "0.5, -1, 1e3",
                           query_is_non_finite(item) ? "; it has neither NaN nor infinity" : "");
    }
    if (reading.status == NUMBER_OVERFLOWS) {
        return problem_set(problem, PROBLEM_NUMBER_OVERFLOW, pointer,
                           "\"%.*s\" is %.*s in the query, outside the range of a double, which ends at %s",
                           shown(item->name_length), item->name, shown(item->sent_length), item->sent,
                           NUMBER_LARGEST_TEXT);
    }
    return PROBLEM_NONE;
}
