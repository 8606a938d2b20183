#include "codecs/json/document_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Beyond what an int counts, as jansson does: its own way to there would take ten seconds. One piece of spaces is
 * mapped again and again. */
static void what_is_wrong_behind_2_GiB_has_its_place(void **state) {
    (void)state;
    enum { PIECE = 64 << 20, PIECES = 33 };
    static const struct {
        const char *end, *wrong;
        enum json_error_code code;
        enum problem_kind kind;
    } cases[] = {{"\"x\":2}", "\"x\"", json_error_duplicate_key, PROBLEM_DUPLICATE_KEY},
                 {"\"y\":1e999}", "1e999", json_error_numeric_overflow, PROBLEM_NUMBER_OVERFLOW}};
    static const char begin[] = "{\"x\":1,";
    const size_t last = (size_t)PIECE * (PIECES + 1), first = PIECE - strlen(begin);
    int file = memfd_create("spaces", MFD_CLOEXEC);
    assert_true(file >= 0 && ftruncate(file, PIECE) == 0);
    char *memory = mmap(NULL, last + PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    for (size_t i = 1; i <= PIECES; i++) {
        char *piece = memory + i * PIECE;
        assert_ptr_equal(mmap(piece, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0), piece);
    }
    memset(memory + PIECE, ' ', PIECE);
    memcpy(memory + first, begin, strlen(begin));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *end = cases[i].end;
        size_t wrong = last - first + (size_t)(strstr(end, cases[i].wrong) - end);
        json_error_t error = {.position = (int)(uint32_t)(wrong + strlen(cases[i].wrong)), .text = "it"};
        error.text[JSON_ERROR_TEXT_LENGTH - 1] = (char)cases[i].code;
        struct problem problem = {0};
        char place[64];
        memcpy(memory + last, end, strlen(end));
        assert_int_equal(document_error_explain(memory + first, last - first + strlen(end), &error, &problem),
                         cases[i].kind);
        (void)snprintf(place, sizeof place, "at byte %zu: it", wrong + 1);
        if (strncmp(problem.detail, place, strlen(place)) != 0) {
            fail_msg("%s was expected: %s", place, problem.detail);
        }
    }
    munmap(memory, last + PIECE);
    close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_behind_2_GiB_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
