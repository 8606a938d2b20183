#include "server/system/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 180-4's examples, and the empty text. */
static const struct {
    const char *bytes;
    const char *digest;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void digests_are_sha_256(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char printed[DIGEST_TEXT_LENGTH + 1];
        size_t length = strlen(vectors[i].bytes);
        struct digest digest = digest_of(vectors[i].bytes, length);
        assert_string_equal(digest_print(&digest, printed), vectors[i].digest);
        for (size_t cut = 0; cut <= length; cut++) {
            struct digester digester;
            digester_init(&digester);
            digester_add(&digester, vectors[i].bytes, cut);
            digester_add(&digester, vectors[i].bytes + cut, length - cut);
            struct digest pieces = digester_end(&digester);
            assert_true(digest_equal(&pieces, &digest));
            digester_add(&digester, vectors[i].bytes, length); /* it began anew */
            pieces = digester_end(&digester);
            assert_true(digest_equal(&pieces, &digest));
        }
    }
}

static void only_what_is_printed_is_read(void **state) {
    (void)state;
    struct digest digest, read;
    char printed[DIGEST_TEXT_LENGTH + 2] = "";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        digest.bytes[i] = (unsigned char)(i * 37 + 11);
    }
    digest_print(&digest, printed);
    assert_true(digest_parse(&read, printed));
    assert_true(digest_equal(&read, &digest));
    for (size_t i = 0; i < DIGEST_TEXT_LENGTH; i++) {
        char kept = printed[i];
        const char wrong[] = {'g', 'A', '/', ' ', '\0'};
        for (size_t k = 0; k < sizeof wrong; k++) {
            printed[i] = wrong[k];
            assert_false(digest_parse(&read, printed));
        }
        printed[i] = kept;
    }
    printed[DIGEST_TEXT_LENGTH] = '0'; /* one too many */
    assert_false(digest_parse(&read, printed));
    digest.bytes[DIGEST_BYTES - 1]++;
    assert_false(digest_equal(&read, &digest));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_sha_256),
        cmocka_unit_test(only_what_is_printed_is_read),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
