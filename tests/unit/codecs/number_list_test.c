/* Lists of numbers, read as number_read reads them one by one. */
#include "codecs/numbers/number_list.h"

#include "codecs/numbers/number_read.h"
#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ROOM = 1 << 12, NUMBERS_MAX = 4096, LISTS = 20000 };

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

/* Whatever follows, the list is read up to the last number that surely has a comma behind it. */
static void a_list_is_read_up_to_where_it_is_not_one(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t count;
        size_t stop;
    } lists[] = {
        {"1", 0, 0},         {"1,2", 1, 2},    {"1,\t\r\n 2.5e3,3]", 2, 12}, {"1 ,2", 0, 0},  {"1,,2", 1, 2},
        {"1,2,3,4,5", 4, 8}, {"1,02,3", 1, 2}, {"1,1e999,3", 1, 2},          {"1,,,,", 1, 2}, {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const char *text = lists[i].text;
        const char *end = text + strlen(text);
        for (const char *limit = text; limit <= end; limit++) {
            double found[8];
            double *out = found;
            struct number_text whole = {.begin = text, .end = end, .limit = limit};
            const char *stop = number_read_list(&whole, text, &out);
            size_t count = (size_t)(out - found);
            size_t commas = 0;
            for (const char *at = text; at < limit; at++) {
                commas += *at == ',' ? 1 : 0;
            }
            size_t expected = commas < lists[i].count ? commas : lists[i].count;
            if (count != expected || (limit == end && (size_t)(stop - text) != lists[i].stop)) {
                fail_msg("%s up to %td: %zu read instead of %zu, to %td instead of %zu", text, limit - text, count,
                         expected, stop - text, lists[i].stop);
            }
            for (size_t j = 0; j < count; j++) {
                assert_true(found[j] == (i == 2 && j == 1 ? 2500 : (double)j + 1));
            }
        }
    }
}

struct list {
    const char *stop;
    size_t count;
    double values[NUMBERS_MAX];
};

static void read_list(const struct number_text *text, const char *at, struct list *list) {
    double *out = list->values;
    list->stop = number_read_list(text, at, &out);
    list->count = (size_t)(out - list->values);
}

static const char *skip_spaces(const char *at) {
    return at + strspn(at, " \t\r\n");
}

static void read_singly(const char *at, const char *end, const char *limit, struct list *list) {
    list->count = 0;
    for (;;) {
        at = skip_spaces(at);
        struct number_reading reading = number_read(at, end, &list->values[list->count]);
        if (reading.status != NUMBER_READ || *reading.end != ',' || reading.end >= limit) {
            break;
        }
        list->count++;
        at = reading.end + 1;
    }
    list->stop = at;
}

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Where one call stops at what is no number, the next starts behind it. `end` is a NUL. */
static void compare_from(const char *at, const char *end, const char *limit) {
    static struct list found;
    static struct list expected;
    struct number_text text = {.begin = at, .end = end, .limit = limit};
    while (at && at < end) {
        read_list(&text, at, &found);
        read_singly(at, end, limit, &expected);
        if (found.count != expected.count || found.stop != expected.stop) {
            fail_msg("%s up to %td: %zu read instead of %zu, to %td instead of %td", at, limit - at, found.count,
                     expected.count, found.stop - at, expected.stop - at);
        }
        for (size_t i = 0; i < found.count; i++) {
            double value = strtod(at, NULL);
            if (!same_bits(found.values[i], value)) {
                fail_msg("%.*s is read as %a instead of %a", 40, at, found.values[i], value);
            }
            at = strchr(at, ',') + 1;
        }
        at = strchr(at, ',');
        at += at ? 1 : 0;
    }
}

/* Between two pages that can't be read, at either one; then up to somewhere before its end. */
static void compare(struct body *body) {
    const char *first = guarded_at_start(&guarded, body->bytes, body->length + 1);
    compare_from(first, first + body->length, first + body->length);
    const char *last = guarded_at_end(&guarded, body->bytes, body->length + 1);
    compare_from(last, last + body->length, last + body->length);
    compare_from(last, last + body->length, last + body_below(body, body->length + 1));
}

