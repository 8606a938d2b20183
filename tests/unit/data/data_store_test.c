/* The store in memory. ctest: threads */
#include "tests/unit/data/data_case.h"
#include "tests/unit/fake_clock.h"

#include <pthread.h>
#include <unistd.h>

static int set_up(void **state) {
    (void)state;
    open_store(DATA_LIMIT, -1);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    close_store();
    return 0;
}

static void what_is_put_is_found(void **state) {
    (void)state;
    expect_nothing("a");
    put_text("a", "one");
    put_text("a/b", "two");
    put_text("empty", "");
    expect_text("a", "one");
    expect_text("a/b", "two");
    expect_text("empty", "");
    expect_nothing("a/");
    assert_int_equal(delete_name("a"), PROBLEM_NONE);
    assert_int_equal(delete_name("a"), PROBLEM_NOT_FOUND);
    expect_nothing("a");
    expect_text("a/b", "two");
}

static void who_has_a_version_keeps_it(void **state) {
    (void)state;
    put_text("a", "one");
    struct data_version *version = data_store_find(store, view("a"));
    struct payload payload = data_version_payload(version, 1, 2);
    data_version_drop(version);
    put_text("a", "two");
    assert_int_equal(delete_name("a"), PROBLEM_NONE);
    assert_int_equal(payload.length, 2);
    assert_memory_equal(payload.bytes, "ne", 2);
    assert_false(payload_is_writable(&payload));
    assert_ptr_equal(data_version_of(&payload), version);
    payload_drop(&payload);
}

static void replacing_is_told_and_tags_differ(void **state) {
    (void)state;
    struct data_receipt first, second;
    struct problem problem = {0};
    assert_int_equal(put_with("a", "one", 0, NULL, &first, &problem), PROBLEM_NONE);
    assert_int_equal(put_with("a", "one", 0, NULL, &second, &problem), PROBLEM_NONE);
    assert_false(first.replaced);
    assert_true(second.replaced);
    assert_string_not_equal(first.version->tag, second.version->tag);
    assert_int_equal(first.version->tag[0], '"');
    assert_int_equal(first.version->tag[strlen(first.version->tag) - 1], '"');
    data_version_drop(first.version);
    data_version_drop(second.version);
}

static void names_are_listed_in_their_order(void **state) {
    (void)state;
    static const char *const names[] = {"b", "a", "b/2", "b/10", "c", "b-1", "b/1"};
    bool more;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put_text(names[i], "x");
    }
    assert_string_equal(listed("", "", 32, &more), "a b b-1 b/1 b/10 b/2 c");
    assert_false(more);
    assert_string_equal(listed("b/", "", 32, &more), "b/1 b/10 b/2");
    assert_false(more);
    assert_string_equal(listed("b/", "b/1", 32, &more), "b/10 b/2");
    assert_string_equal(listed("b/", "", 2, &more), "b/1 b/10");
    assert_true(more);
    assert_string_equal(listed("b/", "a", 1, &more), "b/1");
    assert_string_equal(listed("b/", "c", 32, &more), "");
    assert_false(more);
    assert_string_equal(listed("d", "", 32, &more), "");
    assert_string_equal(listed("", "b", 1, &more), "b-1");
}

static void all_with_a_prefix_go(void **state) {
    (void)state;
    enum { COUNT = 300 };
    bool more;
    struct data_deleted deleted;
    struct problem problem = {0};
    put_text("t", "stays");
    put_text("u", "stays");
    for (int i = 0; i < COUNT; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "t/%d", i);
        put_text(name, "12345");
    }
    assert_int_equal(data_store_delete_all(store, view("t/"), &deleted, &problem), PROBLEM_NONE);
    assert_int_equal(deleted.count, COUNT);
    assert_int_equal(deleted.bytes, 5 * COUNT);
    assert_string_equal(listed("", "", 32, &more), "t u");
    assert_int_equal(data_store_delete_all(store, view(""), &deleted, &problem), PROBLEM_NONE);
    assert_int_equal(deleted.count, 2);
    assert_int_equal(data_store_state(store).count, 0);
    assert_int_equal(data_store_state(store).used_bytes, 0);
}

