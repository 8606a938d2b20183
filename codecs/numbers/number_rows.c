#include "codecs/numbers/number_rows.h"

#include "codecs/numbers/number_list.h"
#include "codecs/numbers/number_read.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { POINTER_BYTES = sizeof((struct problem *)0)->pointer };

static bool number_rows_is_cancelled(const _Atomic bool *cancel) {
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* The inside of the row whose opening bracket is at `at`: json_scan_rows has seen it closed. */
static struct json_span row_at(const char *body, const char *at, size_t end) {
    const char *inside = at + 1;
    const char *closing = memchr(inside, ']', (size_t)(body + end - inside));
    return (struct json_span){.begin = (size_t)(inside - body), .end = (size_t)(closing - body)};
}

/* How many numbers there are in a row, if it is right. */
static size_t count_numbers(const char *body, const struct json_span *row) {
    const char *begin = body + row->begin;
    bool is_empty = json_skip_spaces(begin) == body + row->end;
    return is_empty ? 0 : json_scan_commas(begin, row->end - row->begin) + 1;
}

size_t number_rows_columns(const struct number_array *array) {
    const char *first = memchr(array->body + array->begin, '[', array->end - array->begin);
    if (!first) {
        return 0;
    }
    struct json_span row = row_at(array->body, first, array->end);
    return count_numbers(array->body, &row);
}

/* No byte after the array's closing bracket is looked at: outside rows it is the first that isn't passed, and in a row
 * there is one before it. A number goes to `out` for the piece's first place and for each comma in it: no more than
 * number_array_count has counted, whatever the rows look like. */
bool number_rows_parse(const struct number_array *array, size_t piece, size_t columns, size_t index, double *out) {
    const char *end = array->body + array->end;
    const char *limit = number_array_limit(array, piece);
    const char *at = number_array_first(array, piece);
    const struct number_text text = {.begin = array->body, .end = end, .limit = limit};
    size_t column = index % columns;
    while (at) {
        /* nearly all of them: 7 ns less for each */
        at = json_skip_spaces(number_read_rows(&text, at, columns, &column, &out));
        if (column == 0) {
            if (*at != '[') {
                return false;
            }
            at = json_skip_spaces(at + 1);
        }
        struct number_reading reading = number_read(at, end, out++);
        if (reading.status != NUMBER_READ) {
            return false;
        }
        at = json_skip_spaces(reading.end);
        if (++column == columns) {
            column = 0;
            if (*at != ']') {
                return false;
            }
            at = json_skip_spaces(at + 1);
            if (at == end) {
                return true;
            }
        }
        if (*at != ',') {
            return false;
        }
        at = at < limit ? at + 1 : NULL;
    }
    return true;
}

/* What stands where a row or a comma should. */
static enum problem_kind refuse_byte(const char *body, const char *at, const char *expected, struct problem *problem) {
    size_t read = (size_t)(at - body) + 1;
    return problem_set(problem, PROBLEM_INVALID_JSON, NULL,
                       *at > ' ' ? "at byte %zu: %s expected near '%c'" : "at byte %zu: %s expected near '\\x%02x'",
                       read, expected, *at);
}

enum problem_kind number_rows_check(const char *body, const struct json_span *inside, const _Atomic bool *cancel,
                                    struct problem *problem) {
    const char *end = body + inside->end;
    const char *at = json_skip_spaces(body + inside->begin);
    while (at != end && !number_rows_is_cancelled(cancel)) {
        if (*at != '[') {
            return refuse_byte(body, at, "a row", problem);
        }
        struct json_span row = row_at(body, at, inside->end);
        if (number_array_check(body, &row, cancel, problem)) {
            return problem->kind;
        }
        at = json_skip_spaces(body + row.end + 1);
        if (at == end) {
            break;
        }
        if (*at != ',') {
            return refuse_byte(body, at, "a comma", problem);
        }
        at = json_skip_spaces(at + 1);
        if (at == end) {
            return refuse_byte(body, at, "a row", problem);
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind number_rows_refuse(const struct number_array *array, size_t columns, const char *name,
                                     const _Atomic bool *cancel, struct problem *problem) {
    const char *at = array->body + array->begin;
    const char *end = array->body + array->end;
    for (size_t i = 0; (at = memchr(at, '[', (size_t)(end - at))) && !number_rows_is_cancelled(cancel); i++) {
        struct json_span row = row_at(array->body, at, array->end);
        size_t count = count_numbers(array->body, &row);
        if (count != columns) {
            char pointer[POINTER_BYTES];
            (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, i);
            return problem_set(problem, PROBLEM_LENGTH_MISMATCH, pointer,
                               "row %zu of \"%s\" has %zu number%s, row 0 has %zu; rows have one length", i, name,
                               count, problem_plural(count), columns);
        }
        at = array->body + row.end + 1;
    }
    return PROBLEM_NONE;
}
