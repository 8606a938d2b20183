/* Where requests begin and end: the same for every way of cutting the bytes into pieces. */
#include "tests/unit/http/framing_feed.h"

static void assert_read(const char *bytes, unsigned requests, enum framing_state state) {
    struct framing framing = read_in_every_way(bytes, strlen(bytes));
    if (framing.fault) {
        fail_msg("%s: %s", bytes, framing.detail);
    }
    assert_int_equal(framing.requests, requests);
    assert_int_equal(framing.state, state);
}

static void assert_refused(const char *bytes, size_t length, enum problem_kind fault, const char *part_of_detail) {
    struct framing framing = read_in_every_way(bytes, length);
    if (framing.fault != fault || !strstr(framing.detail, part_of_detail)) {
        fail_msg("%.200s: %d, %s", bytes, framing.fault, framing.fault ? framing.detail : "no fault");
    }
    assert_int_equal(feed(&framing, "G", (const size_t[]){1}, 1), 0);
}

static void assert_passed(const char *sent, const char *expected) {
    for (size_t cut = 1; cut < strlen(sent); cut++) {
        struct framing framing = {0};
        size_t passed = feed(&framing, sent, (size_t[]){cut, strlen(sent) - cut}, 2);
        assert_int_equal(framing.fault, PROBLEM_NONE);
        assert_int_equal(passed, strlen(expected));
        assert_memory_equal(passed_bytes, expected, passed);
    }
}

static void what_is_right_passes(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        unsigned requests;
        enum framing_state state;
    } cases[] = {
        {"\r\n", 0, FRAMING_BEGIN},
        {"G", 1, FRAMING_METHOD},
        {GOOD, 1, FRAMING_BEGIN},
        {"\r\n" GOOD, 1, FRAMING_BEGIN},
        {GOOD GOOD GOOD, 3, FRAMING_BEGIN},
        {GOOD "\r\n" GOOD, 2, FRAMING_BEGIN},
        {HEAD, 1, FRAMING_FIELD},
        {"GET / HTTP/1.0\r\n\r\n", 1, FRAMING_BEGIN},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 1, FRAMING_BEGIN},
        {"GET / HTTP/1.1\r\nHost: \t \r\n\r\n", 1, FRAMING_BEGIN},
        {"GET / HTTP/1.1\r\nhOsT:[::1]:8080 \r\n\r\n", 1, FRAMING_BEGIN},
        {"GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 1, FRAMING_BEGIN},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 1, FRAMING_BEGIN},
        {HEAD "x:\r\ny: \xc3\xa9\t\"z\" \r\nCookie: a=b; c=d\r\n\r\n", 1, FRAMING_BEGIN},
        {HEAD "Content-Length: 0\r\n\r\n" GOOD, 2, FRAMING_BEGIN},
        {HEAD "Content-Length: 0003 \r\n\r\nabc" GOOD, 2, FRAMING_BEGIN},
        {POST "content-length:2\r\n\r\na", 1, FRAMING_BODY},
        {POST "Content-Length: 1\r\n\r\n:" GOOD, 2, FRAMING_BEGIN},
        {POST "Content-Length: 2\r\n\r\n: ", 1, FRAMING_BEGIN},
        {POST "Content-Length: 2\r\n\r\n: \r\n" GOOD, 2, FRAMING_BEGIN},
        {POST "Content-Length: 9223372036854775799\r\n\r\nGET \r\n", 1, FRAMING_BODY},
        {CHUNKED "0\r\n\r\n" GOOD, 2, FRAMING_BEGIN},
        {CHUNKED "0\r\n\r\n\r\n" GOOD, 2, FRAMING_BEGIN},
        {CHUNKED "3\r\na\r\n\r\n0005;x=\"y\";z\r\nabcde\r\n0\r\nETag: x\r\n\r\n" GOOD, 2, FRAMING_BEGIN},
        {POST "transfer-encoding: \tCHUNKED\t\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", 1, FRAMING_BEGIN},
        {"POST /?&&&&&&&& HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1, FRAMING_BEGIN},
        {CHUNKED "9\r\n012345678\r\n19\r\n", 1, FRAMING_CHUNK},
        {CHUNKED "ffffffffffffffff\r\nabc", 1, FRAMING_CHUNK},
        {CHUNKED "1 \t;x\r\na\r\n1\t; y\r\nb\r\n0 ;z\r\n\r\n", 1, FRAMING_BEGIN},
        {POST "Content-Length: 9223372036854775807\r\n\r\nG", 1, FRAMING_BODY},
        {CHUNKED "0\r\nContent-Length: x\r\nHost: a\r\nHost: b\r\n\r\n" GOOD, 2, FRAMING_BEGIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_read(cases[i].bytes, cases[i].requests, cases[i].state);
    }
}

static void assert_all_refused(const char *const cases[][2], size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_refused(cases[i][0], strlen(cases[i][0]), PROBLEM_MALFORMED_REQUEST, cases[i][1]);
    }
}