/* --- conditions -------------------------------------------------------------------------------------------------- */

static enum problem_kind put_if(const char *match, const char *none_match) {
    struct data_receipt receipt;
    struct problem problem = {0};
    struct data_conditions conditions = {{0}, {0}};
    if (match) {
        conditions.if_match = view(match);
    }
    if (none_match) {
        conditions.if_none_match = view(none_match);
    }
    enum problem_kind kind = put_with("a", "new", 0, &conditions, &receipt, &problem);
    data_version_drop(receipt.version);
    return kind;
}

static const char *tag_of(const char *name) {
    static char tag[DATA_TAG_MAX];
    struct data_version *version = data_store_find(store, view(name));
    memcpy(tag, version->tag, sizeof tag);
    data_version_drop(version);
    return tag;
}

static void conditions_hold_or_nothing_changes(void **state) {
    (void)state;
    assert_int_equal(put_if("*", NULL), PROBLEM_PRECONDITION_FAILED);
    assert_int_equal(put_if("\"a\"", NULL), PROBLEM_PRECONDITION_FAILED);
    assert_int_equal(put_if("", NULL), PROBLEM_PRECONDITION_FAILED);
    expect_nothing("a");
    assert_int_equal(put_if(NULL, "*"), PROBLEM_NONE);
    put_text("a", "old");
    assert_int_equal(put_if(NULL, "*"), PROBLEM_PRECONDITION_FAILED);
    assert_int_equal(put_if(NULL, tag_of("a")), PROBLEM_PRECONDITION_FAILED);
    assert_int_equal(put_if("\"b\"", NULL), PROBLEM_PRECONDITION_FAILED);
    expect_text("a", "old");
    assert_int_equal(put_if(tag_of("a"), NULL), PROBLEM_NONE);
    expect_text("a", "new");
    assert_int_equal(put_if("*", NULL), PROBLEM_NONE);
    assert_int_equal(put_if(NULL, "\"b\""), PROBLEM_NONE);
}

static void deleting_has_conditions_too(void **state) {
    (void)state;
    struct problem problem = {0};
    put_text("a", "old");
    struct data_conditions other = {.if_match = view("\"x\"")};
    assert_int_equal(data_store_delete(store, view("a"), &other, &problem), PROBLEM_PRECONDITION_FAILED);
    expect_text("a", "old");
    struct data_conditions seen = {.if_match = view(tag_of("a"))};
    problem = (struct problem){0};
    assert_int_equal(data_store_delete(store, view("a"), &seen, &problem), PROBLEM_NONE);
    expect_nothing("a");
}

/* --- room -------------------------------------------------------------------------------------------------------- */

static char large[DATA_LIMIT];

static void fill_large(size_t length) {
    memset(large, 'l', length);
    large[length] = '\0';
}

static void what_has_no_room_is_refused_with_the_figures(void **state) {
    (void)state;
    struct data_receipt receipt;
    struct problem problem = {0};
    fill_large(DATA_LIMIT * 3 / 4);
    put_text("a", large);
    size_t before = used_bytes();
    assert_int_equal(put_with("b", large, 0, NULL, &receipt, &problem), PROBLEM_DATA_FULL);
    char limit[32];
    (void)snprintf(limit, sizeof limit, "is %d", DATA_LIMIT);
    assert_non_null(strstr(problem.detail, limit));
    assert_null(receipt.version);
    assert_int_equal(used_bytes(), before);
    expect_nothing("b");
    assert_int_equal(data_store_check(store, view("b"), strlen(large), &(struct data_conditions){0}, &problem),
                     PROBLEM_DATA_FULL);
    assert_int_equal(delete_name("a"), PROBLEM_NONE);
    put_text("b", large);
}

