#include "codecs/numbers/number_array.h"

#include "codecs/numbers/number_list.h"
#include "codecs/numbers/number_read.h"

#include <stdatomic.h>
#include <string.h>

enum { QUOTED_MAX = 32 };

static const char *piece_begin(const struct number_array *array, size_t piece) {
    return array->body + array->begin + piece * array->piece_bytes;
}

const char *number_array_limit(const struct number_array *array, size_t piece) {
    return piece + 1 < array->piece_count ? piece_begin(array, piece + 1) : array->body + array->end;
}

void number_array_plan(const char *body, const struct json_span *inside, size_t piece_bytes,
                       struct number_array *array) {
    size_t length = inside->end - inside->begin;
    bool empty = json_scan_spaces(body + inside->begin, length) == length;
    *array = (struct number_array){
        .body = body,
        .begin = inside->begin,
        .end = inside->end,
        .piece_bytes = piece_bytes,
        .piece_count = empty ? 0 : (length - 1) / piece_bytes + 1,
    };
}

size_t number_array_count(const struct number_array *array, size_t piece) {
    const char *begin = piece_begin(array, piece);
    return json_scan_commas(begin, (size_t)(number_array_limit(array, piece) - begin));
}

size_t number_array_index(const struct number_array *array, size_t *counts) {
    size_t index = array->piece_count > 0; /* the element that no comma precedes */
    for (size_t i = 0; i < array->piece_count; i++) {
        size_t commas = counts[i];
        counts[i] = i == 0 ? 0 : index;
        index += commas;
    }
    return index;
}

const char *number_array_first(const struct number_array *array, size_t piece) {
    const char *begin = piece_begin(array, piece);
    if (piece == 0) {
        return begin;
    }
    const char *comma = memchr(begin, ',', (size_t)(number_array_limit(array, piece) - begin));
    return comma ? comma + 1 : NULL;
}

static bool is_number_byte(char byte) {
    return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' || (byte | 0x20) == 'e';
}

/* Reads the elements of a piece to out, or to nowhere if it is NULL. Where one is wrong: false, *wrong is what and
 * *start is where that element, or what comes behind it instead of a comma, starts. */
static inline __attribute__((always_inline)) bool read_piece(const struct number_array *array, size_t piece,
                                                             double *out, struct number_reading *wrong,
                                                             const char **start) {
    const char *end = array->body + array->end;
    const char *limit = number_array_limit(array, piece);
    const struct number_text text = {.begin = array->body, .end = end, .limit = limit};
    const char *at = number_array_first(array, piece);
    double unused;
    while (at) {
        at = json_skip_spaces(at);
        if (out) { /* one call for nearly all: 7 ns less for each */
            at = number_read_list(&text, at, &out);
        }
        struct number_reading reading = number_read(at, end, out ? out++ : &unused);
        if (reading.status == NUMBER_READ) {
            const char *next = json_skip_spaces(reading.end);
            if (*next == ',' && next < limit) {
                at = next + 1;
                continue;
            }
            if (*next == ',' || next == end) {
                return true;
            }
            at = next == reading.end && is_number_byte(*next) ? at : next; /* "1.5.5" is one token */
            reading = (struct number_reading){.status = NUMBER_MALFORMED, .end = next};
        }
        *wrong = reading;
        *start = at;
        return false;
    }
    return true;
}

bool number_array_parse(const struct number_array *array, size_t piece, double *out) {
    struct number_reading wrong;
    const char *start;
    return read_piece(array, piece, out, &wrong, &start);
}

/* Is a comma what is missing? After a number, which ends before `at`. */
static bool comes_behind_a_number(const struct number_array *array, size_t piece, const char *at) {
    const char *first = number_array_first(array, piece);
    while (at > first && json_is_space(at[-1])) {
        at--;
    }
    return at > first && at[-1] != ',';
}

/* The byte that can't be there, and what could. */
static enum problem_kind refuse_byte(const struct number_array *array, const char *at, const char *expected,
                                     struct problem *problem) {
    return problem_set(problem, PROBLEM_INVALID_JSON, NULL,
                       *at > ' ' ? "at byte %zu: %s expected near '%c'" : "at byte %zu: %s expected near '\\x%02x'",
                       (size_t)(at - array->body) + 1, expected, *at);
}

enum problem_kind number_array_refuse(const struct number_array *array, size_t piece, struct problem *problem) {
    struct number_reading wrong;
    const char *start;
    if (read_piece(array, piece, NULL, &wrong, &start)) {
        return PROBLEM_NONE;
    }
    int length = 0;
    while (length < QUOTED_MAX && is_number_byte(start[length])) {
        length++;
    }
    if (wrong.status == NUMBER_OVERFLOWS) {
        return problem_set(problem, PROBLEM_NUMBER_OVERFLOW, NULL, "at byte %zu: real number overflow near '%.*s'",
                           (size_t)(start - array->body) + 1, length, start);
    }
    if (comes_behind_a_number(array, piece, start)) {
        return refuse_byte(array, start, "a comma", problem);
    }
    if (length > 0) {
        return problem_set(problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: invalid token near '%.*s'",
                           (size_t)(wrong.end - array->body) + 1, length, start);
    }
    return refuse_byte(array, wrong.end, "a number", problem);
}

enum problem_kind number_array_check(const char *body, const struct json_span *inside, const _Atomic bool *cancel,
                                     struct problem *problem) {
    struct number_array array;
    number_array_plan(body, inside, NUMBER_ARRAY_PIECE_BYTES, &array);
    enum problem_kind kind = PROBLEM_NONE;
    for (size_t i = 0; i < array.piece_count && !kind; i++) {
        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed)) {
            break;
        }
        kind = number_array_refuse(&array, i, problem);
    }
    return kind;
}
