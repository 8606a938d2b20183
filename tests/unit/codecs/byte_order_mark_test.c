#include "codecs/byte_order_mark.h"

#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct guarded guarded;

static int set_up(void **state) {
    (void)state;
    return guarded_init(&guarded, 64) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_deinit(&guarded);
    return 0;
}

struct expectation {
    const char *bytes;
    size_t length;
    size_t mark;
    const char *foreign;
    const char *foreign_json;
};

#define CASE(bytes, ...) {bytes, sizeof(bytes) - 1, __VA_ARGS__}

static const char little[] = "UTF-16 (little endian)", big[] = "UTF-16 (big endian)";
static const char little32[] = "UTF-32 (little endian)", big32[] = "UTF-32 (big endian)";

static const struct expectation cases[] = {
    CASE("", 0, NULL, NULL),
    CASE("\xEF", 0, NULL, NULL),
    CASE("\xEF\xBB", 0, NULL, NULL),
    CASE("\xEF\xBB\xBF", 3, NULL, NULL),
    CASE("\xEF\xBB\xBF\xEF\xBB\xBF", 3, NULL, NULL), /* the second is a character */
    CASE("\xEF\xBB\xBE", 0, NULL, NULL),
    CASE(" \xEF\xBB\xBF", 0, NULL, NULL),
    CASE("\xEF\xBC\x81{", 0, NULL, NULL), /* a fullwidth exclamation mark */
    CASE("{}", 0, NULL, NULL),
    CASE("x is it", 0, NULL, NULL), /* no zlib header */
    CASE("x}", 0, NULL, NULL),
    CASE("\xFF", 0, NULL, NULL),
    CASE("\xFF\xFE", 0, little, little),
    CASE("\xFF\xFE{\0}\0", 0, little, little),
    CASE("\xFE\xFF", 0, big, big),
    CASE("\xFE\xFF\0{\0}", 0, big, big),
    CASE("\xFF\xFE\0\0", 0, little32, little32),
    CASE("\xFF\xFE\0", 0, little, little),
    CASE("\0\0\xFE\xFF", 0, big32, big32),
    CASE("\0\0\xFE", 0, NULL, NULL),
    CASE("{\0}\0", 0, NULL, little),
    CASE("\0{\0}", 0, NULL, big),
    CASE("{\0\0\0}\0\0\0", 0, NULL, little32),
    CASE("\0\0\0{\0\0\0}", 0, NULL, big32),
    CASE("{\0\"", 0, NULL, NULL),
    CASE("{\0\"a", 0, NULL, NULL), /* a stray NUL byte */
    CASE("\0\0\0\0", 0, NULL, NULL),
    CASE("{}\0\0", 0, NULL, NULL),
    CASE("\x1F\x8B\x08\0", 0, NULL, "gzip, without Content-Encoding: gzip"),
    CASE("\x28\xB5\x2F\xFD", 0, NULL, "zstd, without Content-Encoding: zstd"),
    CASE("\x28\xB5\x2F", 0, NULL, NULL),
    CASE("\x78\x9C\xAB\x56", 0, NULL, "deflate, without Content-Encoding: deflate"),
    CASE("\x78\x9D\xAB\x56", 0, NULL, NULL),
};

static void expect(const char *what, size_t index, const char *found, const char *expected) {
    found = found ? found : "none";
    expected = expected ? expected : "none";
    if (strcmp(found, expected) != 0) {
        fail_msg("%s of case %zu: %s instead of %s", what, index, found, expected);
    }
}

static void the_first_bytes_tell_the_encoding(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct expectation *expected = &cases[i];
        const char *bytes = guarded_at_end(&guarded, expected->bytes, expected->length);
        assert_int_equal(byte_order_mark_length(bytes, expected->length), expected->mark);
        expect("the mark", i, byte_order_mark_foreign(bytes, expected->length), expected->foreign);
        expect("JSON", i, byte_order_mark_foreign_json(bytes, expected->length), expected->foreign_json);
    }
}

/* So a reader of pieces has to keep no more than these. */
static void four_bytes_tell_everything(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *bytes = cases[i].bytes;
        size_t length = cases[i].length;
        size_t first = length < BYTE_ORDER_MARK_BYTES_MAX ? length : BYTE_ORDER_MARK_BYTES_MAX;
        assert_int_equal(byte_order_mark_length(bytes, first), byte_order_mark_length(bytes, length));
        assert_ptr_equal(byte_order_mark_foreign(bytes, first), byte_order_mark_foreign(bytes, length));
        assert_ptr_equal(byte_order_mark_foreign_json(bytes, first), byte_order_mark_foreign_json(bytes, length));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bytes_tell_the_encoding),
        cmocka_unit_test(four_bytes_tell_everything),
    };
    return cmocka_run_group_tests_name("byte_order_mark", tests, set_up, tear_down);
}