static void replacing_takes_the_room_of_what_it_replaces(void **state) {
    (void)state;
    struct data_receipt receipt;
    struct problem problem = {0};
    fill_large(DATA_LIMIT * 3 / 4);
    put_text("a", large);
    put_text("a", large);
    struct data_version *reader = data_store_find(store, view("a"));
    assert_int_equal(put_with("a", large, 0, NULL, &receipt, &problem), PROBLEM_DATA_FULL);
    data_version_drop(reader);
    put_text("a", large);
}

static void versions_count_until_nobody_has_them(void **state) {
    (void)state;
    put_text("a", "one");
    size_t one = data_store_state(store).used_bytes;
    struct data_version *reader = data_store_find(store, view("a"));
    assert_int_equal(delete_name("a"), PROBLEM_NONE);
    assert_int_equal(data_store_state(store).used_bytes, one);
    data_version_drop(reader);
    assert_int_equal(data_store_state(store).used_bytes, 0);
    assert_int_equal(used_bytes(), 0);
}

static void no_memory_is_told_and_nothing_has_changed(void **state) {
    (void)state;
    struct data_receipt receipt;
    struct problem problem = {0};
    put_text("a", "old");
    size_t rest = MEMORY_LIMIT - used_bytes() - 100;
    assert_true(memory_budget_charge(&budget, rest));
    assert_int_equal(put_with("a", "new", 0, NULL, &receipt, &problem), PROBLEM_MEMORY_LIMIT);
    assert_true(receipt.missing_bytes > 0);
    memory_budget_refund(&budget, rest);
    expect_text("a", "old");
}

static void bodies_are_taken_over_without_a_copy(void **state) {
    (void)state;
    enum { BYTES = 1 << 19 };
    struct account account;
    struct payload body;
    struct data_receipt receipt;
    struct problem problem = {0};
    account_init(&account, &budget, host.buffers);
    assert_true(payload_take(&body, &account.base, BYTES));
    memset(body.bytes, 'b', BYTES);
    body.length = BYTES;
    const char *bytes = body.bytes;
    size_t before = used_bytes();
    struct data_put put = {.name = view("a"),
                           .about = {.kind = DATA_TEXT, .shape = {1, 1}},
                           .content = &body,
                           .bytes = body.bytes + 8,
                           .length = BYTES - 8};
    assert_int_equal(data_store_put(store, &put, &receipt, &problem), PROBLEM_NONE);
    assert_null(body.owner);
    assert_ptr_equal(receipt.version->bytes, bytes + 8);
    assert_in_range(used_bytes(), before, before + 4096);
    account_close(&account);
    data_version_drop(receipt.version);
}

/* --- expiry ------------------------------------------------------------------------------------------------------ */

static void what_has_expired_is_gone(void **state) {
    (void)state;
    struct data_receipt receipt;
    struct problem problem = {0};
    bool more;
    fake_clock_install(NS_PER_S);
    open_store(DATA_LIMIT, -1);
    fill_large(DATA_LIMIT * 3 / 4);
    put_text("stays", "x");
    assert_int_equal(put_with("goes", large, 10, NULL, &receipt, &problem), PROBLEM_NONE);
    assert_true(receipt.version->expires_ms == receipt.version->created_ms + 10000);
    data_version_drop(receipt.version);
    fake_clock_advance(10 * NS_PER_S - 1);
    expect_text("goes", large);
    fake_clock_advance(1);
    expect_nothing("goes");
    assert_string_equal(listed("", "", 32, &more), "stays");
    assert_int_equal(put_if(NULL, "*"), PROBLEM_NONE); /* "a" */
    put_text("other", large);                          /* has its room */
    data_store_sweep(store);
    assert_int_equal(data_store_state(store).count, 3);
    close_store();
    fake_clock_remove();
}