#define ASSERT_ALL_REFUSED(cases) assert_all_refused(cases, sizeof(cases) / sizeof *(cases))

static void malformed_lines_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"\x16\x03\x01", "TLS"},
        {" GET / HTTP/1.1\r\n", "method"},
        {"\r\n\r\n", "method"},
        {"\rG", "method"},
        {"\n", "method"},
        {"G(T / HTTP/1.1\r\n", "method"},
        {"GET\t/ HTTP/1.1\r\n", "method"},
        {"GET\r\n", "method"},
        {"GET  / HTTP/1.1\r\n", "target"},
        {"GET /a\r\n", "target"},
        {"GET /\t HTTP/1.1\r\n", "target"},
        {"GET /\xc3\xa9 HTTP/1.1\r\n", "target"},
        {"GET /\x7f HTTP/1.1\r\n", "target"},
        {"GET /a b HTTP/1.1\r\n", "HTTP/1.1"},
        {"GET /  HTTP/1.1\r\n", "HTTP/1.1"},
        {"GET / http/1.1\r\n", "HTTP/1.1"},
        {"GET / HTTP/1.x\r\n", "HTTP/1.1"},
        {"GET / HTTP/1x1\r\n", "HTTP/1.1"},
        {"GET / HHTTP/1.1\r\n", "HTTP/1.1"}, /* nor where the second one begins a piece */
        {"GET / HTTP/1HTTP/1.1\r\n", "HTTP/1.1"},
        {"GET / HTTP/1.10\r\n", "HTTP/1.1"},
        {"GET / HTTP/1.1 \r\n", "HTTP/1.1"},
        {"GET / HTTP/1.1\n", "CR LF"},
        {"GET / HTTP/1.1\rH", "CR LF"},
        {"GET / HTTP/1.1\r\n\r\n", "no Host"},
        {"GET / HTTP/1.1\r\nx: a\r\n\r\n", "no Host"},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", "control"},
        {"GET / HTTP/1.1\r\nHost: a\rb", "CR LF"},
        {"GET / HTTP/1.1\r\n\rH", "CR LF"},
        {HEAD " x: a\r\n", "folded"},
        {HEAD "x: a\r\n\tb\r\n", "folded"},
        {"GET / HTTP/1.1\r\n Host: a\r\n", "folded"},
        {HEAD ": x\r\n", "token"},
        {HEAD "x : a\r\n", "token"},
        {HEAD "x\r\n", "token"},
        {HEAD "x(: a\r\n", "token"},
        {HEAD "\xc3\xa9: a\r\n", "token"},
        {HEAD "\n", "token"},
        {HEAD "x: a\x01\r\n", "control"},
        {HEAD "x: a\x7f\r\n", "control"},
        {HEAD "x:\n", "control"},
        {HEAD "hOST: a\r\n\r\n", "more than one Host"},
        {"GET / HTTP/1.1\r\nHost: a b\r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: a,b\r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: [::1 \r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: [::1]x\r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: a:x\r\n", "one host"},
        {"GET / HTTP/1.1\r\nHost: a%4\r\n", "one host"},
    };
    ASSERT_ALL_REFUSED(cases);
    static const char nul[] = HEAD "x: a\0b\r\n";
    assert_refused(nul, sizeof nul - 1, PROBLEM_MALFORMED_REQUEST, "control");
}

