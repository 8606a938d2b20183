/* How much a head may be: the same for every way of cutting the bytes into pieces. */
#include "tests/unit/http/framing_feed.h"

static size_t put_many(char *out, size_t length, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++, length += strlen(text)) {
        memcpy(out + length, text, strlen(text));
    }
    return length;
}

/* `before`, so many times `text`, `after`. */
static struct framing read_many(const char *before, const char *text, size_t times, const char *after) {
    char *bytes = malloc(BIG_BYTES);
    assert_non_null(bytes);
    size_t length = put_many(bytes, put_many(bytes, 0, before, 1), text, times);
    length = put_many(bytes, length, after, 1);
    struct framing framing = read_in_every_way(bytes, length);
    free(bytes);
    return framing;
}

static void of_a_long_origin_the_beginning_is_kept(void **state) {
    (void)state;
    char longest[FRAMING_ORIGIN_KEPT + 1] = "";
    memset(longest, 'x', sizeof longest - 1);
    assert_string_equal(read_many(HEAD "Origin: ", "x", 1000, "\r\n\r\n").origin, longest);
}

static void a_head_has_limits(void **state) {
    (void)state;
    const size_t host_bytes = strlen("Host: a\r\n");
    const char *const rest = " HTTP/1.1\r\nHost: a\r\n\r\n";
    static const enum problem_kind large = PROBLEM_HEAD_TOO_LARGE, malformed = PROBLEM_MALFORMED_REQUEST;
    assert_int_equal(read_many("", "M", FRAMING_METHOD_MAX, " / HTTP/1.1\r\nHost: a\r\n\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many("", "M", FRAMING_METHOD_MAX + 1, "").fault, large);
    assert_int_equal(read_many("GET /", "x", FRAMING_PART_MAX - 1, rest).fault, PROBLEM_NONE);
    assert_int_equal(read_many("GET /", "x", FRAMING_PART_MAX, rest).fault, PROBLEM_TARGET_TOO_LONG);
    assert_int_equal(read_many("GET /?", "&", FRAMING_ARGUMENTS_MAX - 1, rest).fault, PROBLEM_NONE);
    assert_int_equal(read_many("GET /?", "&", FRAMING_ARGUMENTS_MAX, rest).fault, large);
    assert_int_equal(read_many(HEAD, "x:\r\n", FRAMING_FIELDS_MAX - 1, "\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many(HEAD, "x:\r\n", FRAMING_FIELDS_MAX, "\r\n").fault, large);
    size_t value = FRAMING_PART_MAX - host_bytes - strlen("x:\r\n");
    assert_int_equal(read_many(HEAD "x:", "y", value, "\r\n\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many(HEAD "x:", "y", value + 1, "\r\n\r\n").fault, large);
    assert_int_equal(read_many(HEAD "Cookie:", "a=b;", 2000, "\r\n\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many(HEAD "Cookie:", "a=b;", 2100, "\r\n\r\n").fault, large);
    static const char queried[] = "GET /?&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&& HTTP/1.1\r\nHost: a\r\n";
    assert_int_equal(read_many(queried, "x:\r\n", FRAMING_ITEMS_MAX - 34, "\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many(queried, "x:\r\n", FRAMING_ITEMS_MAX - 33, "\r\n").fault, large);
    assert_int_equal(read_many("GET /x", "yyyyyyyyyy", 800, " HTTP/1.1\r\nHost: a\r\nx: ").fault, PROBLEM_NONE);
    assert_int_equal(read_many("GET / HTTP/1.1\r\nHost: a\r\nx: ", "y", 100000, "").fault, large);
    const char *const trailed = "Transfer-Encoding: chunked\r\n\r\n0\r\na:\r\nb:\r\nc:\r\n";
    char head[1024] = "POST / HTTP/1.1\r\nHost: a\r\n";
    put_many(head, put_many(head, strlen(head), "x:\r\n", 40), trailed, 1);
    assert_int_equal(read_many(head, "y:\r\n", FRAMING_ITEMS_MAX - 45, "\r\n").fault, PROBLEM_NONE); /* no argument */
    assert_int_equal(read_many(head, "y:\r\n", FRAMING_ITEMS_MAX - 44, "\r\n").fault, large);
    assert_int_equal(read_many(CHUNKED "1\r\na\r\n1;", "y", FRAMING_CHUNK_LINE_MAX - 3, "\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many(CHUNKED "1;", "y", FRAMING_CHUNK_LINE_MAX, "\r\na\r\n").fault, malformed);
    assert_int_equal(read_many(CHUNKED, "0", FRAMING_CHUNK_LINE_MAX - 1, "\r\n").fault, PROBLEM_NONE); /* CR counts */
    assert_int_equal(read_many(CHUNKED, "0", FRAMING_CHUNK_LINE_MAX, "\r\n").fault, malformed);
    assert_int_equal(read_many(CHUNKED "0\r\n", "x:\r\n", FRAMING_FIELDS_MAX, "\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many(CHUNKED "0\r\n", "x:\r\n", FRAMING_FIELDS_MAX + 1, "\r\n").fault, large);
}

/* Each alone may be as large as it may be; all together may not. */
static void the_parts_of_a_head_share_their_room(void **state) {
    (void)state;
    char before[FRAMING_PART_MAX + 100] = "GET /";
    memset(before + 5, 'x', 8000);
    memcpy(before + 8005, " HTTP/1.1\r\nHost: a\r\nx: ", sizeof " HTTP/1.1\r\nHost: a\r\nx: ");
    const size_t left = FRAMING_ROOM_MAX - 8001 - strlen("Host: a\r\nx: \r\n\r\n") - (size_t)2 * FRAMING_NOTE_BYTES;
    assert_int_equal(read_many(before, "y", left, "\r\n\r\n").fault, PROBLEM_NONE);
    struct framing framing = read_many(before, "y", left + 1, "\r\n\r\n");
    assert_int_equal(framing.fault, PROBLEM_HEAD_TOO_LARGE);
    assert_non_null(strstr(framing.detail, "12288"));
}

/* The head stays in libmicrohttpd's memory while the trailer comes. */
static void a_trailer_finds_no_more_room_than_the_head_left(void **state) {
    (void)state;
    static const char head[] = POST "Transfer-Encoding: chunked\r\nx:";
    static char big_head[sizeof head + FRAMING_PART_MAX];
    size_t length = put_many(big_head, put_many(big_head, 0, head, 1), "y", 8000);
    put_many(big_head, length, "\r\n\r\n0\r\nz:", 1);
    const size_t others = strlen(POST "Transfer-Encoding: chunked\r\nx:\r\nz:\r\n\r\n") - strlen("POST  HTTP/1.1\r\n");
    const size_t left = FRAMING_ROOM_MAX - 8000 - others - (size_t)5 * FRAMING_NOTE_BYTES;
    assert_int_equal(read_many(big_head, "z", left, "\r\n\r\n").fault, PROBLEM_NONE);
    assert_int_equal(read_many(big_head, "z", left + 1, "\r\n\r\n").fault, PROBLEM_HEAD_TOO_LARGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_long_origin_the_beginning_is_kept),
        cmocka_unit_test(a_head_has_limits),
        cmocka_unit_test(the_parts_of_a_head_share_their_room),
        cmocka_unit_test(a_trailer_finds_no_more_room_than_the_head_left),
    };
    return cmocka_run_group_tests(tests, map_area, NULL);
}