static void put_digits(struct body *body, size_t count) {
    while (count-- > 0) {
        char digit[2] = {(char)('0' + body_below(body, 10)), '\0'};
        body_put(body, digit);
    }
}

/* Without zeros in front. */
static void put_whole(struct body *body, size_t count) {
    char digit[2] = {(char)('1' + body_below(body, 9)), '\0'};
    body_put(body, count > 1 || body_below(body, 2) ? digit : "0");
    put_digits(body, count - 1);
}

static void put_exponent(struct body *body) {
    static const char *const starts[] = {"e-", "e-", "e+", "e", "E", "E-", "E+"};
    body_put(body, BODY_PICK(body, starts));
    put_digits(body, 1 + body_below(body, 3));
}

/* One wrong byte, or one too many, where a reader that starts from the end might not see it. */
static const char *const wrong_numbers[] = {
    /* clang-format off */
    "", "-", ".", "-.", "1.", "-1.", ".5", "-.5", "01", "-01", "00", "00.5", "012.5", "-0123.456", "1e", "1e+", "1.5e-",
    "1.5e-1x", "1.5e-x1", "1.5e*10", "1.5.5", "12.34.5", "1..2", "--1", "+1", "1-2", "1.2-3", "1.-2", "1 2", "1. 2",
    "1e5.5", "1e999", "0x10", "1.5f", "/1", ":1", "1:", "1./", "12.3:", "123/.5", "e", "1.5e", "1.e-05", ".e-05",
    "e-05", "-e-05", "1e-05.5", "1e1.5", "1\v", "\f1", "1.5e-05 ", "1.5 ", "15 ", "15.25\n", "12345678\xB0",
    "1.2345\xB9", "123456789.\xFF", "0123456789.25", "00123456789.5",
    "012345678901234567", "1.5e-", "1.e1", "0.00000000000000000000000000000000000000000000000000000000000000000000000",
    /* clang-format on */
};

static void put_double(struct body *body) {
    char text[32];
    static const double scales[] = {1, 1, 1e-20, 1e3, 1e17, 1e-7, 1e200};
    double scale = scales[body_below(body, sizeof scales / sizeof scales[0])];
    (void)snprintf(text, sizeof text, "%.*g", (int)body_below(body, 5) + 14,
                   (double)body_random(body) * 0x1p-53 * scale);
    body_put(body, text);
}

/* Short but for zeros, or halfway between two doubles: hard for who has 64 bits of a power of ten. */
static void put_halfway(struct body *body) {
    static const char *const behind[] = {"", ".5", ".50", ".500", ".25", ".0", ".2500000000000000", ".50000000000000"};
    char text[32];
    uint64_t whole = (UINT64_C(1) << 52) + (body_random(body) >> 1);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)(whole >> body_below(body, 53)));
    body_put(body, text);
    body_put(body, BODY_PICK(body, behind));
}

/* Of one kind, mostly, as lists are; now and then of another. */
static void put_number(struct body *body, size_t kind) {
    if (body_below(body, 16) == 0) {
        kind = body_below(body, 8);
    }
    body_put(body, body_below(body, 3) == 0 ? "-" : "");
    switch (kind) {
    case 0:
        put_whole(body, 1 + body_below(body, 25));
        return;
    case 1:
        put_whole(body, 1);
        body_put(body, ".");
        put_digits(body, 1 + body_below(body, 25));
        break;
    case 2:
        put_whole(body, 1 + body_below(body, 12));
        body_put(body, ".");
        put_digits(body, 1 + body_below(body, 20));
        break;
    case 3:
        put_double(body);
        return;
    case 4:
        put_whole(body, 1 + body_below(body, 5));
        break;
    case 5:
        put_halfway(body);
        return;
    case 6:
        body_put(body, body_below(body, 2) ? "0.0000000000000000" : "0.0");
        return;
    default:
        body_put_number(body);
        return;
    }
    if (body_below(body, 4) == 0) {
        put_exponent(body);
    }
}