/* Letters and digits aside: RFC 9110, 5.6.2 (token), and RFC 3986, 3.2.2 and 3.2.3, but for the comma, which would join
 * two hosts. A target may have all that is printed in ASCII, as clients send it, a value also white space and what
 * isn't ASCII. */
static void each_byte_may_stand_where_the_grammar_has_it(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bool is_common = byte != 0 && strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", c);
        bool is_token = is_common || (byte != 0 && strchr("!#$%&'*+-.^_`|~", c));
        bool is_host = is_common || (byte != 0 && strchr("-._~!$&'()*+;=:", c));
        bool is_target = byte > ' ' && byte < 0x7f;
        bool is_value = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        const struct {
            const char *before, *after;
            bool passes;
        } places[] = {{"", "T / HTTP/1.1\r\nHost: a\r\n\r\n", is_token},
                      {"GET /a", "b HTTP/1.1\r\nHost: a\r\n\r\n", is_target},
                      {"GET / HTTP/1.1\r\nHost: a", "1\r\n\r\n", is_host},
                      {HEAD "x", ": 1\r\n\r\n", is_token || c == ':'},
                      {HEAD "x: a", "b\r\n\r\n", is_value}};
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            char bytes[100];
            int length = snprintf(bytes, sizeof bytes, "%s%c%s", places[i].before, c, places[i].after);
            if ((read_in_every_way(bytes, (size_t)length).fault == PROBLEM_NONE) != places[i].passes) {
                fail_msg("byte %d in place %zu: expected to %s", byte, i, places[i].passes ? "pass" : "be refused");
            }
        }
    }
}

static void another_version_is_named_whatever_comes_behind_it(void **state) {
    (void)state;
    static const char *const others[] = {"0.9", "0", "2", "2.0", "3.0", "9.9", "20", "2\r\n\r\nSM\r\n\r\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char bytes[64];
        int length = snprintf(bytes, sizeof bytes, "PRI * HTTP/%s\r\n", others[i]);
        assert_refused(bytes, (size_t)length, PROBLEM_HTTP_VERSION, "HTTP/1.1 and HTTP/1.0");
    }
    assert_read("GET / HTTP/1.9\r\nHost: a\r\n\r\n", 1, FRAMING_BEGIN);
}

/* The first one's value; white space behind it is the reader's to cut off. */
static void the_origin_is_kept_and_loose_values_are_noted(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        const char *origin;
        bool is_loose;
    } cases[] = {
        {GOOD, "", false},
        {HEAD "Origin: https://a\r\n\r\n", "https://a", false},
        {HEAD "ORIGIN:https://a\r\n: x", "https://a", false},
        {HEAD "Origin: https://a\r\norigin: https://b\r\n\r\n", "https://a", false},
        {HEAD "Origin: \r\nOrigin: https://b\r\n\r\n", "", false},
        {HEAD "Origin: a b\tc\r\n\r\n", "a b\tc", false},
        {HEAD "Origin: https://a \t\r\n\r\n", "https://a \t", true},
        {HEAD "x: y \r\n\r\n", "", true},
        {HEAD "x: y \r\n\r\n" GOOD, "", true}, /* noted for the one before, which may not have been read yet */
        {HEAD "x: y z\r\ny: \t \r\n\r\n", "", false},
        {HEAD "Origins: a\r\nX-Origin: a\r\n\r\n", "", false},
        {HEAD "Origin: https://a\r\n\r\n" HEAD, "", false}, /* of another request */
        {CHUNKED "0\r\nOrigin: https://a\r\n", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct framing framing = read_in_every_way(cases[i].bytes, strlen(cases[i].bytes));
        if (strcmp(framing.origin, cases[i].origin) != 0 || framing.has_loose_values != cases[i].is_loose) {
            fail_msg("%s: %s, %d", cases[i].bytes, framing.origin, framing.has_loose_values);
        }
    }
}

