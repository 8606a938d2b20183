/* Rows that are many enough to be read a stride at a time, right ones and spoilt ones. Where the bytes before and after
 * the body can't be read, and in pieces that cut anywhere. */
#include "codecs/numbers/number_rows.h"

#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ROOM = 4096, BODIES = 20000 };

static struct guarded guarded;

static int set_up(void **state) {
    (void)state;
    return guarded_init(&guarded, ROOM) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_deinit(&guarded);
    return 0;
}

static void put_double(struct body *body, size_t kind) {
    static const double scales[] = {1, 1000, 1e-20};
    char text[NUMBER_TEXT_MAX + 1] = {0};
    double value = (double)body_random(body) * 0x1p-53 * (body_below(body, 3) ? 1 : -1);
    if (kind == 3 || body_below(body, 20) == 0) {
        body_put_number(body);
        return;
    }
    number_text_double(value * scales[kind], text);
    body_put(body, text);
}

/* The inside of an array of rows in one layout; a space somewhere else now and then. */
static void put_rows(struct body *body) {
    static const char *const layouts[][4] = {{"[", ",", "]", ","},
                                             {"[", ", ", "]", ", "},
                                             {"\n  [", ", ", "]", ","},
                                             {"[\n", ",\n", "\n]", ",\n"},
                                             {"[ ", " , ", " ]", " , "}};
    const char *const *layout = layouts[body_below(body, sizeof layouts / sizeof layouts[0])];
    size_t columns = 1 + body_below(body, body_below(body, 4) ? 6 : 60);
    size_t kind = body_below(body, 4);
    size_t odd_every = body_below(body, 2) ? 20 : 1000;
    for (size_t count = 1 + body_below(body, 1 + 120 / columns); count > 0; count--) {
        body_put(body, layout[0]);
        for (size_t i = 0; i < columns; i++) {
            body_put(body, i > 0 ? layout[1] : "");
            put_double(body, kind);
            if (body_below(body, odd_every) == 0) {
                body_put_space(body);
            }
        }
        body_put(body, layout[2]);
        body_put(body, count > 1 ? layout[3] : "");
    }
}

/* One or two of the bytes that make rows of numbers go, come or change. */
static void spoil(struct body *body) {
    static const char *const others[] = {"[", "]", ",", " ", "1", "-", "],[", ",[", "[[", "]]", ""};
    for (size_t count = 1 + body_below(body, 2); count > 0; count--) {
        size_t at = 1 + body_below(body, body->length);
        at += strcspn(body->bytes + at, "[],");
        if (body->bytes[at] == '\0') {
            continue;
        }
        char rest[sizeof body->bytes];
        (void)snprintf(rest, sizeof rest, "%s", body->bytes + at + body_below(body, 2));
        body->length = at;
        body_put(body, BODY_PICK(body, others));
        body_put(body, rest);
        body->bytes[body->length] = '\0';
    }
}

/* Each piece's numbers into `found`, and nothing behind them. */
static bool read_pieces(const struct number_array *array, size_t columns, double *found, size_t *length) {
    static size_t counts[ROOM];
    static double piece[ROOM + 1];
    size_t index = 0;
    bool is_right = true;
    for (size_t i = 0; i < array->piece_count; i++) {
        counts[i] = number_array_count(array, i);
        size_t count = counts[i] + (i == 0 ? 1 : 0);
        memset(piece, 0xFF, (count + 1) * sizeof *piece);
        is_right = number_rows_parse(array, i, columns, index, piece) && is_right;
        assert_true(isnan(piece[count]));
        memcpy(found + index, piece, count * sizeof *piece);
        index += count;
    }
    *length = number_array_index(array, counts);
    assert_int_equal(index, *length);
    return is_right && *length % columns == 0;
}

static void expect_values(const char *at, const char *end, const double *found, size_t length) {
    size_t count = 0;
    while ((at += strspn(at, "[], \t\r\n")) < end) {
        char *behind;
        double value = strtod(at, &behind);
        if (count == length || memcmp(&value, &found[count], sizeof value) != 0) {
            fail_msg("%zu: %.40s is read as %a", count, at, found[count]);
        }
        at = behind;
        count++;
    }
    assert_int_equal(count, length);
}

/* `body` ends with the array's closing bracket and a NUL. False where it is refused. */
static bool compare(const char *body, size_t length, size_t piece_bytes) {
    static double found[ROOM];
    struct json_span inside = json_span_from(1);
    struct number_array array;
    struct problem problem = {0};
    if (json_scan_rows(body, length, NULL, &inside) != JSON_SCAN_CLOSED) {
        return false;
    }
    number_array_plan(body, &inside, piece_bytes, &array);
    size_t columns = number_rows_columns(&array);
    if (columns == 0) {
        return false;
    }
    size_t count;
    bool is_read = read_pieces(&array, columns, found, &count);
    bool is_right =
        !number_rows_check(body, &inside, NULL, &problem) && !number_rows_refuse(&array, columns, "m", NULL, &problem);
    if (is_read != is_right) {
        fail_msg("%s in pieces of %zu is %s", body, piece_bytes, is_read ? "read" : "refused");
    }
    if (is_read) {
        expect_values(body + inside.begin, body + inside.end, found, count);
    }
    return is_read;
}

static void rows_are_read_or_refused(bool spoilt) {
    static struct body body = {.random = 2862933555777941757};
    for (int i = 0; i < BODIES; i++) {
        body.length = 0;
        body_put(&body, "[");
        put_rows(&body);
        if (body.length > sizeof body.bytes / 2) {
            continue;
        }
        body.bytes[body.length] = '\0';
        if (spoilt) {
            spoil(&body);
        }
        body.bytes[body.length++] = ']';
        body.bytes[body.length] = '\0';
        size_t piece_bytes = 1 + body_below(&body, body_below(&body, 2) ? 200 : body.length);
        bool at_start = compare(guarded_at_start(&guarded, body.bytes, body.length + 1), body.length, piece_bytes);
        bool at_end = compare(guarded_at_end(&guarded, body.bytes, body.length + 1), body.length, piece_bytes);
        assert_true(spoilt || (at_start && at_end));
    }
}

static void rows_are_read_wherever_pieces_cut(void **state) {
    (void)state;
    rows_are_read_or_refused(false);
}

static void what_is_read_is_what_the_checks_pass(void **state) {
    (void)state;
    rows_are_read_or_refused(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_wherever_pieces_cut),
        cmocka_unit_test(what_is_read_is_what_the_checks_pass),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