static void put_list(struct body *body) {
    static const char *const commas[] = {",", ", ", ",\n    ", ",  "};
    const char *comma = BODY_PICK(body, commas);
    size_t kind = body_below(body, 8);
    size_t count = 1 + body_below(body, body_below(body, 2) ? 5 : 100);
    size_t wrong_every = body_below(body, 2) ? 20 : 1000;
    for (size_t i = 0; i < count; i++) {
        body_put(body, i > 0 ? comma : "");
        if (body_below(body, 50) == 0) {
            body_put_space(body);
        }
        if (body_below(body, wrong_every) == 0) {
            body_put(body, BODY_PICK(body, wrong_numbers));
        } else {
            put_number(body, kind);
        }
    }
}

static void lists_are_read_as_their_numbers_are(void **state) {
    (void)state;
    static struct body body = {.random = 6364136223846793005};
    for (int i = 0; i < LISTS; i++) {
        body.length = 0;
        put_list(&body);
        body.length = body.length < sizeof body.bytes ? body.length : sizeof body.bytes - 1;
        body.bytes[body.length] = '\0';
        compare(&body);
    }
}

/* Every byte in every place of a number of each kind: at most one of them is a number, too. */
static void no_other_byte_passes_for_a_digit(void **state) {
    (void)state;
    static const char *const numbers[] = {
        "0.8444218515250481",     "-7.25",   "123.456",  "-12345678.12345678901", "1234567890123456", "5", "0.5",
        "-8.444218515250481e-21", "3.5e+07", "1.500E-07"};
    static struct body body;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        size_t length = strlen(numbers[i]);
        for (size_t place = 0; place < length; place++) {
            for (int byte = 1; byte < 256; byte++) {
                body.length = 0;
                body_put(&body, "3.1415926535897932384,2.718281828459045235,");
                size_t begin = body.length;
                body_put(&body, numbers[i]);
                body.bytes[begin + place] = (char)byte;
                body_put(&body,
                         ",1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1");
                body.bytes[body.length] = '\0';
                const char *text = guarded_at_end(&guarded, body.bytes, body.length + 1);
                compare_from(text, text + body.length, text + body.length);
            }
        }
    }
}

/* Rows of two, and where they are left to who reads them one by one: behind the comma of so many numbers. */
static void rows_are_read_up_to_where_they_are_none(void **state) {
    (void)state;
    static const struct {
        const char *rows;
        size_t count;
        size_t stop;
    } cases[] = {
        {"[1,2],[3,4],[5,6],", 6, 18}, {" [ 1, 2],\n[3, 4],", 4, 17}, {"[1,2],[3,4,5],", 3, 9},
        {"[1,2],[3],[4,5],", 2, 6},    {"[1,2,,[3,4],", 1, 3},        {"[1,2],3,4],", 2, 6},
        {"[1,2],(3,4],", 2, 6},        {"[1,2],[[3,4],", 2, 6},       {"[1,2] ,[3,4],", 1, 3},
        {"[1,2],[3 ,4],", 2, 6},       {"[1,2],[01,4],", 2, 6},       {"[1,2],,[3,4],", 2, 6},
    };
    enum { BEFORE = 64, AFTER = 128 };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[BEFORE + 32 + AFTER];
        size_t length = strlen(cases[i].rows);
        memset(bytes, ' ', sizeof bytes);
        memcpy(bytes + BEFORE, cases[i].rows, length);
        const char *end = bytes + BEFORE + length + AFTER;
        struct number_text text = {.begin = bytes, .end = end, .limit = end};
        double found[8];
        double *out = found;
        size_t column = 0;
        const char *stop = number_read_rows(&text, bytes + BEFORE, 2, &column, &out);
        size_t count = (size_t)(out - found);
        if (count != cases[i].count || stop != bytes + BEFORE + cases[i].stop || column != count % 2) {
            fail_msg("%s: %zu read, to %td, column %zu", cases[i].rows, count, stop - bytes - BEFORE, column);
        }
        for (size_t j = 0; j < count; j++) {
            assert_true(found[j] == (double)j + 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_up_to_where_it_is_not_one),
        cmocka_unit_test(lists_are_read_as_their_numbers_are),
        cmocka_unit_test(no_other_byte_passes_for_a_digit),
        cmocka_unit_test(rows_are_read_up_to_where_they_are_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