static void an_expectation_is_noted_and_passes(void **state) {
    (void)state;
    assert_false(read_in_every_way(GOOD, strlen(GOOD)).has_expectation);
    assert_false(read_in_every_way(HEAD "Expected: x\r\n\r\n", strlen(HEAD "Expected: x\r\n\r\n")).has_expectation);
    static const char expecting[] = HEAD "eXpect: 100-continue\r\n\r\n" GOOD;
    struct framing framing = read_in_every_way(expecting, strlen(expecting));
    assert_true(framing.has_expectation); /* noted for the one before, which may not have been read yet */
    assert_int_equal(framing.requests, 2);
    assert_passed(expecting, expecting);
}

static void malformed_bodies_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {POST "Content-Length:\r\n", "number of bytes"},
        {POST "Content-Length: \r\n", "number of bytes"},
        {POST "Content-Length: +1\r\n", "number of bytes"},
        {POST "Content-Length: 1, 1\r\n", "number of bytes"},
        {POST "Content-Length: 1 1\r\n", "number of bytes"},
        {POST "Content-Length: 0x1\r\n", "number of bytes"},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n", "more than one Content-Length"},
        {POST "Transfer-Encoding:\r\n", "chunked"},
        {POST "Transfer-Encoding: chunke\r\n", "chunked"},
        {POST "Transfer-Encoding: chunkedd\r\n", "chunked"},
        {POST "Transfer-Encoding: xchunked\r\n", "chunked"},
        {POST "Transfer-Encoding: \"chunked\"\r\n", "chunked"},
        {POST "Transfer-Encoding: deflate\r\n", "chunked"}, /* as many letters */
        {POST "Transfer-Encoding: gzip, chunked\r\n", "chunked"},
        {POST "Transfer-Encoding: chunked, chunked\r\n", "chunked"},
        {POST "Transfer-Encoding: chun ked\r\n", "chunked"},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "chunked"},
        {POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "exclude"},
        {POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "exclude"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0"},
        {CHUNKED "\r\n", "hexadecimal"},
        {CHUNKED ";x\r\n", "hexadecimal"},
        {CHUNKED "1\r\na\r\n;x\r\n", "hexadecimal"},
        {CHUNKED "+1\r\n", "hexadecimal"},
        {CHUNKED "0x1\r\n", "hexadecimal"},
        {CHUNKED "1 \r\n", "hexadecimal"},
        {CHUNKED "1 x\r\n", "hexadecimal"},
        {CHUNKED " 1\r\n", "hexadecimal"},
        {CHUNKED "1\n", "hexadecimal"},
        {CHUNKED "1;a\n", "control"},
        {CHUNKED "1\rx", "CR LF"},
        {CHUNKED "1\r\nab\r\n", "longer"},
        {CHUNKED "1\r\na\n", "longer"},
        {CHUNKED "1\r\na\rb", "longer"},
        {CHUNKED "0\r\n x\r\n", "folded"},
        {CHUNKED "0\r\n: x\r\n", "token"},
    };
    ASSERT_ALL_REFUSED(cases);
    static const char *const long_bodies[] = {
        POST "Content-Length: 9223372036854775808\r\n",
        POST "Content-Length: 18446744073709551615\r\n",
        POST "Content-Length: 00099999999999999999999999999\r\n",
    };
    for (size_t i = 0; i < sizeof long_bodies / sizeof *long_bodies; i++) {
        assert_refused(long_bodies[i], strlen(long_bodies[i]), PROBLEM_BODY_TOO_LARGE, "63 bits");
    }
    static const char long_chunk[] = CHUNKED "10000000000000000\r\n";
    assert_refused(long_chunk, sizeof long_chunk - 1, PROBLEM_BODY_TOO_LARGE, "64 bits");
}

