#include "server/system/webhook.h"

#include "tests/unit/fake_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The example of Standard Webhooks' own libraries. */
#define EXAMPLE_KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define EXAMPLE_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define PLAIN_SIGNATURE "v1,wQPHE30etN3IdNSsBWEpUTkdBa2QSCFE9rg8J/7ieEo=" /* Python's hmac */
static const char example_id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char example_body[] = "{\"test\": 2432232314}";
enum { EXAMPLE_S = 1614265330 };

static struct fake_tree tree;
static char path[PATH_MAX];
static char reason[WEBHOOK_REASON_BYTES];
static struct webhook_keys keys;

static int set_up(void **state) {
    (void)state;
    tree_init(&tree);
    (void)snprintf(path, sizeof path, "%s/keys", tree.root);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tree_deinit(&tree);
    return 0;
}

static bool read_keys(const char *text, size_t length) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return webhook_keys_read(path, &keys, reason);
}

static bool read_text(const char *text) {
    return read_keys(text, strlen(text));
}

static void assert_signed(const char *expected) {
    char signature[WEBHOOK_SIGNATURE_BYTES];
    assert_string_equal(webhook_sign(&keys, example_id, EXAMPLE_S, example_body, strlen(example_body), signature),
                        expected);
}

static void the_standards_example_is_signed_as_it_is_there(void **state) {
    (void)state;
    static const char *const files[] = {EXAMPLE_KEY, EXAMPLE_KEY "\n", "\r\n" EXAMPLE_KEY "\r\n\n"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_true(read_text(files[i]));
        assert_int_equal(keys.count, 1);
        assert_signed(EXAMPLE_SIGNATURE);
    }
}

static void a_plain_key_is_its_bytes(void **state) {
    (void)state;
    assert_true(read_text("an example of a key, in 32 bytes\n"));
    assert_signed(PLAIN_SIGNATURE);
}

static void each_key_signs(void **state) {
    (void)state;
    assert_true(read_text(EXAMPLE_KEY "\nan example of a key, in 32 bytes\n" EXAMPLE_KEY "\n" EXAMPLE_KEY));
    assert_int_equal(keys.count, WEBHOOK_KEYS_MAX);
    assert_signed(EXAMPLE_SIGNATURE " " PLAIN_SIGNATURE " " EXAMPLE_SIGNATURE " " EXAMPLE_SIGNATURE);
}

static void without_a_key_there_is_no_signature(void **state) {
    (void)state;
    keys = (struct webhook_keys){0};
    assert_signed("");
}

static void assert_refused(const char *text, const char *why) {
    if (read_text(text)) {
        fail_msg("\"%s\" was taken", text);
    }
    if (!strstr(reason, why) || strstr(reason, "secret!")) {
        fail_msg("\"%s\": %s", text, reason);
    }
    assert_int_equal(keys.count, 0);
}

static void what_is_no_key_is_refused_and_not_shown(void **state) {
    (void)state;
    char text[2048];
    assert_refused("", "no key");
    assert_refused("\n\r\n", "no key");
    assert_refused("secret! of 23 bytes....", "24 to 64 bytes");
    assert_refused("whsec_secret!", "base 64");
    assert_refused("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "base 64");
    assert_refused("whsec_c2VjcmV0IQ==", "24 to 64 bytes");
    assert_refused(EXAMPLE_KEY "\nsecret!", "24 to 64 bytes");
    assert_refused(EXAMPLE_KEY "\n" EXAMPLE_KEY "\n" EXAMPLE_KEY "\n" EXAMPLE_KEY "\n" EXAMPLE_KEY, "four keys");
    memset(text, 'x', sizeof text);
    text[64] = '\0';
    assert_true(read_text(text));
    text[64] = 'x';
    text[65] = '\0';
    assert_refused(text, "24 to 64 bytes");
    memset(text, '\n', sizeof text);
    assert_false(read_keys(text, sizeof text));
    assert_non_null(strstr(reason, "too long"));
    (void)snprintf(path, sizeof path, "%s/nowhere", tree.root);
    assert_false(webhook_keys_read(path, &keys, reason));
    assert_non_null(strstr(reason, "No such file"));
    assert_false(webhook_keys_read(tree.root, &keys, reason));
    assert_non_null(strstr(reason, "directory"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_standards_example_is_signed_as_it_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plain_key_is_its_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_key_signs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_key_there_is_no_signature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_refused_and_not_shown, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
