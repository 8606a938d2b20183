/* A body is split in the same way however it arrives. */
#include "codecs/json/envelope.h"

#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SEEDS = 2000 };

static const struct envelope_field fields[] = {
    {"text", ENVELOPE_TEXT}, {"x", ENVELOPE_NUMBERS}, {"y", ENVELOPE_NUMBERS}, {"m", ENVELOPE_ROWS}, {NULL, 0}};

static struct guarded guarded;

static int set_up(void **state) {
    (void)state;
    return guarded_init(&guarded, sizeof((struct body *)0)->bytes) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_deinit(&guarded);
    return 0;
}

static void expect_same_split(const struct envelope *found, const struct envelope *expected, const char *body) {
    bool same = found->span_count == expected->span_count && found->read_length == expected->read_length;
    for (size_t i = 0; i < expected->span_count && same; i++) {
        const struct envelope_span *a = &found->spans[i];
        const struct envelope_span *b = &expected->spans[i];
        same = a->field == b->field && a->inside.begin == b->inside.begin && a->inside.end == b->inside.end &&
               a->inside.has_escape == b->inside.has_escape;
    }
    if (!same) {
        fail_msg("%.*s: arriving in pieces it is split otherwise", (int)expected->length, body);
    }
}

/* The body in pieces, each time at another place and with nothing readable behind what has come. */
static void split_arriving(struct body *source, const char *bytes, size_t length, size_t piece_max,
                           struct envelope *envelope) {
    envelope_begin(envelope, fields);
    for (size_t arrived = 0; arrived < length; arrived += 1 + body_below(source, piece_max)) {
        envelope_split(envelope, guarded_at_end(&guarded, bytes, arrived), arrived, false, NULL);
    }
    envelope_split(envelope, guarded_at_end(&guarded, bytes, length), length, true, NULL);
}

static void a_body_in_pieces_is_split_as_a_whole_one(void **state) {
    (void)state;
    static const size_t piece_max[] = {1, 3, 80, 1000};
    static struct body body;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        body.random = seed * 0x9E3779B97F4A7C15;
        body_write(&body);
        for (size_t spoils = seed % 3; spoils > 0; spoils--) {
            body_spoil(&body);
        }
        struct envelope expected;
        struct envelope found;
        envelope_begin(&expected, fields);
        envelope_split(&expected, body.bytes, body.length, true, NULL);
        for (size_t i = 0; i < sizeof piece_max / sizeof piece_max[0]; i++) {
            split_arriving(&body, body.bytes, body.length, piece_max[i], &found);
            expect_same_split(&found, &expected, body.bytes);
        }
    }
}

/* The mark may come byte by byte as well. */
static void a_byte_order_mark_in_pieces_is_skipped(void **state) {
    (void)state;
    static const char marked[] = "\xEF\xBB\xBF{\"text\":\"some text\",\"x\":[1, 2],\"n\":1}";
    struct body source = {.random = 11};
    struct envelope expected;
    struct envelope found;
    envelope_begin(&expected, fields);
    envelope_split(&expected, marked, sizeof marked - 1, true, NULL);
    assert_int_equal(expected.span_count, 2);
    assert_int_equal(expected.spans[0].inside.begin, 12);
    for (size_t piece_max = 1; piece_max < 6; piece_max++) {
        split_arriving(&source, marked, sizeof marked - 1, piece_max, &found);
        expect_same_split(&found, &expected, marked);
        assert_int_equal(found.mark_bytes, 3);
    }
}

/* Long values, whose scans are cut off in the midst of runs of backslashes, of rows, of names. */
static void long_values_in_pieces_are_found(void **state) {
    (void)state;
    struct body source = {.random = 5};
    for (int round = 0; round < 300; round++) {
        static char bytes[3500];
        size_t length = (size_t)snprintf(bytes, sizeof bytes, "{\"n\" : [%0200d], \"text\":\"", 0);
        for (size_t left = 200 + body_below(&source, 1000); left > 0; left--) {
            static const char *const parts[] = {"a", "\\\\", "\\\"", "\\n", "\\u00e9", "plain text of some length "};
            length +=
                (size_t)snprintf(bytes + length, sizeof bytes - length, "%s", parts[body_below(&source, 5 + left % 2)]);
            if (length > 2500) {
                break;
            }
        }
        length += (size_t)snprintf(bytes + length, sizeof bytes - length, "\", \"word\":12, \"m\":[");
        for (int row = 0; row < 20; row++) {
            length +=
                (size_t)snprintf(bytes + length, sizeof bytes - length, "%s[%d , 1e5,0.25]", row > 0 ? "," : "", row);
        }
        length += (size_t)snprintf(bytes + length, sizeof bytes - length, "],\"x\": [%0300d , 1, 2]}  ", 7);
        struct envelope expected;
        struct envelope found;
        envelope_begin(&expected, fields);
        envelope_split(&expected, bytes, length, true, NULL);
        assert_int_equal(expected.span_count, 3);
        split_arriving(&source, bytes, length, 1 + body_below(&source, 300), &found);
        expect_same_split(&found, &expected, bytes);
    }
}