static void only_what_is_before_a_bad_message_passes(void **state) {
    (void)state;
    struct framing framing = {0};
    size_t length = strlen(GOOD HEAD ": x\r\n\r\n");
    assert_int_equal(feed(&framing, GOOD HEAD ": x\r\n\r\n", &length, 1), strlen(GOOD));
    assert_int_equal(framing.requests, 2);
    struct framing cut = {0};
    assert_int_equal(feed(&cut, HEAD "x: a\r\n\tb", (size_t[]){strlen(HEAD), strlen("x: a\r\n\tb")}, 2), strlen(HEAD));
    struct framing chunked = {0};
    size_t all = strlen(CHUNKED "1\r\na\r\nx");
    assert_int_equal(feed(&chunked, CHUNKED "1\r\na\r\nx", &all, 1), all - 1);
}

static void chunk_extensions_are_dropped(void **state) {
    (void)state;
    assert_passed(CHUNKED "3;a=b\r\na;b\r\nA;c ;\t\r\n0123", CHUNKED "3\r\na;b\r\nA\r\n0123");
}

/* libmicrohttpd 0.9.75 takes it for part of the value, and then finds no length, or no coding that it knows. */
static void white_space_behind_what_frames_is_dropped(void **state) {
    (void)state;
    assert_passed(POST "Content-Length: 1 \t\r\n\r\na", POST "Content-Length: 1\r\n\r\na");
    assert_passed(POST "Transfer-Encoding:\tchunked\t \r\nx: a \r\n\r\n0\r\n\r\n",
                  POST "Transfer-Encoding:\tchunked\r\nx: a \r\n\r\n0\r\n\r\n");
    assert_passed("GET / HTTP/1.1\r\nHost: a \r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void of_cookies_one_byte_passes(void **state) {
    (void)state;
    assert_passed(HEAD "Cookie: a=b; c=d \t\r\ncookie:e\r\nCookie:\r\n\r\n" GOOD,
                  HEAD "Cookie: a\r\ncookie:e\r\nCookie:\r\n\r\n" GOOD);
}

static void a_refused_head_is_known_by_its_line(void **state) {
    (void)state;
    struct framing framing = read_in_every_way(POST ": x\r\n", strlen(POST ": x\r\n"));
    assert_string_equal(framing.method, "POST");
    assert_string_equal(framing.path, "/v1/wordcount");
    char line[1000] = {0};
    memset(line, 'M', FRAMING_METHOD_MAX);
    line[FRAMING_METHOD_MAX] = ' ';
    memset(line + FRAMING_METHOD_MAX + 1, '/', 300);
    struct framing cut = read_in_every_way(line, FRAMING_METHOD_MAX + 301);
    assert_int_equal(strlen(cut.method), FRAMING_METHOD_KEPT);
    assert_int_equal(strlen(cut.path), FRAMING_PATH_KEPT);
    struct framing next = read_in_every_way(GOOD "\rX", strlen(GOOD "\rX"));
    assert_int_equal(next.requests, 2);
    assert_string_equal(next.method, ""); /* nothing is left of the one before */
    assert_string_equal(next.path, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_passes),
        cmocka_unit_test(malformed_lines_are_refused),
        cmocka_unit_test(each_byte_may_stand_where_the_grammar_has_it),
        cmocka_unit_test(another_version_is_named_whatever_comes_behind_it),
        cmocka_unit_test(the_origin_is_kept_and_loose_values_are_noted),
        cmocka_unit_test(an_expectation_is_noted_and_passes),
        cmocka_unit_test(malformed_bodies_are_refused),
        cmocka_unit_test(only_what_is_before_a_bad_message_passes),
        cmocka_unit_test(chunk_extensions_are_dropped),
        cmocka_unit_test(white_space_behind_what_frames_is_dropped),
        cmocka_unit_test(of_cookies_one_byte_passes),
        cmocka_unit_test(a_refused_head_is_known_by_its_line),
    };
    return cmocka_run_group_tests(tests, map_area, NULL);
}