static void what_has_expired_is_freed_though_nobody_asks(void **state) {
    (void)state;
    struct data_receipt receipt;
    struct problem problem = {0};
    assert_int_equal(put_with("goes", "x", 1, NULL, &receipt, &problem), PROBLEM_NONE);
    data_version_drop(receipt.version);
    while (data_store_state(store).count > 0) {
        usleep(1000);
    }
}

/* --- digests ----------------------------------------------------------------------------------------------------- */

static void digests_are_computed_when_asked_for(void **state) {
    (void)state;
    char text[DIGEST_TEXT_LENGTH + 1];
    struct digest digest;
    atomic_bool cancel = true;
    put_text("a", "abc");
    struct data_version *version = data_store_find(store, view("a"));
    assert_false(data_version_knows_digest(version, &digest));
    assert_false(data_version_digest(version, &cancel, &digest));
    assert_true(data_version_digest(version, NULL, &digest));
    assert_string_equal(digest_print(&digest, text),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(data_version_knows_digest(version, &digest));
    data_version_drop(version);
}

/* --- many threads ------------------------------------------------------------------------------------------------ */

enum { THREADS = 4, STEPS = 2000, NAMES = 5 };

/* Every version's bytes are one letter repeated: a mix of two would show. */
static void look_at(const char *name) {
    struct data_version *version = data_store_find(store, view(name));
    if (!version) {
        return;
    }
    for (size_t i = 1; i < version->length; i++) {
        assert_int_equal(version->bytes[i], version->bytes[0]);
    }
    assert_int_equal(version->length, 100 + (size_t)(version->bytes[0] - 'a'));
    data_version_drop(version);
}

static void *change_at_random(void *context) {
    uint64_t random = (uintptr_t)context * UINT64_C(0x9E3779B97F4A7C15);
    for (unsigned step = 0; step < STEPS; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        char name[] = {'n', (char)('0' + random % NAMES), '\0'};
        char text[200];
        size_t length = 100 + random / 16 % 26;
        memset(text, (char)('a' + random / 16 % 26), length);
        text[length] = '\0';
        switch (random / 1024 % 8) {
        case 0:
            (void)delete_name(name);
            break;
        case 1:
        case 2:
            put_text(name, text);
            break;
        case 3: {
            struct data_deleted deleted;
            struct problem problem = {0};
            if (step % 16 == 0) {
                assert_int_equal(data_store_delete_all(store, view("n"), &deleted, &problem), PROBLEM_NONE);
            }
            break;
        }
        case 4: {
            struct data_version *versions[NAMES];
            bool more;
            size_t count = data_store_list(store, view("n"), view(""), NAMES, versions, &more);
            for (size_t i = 0; i < count; i++) {
                data_version_drop(versions[i]);
            }
            break;
        }
        default:
            look_at(name);
        }
    }
    return NULL;
}

static void threads_see_one_version_or_another(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, change_at_random, (void *)(i + 1)), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    struct data_deleted deleted;
    struct problem problem = {0};
    assert_int_equal(data_store_delete_all(store, view(""), &deleted, &problem), PROBLEM_NONE);
    assert_int_equal(data_store_state(store).used_bytes, 0);
}

int main(void) {
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_put_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_a_version_keeps_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replacing_is_told_and_tags_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_listed_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_with_a_prefix_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conditions_hold_or_nothing_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleting_has_conditions_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_room_is_refused_with_the_figures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replacing_takes_the_room_of_what_it_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_count_until_nobody_has_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory_is_told_and_nothing_has_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bodies_are_taken_over_without_a_copy, set_up, tear_down),
        cmocka_unit_test(what_has_expired_is_gone),
        cmocka_unit_test_setup_teardown(what_has_expired_is_freed_though_nobody_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(digests_are_computed_when_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_see_one_version_or_another, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("data_store", tests, NULL, NULL);
}