/* Where a name occurs twice while more is to come, what comes doesn't matter. */
static void a_second_member_ends_the_split_at_once(void **state) {
    (void)state;
    static const char bytes[] = "{\"x\":[1], \"x\":[2], \"text\":\"a\"}";
    struct envelope envelope;
    envelope_begin(&envelope, fields);
    for (size_t arrived = 0; arrived <= sizeof bytes - 1; arrived++) {
        envelope_split(&envelope, bytes, arrived, false, NULL);
    }
    envelope_split(&envelope, bytes, sizeof bytes - 1, true, NULL);
    assert_int_equal(envelope.span_count, 1);
    assert_int_equal(envelope.read_length, sizeof "{\"x\":[1], \"x\"" - 1);
}

/* Long values that aren't bulk are left until all is there: whoever receives has no time for them. */
static void what_is_not_bulk_is_looked_at_shortly_only(void **state) {
    (void)state;
    static char bytes[1024 * 1024];
    static const char *const starts[] = {"{\"a\":[", "{\"a\":\"", "{\"a\":", "{\"", "{\"x\":[null,"};
    static const char fills[] = "[a5a1";
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct envelope envelope;
        size_t start = strlen(starts[i]);
        memset(bytes, fills[i], sizeof bytes);
        memcpy(bytes, starts[i], start);
        envelope_begin(&envelope, fields);
        for (size_t arrived = 1; arrived < sizeof bytes; arrived += 1000) {
            envelope_split(&envelope, bytes, arrived, false, NULL);
            assert_true(envelope.again_at <= 2 * arrived || envelope.again_at == SIZE_MAX);
            assert_true(envelope.again_at == SIZE_MAX || arrived <= 2 * ENVELOPE_ARRIVING_MAX);
        }
        assert_in_range(envelope.at, 0, start);
    }
}

/* Many short members are a long something else. */
static void short_members_are_counted_together(void **state) {
    (void)state;
    static char bytes[1024 * 1024];
    struct envelope envelope;
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] = "\"a\":1,"[at % 6];
    }
    bytes[0] = '{';
    memcpy(bytes + 1, "\"x\":[1],  ", 10);
    memset(bytes + 11, ' ', 1);
    envelope_begin(&envelope, fields);
    for (size_t arrived = 1; arrived < sizeof bytes; arrived += 5000) {
        envelope_split(&envelope, bytes, arrived, false, NULL);
    }
    assert_int_equal(envelope.span_count, 1);
    assert_in_range(envelope.at, ENVELOPE_ARRIVING_MAX / 2, ENVELOPE_ARRIVING_MAX + 1);
}

static void a_second_complete_split_changes_nothing(void **state) {
    (void)state;
    static struct body body;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        body.random = seed * 0xD1B54A32D192ED03;
        body_write(&body);
        for (size_t spoils = seed % 3; spoils > 0; spoils--) {
            body_spoil(&body);
        }
        struct envelope expected;
        envelope_begin(&expected, fields);
        envelope_split(&expected, body.bytes, body.length, true, NULL);
        struct envelope again = expected;
        envelope_split(&again, body.bytes, body.length, true, NULL);
        expect_same_split(&again, &expected, body.bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_in_pieces_is_split_as_a_whole_one),
        cmocka_unit_test(a_byte_order_mark_in_pieces_is_skipped),
        cmocka_unit_test(long_values_in_pieces_are_found),
        cmocka_unit_test(what_is_not_bulk_is_looked_at_shortly_only),
        cmocka_unit_test(short_members_are_counted_together),
        cmocka_unit_test(a_second_complete_split_changes_nothing),
        cmocka_unit_test(a_second_member_ends_the_split_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
