/* Every phase is printed from its own field, wherever it is printed: each field of the struct, clocks included, holds a
 * value of its own here, so that one read from any other place shows. */
#include "server/engine/times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT_BYTES = 4096 };

static const struct times distinct = {
    .opened = 9001000,
    .received = 9102000,
    .receive = 1234567,
    .queue = 22000000,
    .decode = 333001000,
    .compute = 4444000,
    .encode = 55000,
    .total = 66000000000,
    .cpu = 888000,
};

static char *print_json(const struct times *times) {
    struct plain_memory plain;
    struct json_writer writer;
    plain_memory_init(&plain, 2 * LIMIT_BYTES);
    json_writer_init(&writer, &plain.base, LIMIT_BYTES);
    json_begin_object(&writer);
    times_write(&writer, times);
    json_end_object(&writer);
    assert_false(text_failed(&writer.text));
    char *text = strndup(writer.text.data, writer.text.length);
    assert_non_null(text);
    json_writer_deinit(&writer);
    return text;
}

/* A block as long as the header says, so that AddressSanitizer sees what is behind. */
static char *print_header(const struct times *times) {
    char *text = malloc(TIMES_HEADER_BYTES);
    assert_non_null(text);
    memset(text, 'x', TIMES_HEADER_BYTES);
    times_print(times, text);
    assert_non_null(memchr(text, '\0', TIMES_HEADER_BYTES));
    return text;
}

static void expect(const struct times *times, const char *json, const char *header) {
    char *printed = print_json(times);
    assert_string_equal(printed, json);
    free(printed);
    printed = print_header(times);
    assert_string_equal(printed, header);
    free(printed);
}

static void each_phase_comes_from_its_own_field(void **state) {
    (void)state;
    expect(&distinct,
           "{\"receive_ms\":1.234,\"queue_ms\":22.000,\"decode_ms\":333.001,\"compute_ms\":4.444,\"encode_ms\":0.055,"
           "\"total_ms\":66000.000,\"cpu_ms\":0.888}",
           "receive;dur=1.234, queue;dur=22.000, decode;dur=333.001, compute;dur=4.444, encode;dur=0.055, "
           "total;dur=66000.000, cpu;dur=0.888");
}

/* One field at a time, the others at 0: no phase shows another one's time, not even a part of it. */
static void no_phase_shows_another_ones_time(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        {"receive", offsetof(struct times, receive)}, {"queue", offsetof(struct times, queue)},
        {"decode", offsetof(struct times, decode)},   {"compute", offsetof(struct times, compute)},
        {"encode", offsetof(struct times, encode)},   {"total", offsetof(struct times, total)},
        {"cpu", offsetof(struct times, cpu)},
    };
    enum { FIELDS = sizeof fields / sizeof *fields };
    for (size_t one = 0; one < FIELDS; one++) {
        struct times times = {.opened = 1000000, .received = 1000000};
        char json[LIMIT_BYTES] = "{", header[TIMES_HEADER_BYTES] = "";
        const uint64_t value = 7001000;
        memcpy((char *)&times + fields[one].offset, &value, sizeof value);
        for (size_t i = 0; i < FIELDS; i++) {
            const char *shown = i == one ? "7.001" : "0.000";
            size_t used = strlen(json), header_used = strlen(header);
            assert_true(snprintf(json + used, sizeof json - used, "%s\"%s_ms\":%s", i > 0 ? "," : "", fields[i].name,
                                 shown) < (int)(sizeof json - used));
            assert_true(snprintf(header + header_used, sizeof header - header_used, "%s%s;dur=%s", i > 0 ? ", " : "",
                                 fields[i].name, shown) < (int)(sizeof header - header_used));
        }
        strncat(json, "}", sizeof json - strlen(json) - 1);
        expect(&times, json, header);
    }
}

/* Each field is added to its own; the two clock readings stay. */
static void a_stages_times_are_added(void **state) {
    (void)state;
    struct times times = {.opened = 1,
                          .received = 2,
                          .receive = 10,
                          .queue = 20,
                          .decode = 30,
                          .compute = 40,
                          .encode = 50,
                          .total = 60,
                          .cpu = 70};
    times_add(&times, &distinct);
    assert_int_equal(times.opened, 1);
    assert_int_equal(times.received, 2);
    assert_int_equal(times.receive, 10 + distinct.receive);
    assert_int_equal(times.queue, 20 + distinct.queue);
    assert_int_equal(times.decode, 30 + distinct.decode);
    assert_int_equal(times.compute, 40 + distinct.compute);
    assert_int_equal(times.encode, 50 + distinct.encode);
    assert_int_equal(times.total, 60 + distinct.total);
    assert_int_equal(times.cpu, 70 + distinct.cpu);
}

static void the_longest_times_fit(void **state) {
    (void)state;
    struct times longest = {
        .receive = UINT64_MAX,
        .queue = UINT64_MAX,
        .decode = UINT64_MAX,
        .compute = UINT64_MAX,
        .encode = UINT64_MAX,
        .total = UINT64_MAX,
        .cpu = UINT64_MAX,
    };
    char *json = print_json(&longest);
    char *header = print_header(&longest);
    size_t shown = 0;
    for (const char *at = json; (at = strstr(at, "18446744073709.551")); at++) {
        shown++;
    }
    for (const char *at = header; (at = strstr(at, "18446744073709.551")); at++) {
        shown++;
    }
    assert_int_equal(shown, 14);
    free(header);
    free(json);
}

/* Between others of an object's members as alone in it. */
static void they_are_members_like_others(void **state) {
    (void)state;
    struct plain_memory plain;
    struct json_writer writer;
    plain_memory_init(&plain, 2 * LIMIT_BYTES);
    json_writer_init(&writer, &plain.base, LIMIT_BYTES);
    json_begin_object(&writer);
    json_key(&writer, "before");
    json_unsigned(&writer, 1);
    times_write(&writer, &distinct);
    json_key(&writer, "behind");
    json_unsigned(&writer, 2);
    json_end_object(&writer);
    text_put(&writer.text, "", 1);
    assert_false(text_failed(&writer.text));
    char *alone = print_json(&distinct), expected[LIMIT_BYTES];
    (void)snprintf(expected, sizeof expected, "{\"before\":1,%.*s,\"behind\":2}", (int)strlen(alone) - 2, alone + 1);
    assert_string_equal(writer.text.data, expected);
    free(alone);
    json_writer_deinit(&writer);
}

/* A reply that has room for less than all of them fails, and has grown by nothing. */
static void where_there_is_no_room_nothing_is_written(void **state) {
    (void)state;
    char *whole = print_json(&distinct);
    size_t needed = strlen(whole);
    for (size_t limit = 1; limit < needed - 1; limit++) {
        struct plain_memory plain;
        struct json_writer writer;
        plain_memory_init(&plain, 2 * LIMIT_BYTES);
        json_writer_init(&writer, &plain.base, limit);
        json_begin_object(&writer);
        times_write(&writer, &distinct);
        assert_true(text_failed(&writer.text));
        assert_int_equal(writer.text.length, 1);
        json_writer_deinit(&writer);
    }
    free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_phase_comes_from_its_own_field),
        cmocka_unit_test(no_phase_shows_another_ones_time),
        cmocka_unit_test(a_stages_times_are_added),
        cmocka_unit_test(the_longest_times_fit),
        cmocka_unit_test(they_are_members_like_others),
        cmocka_unit_test(where_there_is_no_room_nothing_is_written),
    };
    return cmocka_run_group_tests_name("times", tests, NULL, NULL);
}
