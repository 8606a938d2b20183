#include "codecs/coding/content_coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void one_known_coding_is_understood(void **state) {
    (void)state;
    static const struct {
        const char *header;
        enum content_coding coding;
    } cases[] = {{NULL, CONTENT_IDENTITY},       {"", CONTENT_IDENTITY},         {" \t", CONTENT_IDENTITY},
                 {"identity", CONTENT_IDENTITY}, {"gzip", CONTENT_GZIP},         {"GZip", CONTENT_GZIP},
                 {" gzip\t", CONTENT_GZIP},      {"x-gzip", CONTENT_GZIP},       {"X-GZIP", CONTENT_GZIP},
                 {"zstd", CONTENT_ZSTD},         {"Identity", CONTENT_IDENTITY}, {"deflate", CONTENT_DEFLATE},
                 {"DEFLATE ", CONTENT_DEFLATE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum content_coding coding = CONTENT_IDENTITY;
        struct problem problem = {0};
        if (content_coding_parse(cases[i].header, &coding, &problem) || coding != cases[i].coding) {
            fail_msg("\"%s\": %s %s", cases[i].header, content_coding_name(coding), problem.detail);
        }
    }
}

static void other_and_several_codings_are_refused(void **state) {
    (void)state;
    static const char *const headers[] = {"br",        "x-deflate", "zlib",     "deflate, gzip", "gzip, gzip",
                                          "gzip,zstd", "gzip zstd", "gzip;q=1", "gzi",           "gzipp",
                                          "*",         ",",         "gzip,",    "identity, gzip"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        enum content_coding coding = CONTENT_IDENTITY;
        struct problem problem = {0};
        enum problem_kind kind = content_coding_parse(headers[i], &coding, &problem);
        if (kind != PROBLEM_UNSUPPORTED_ENCODING || !strstr(problem.detail, headers[i])) {
            fail_msg("\"%s\": %s, \"%s\"", headers[i], problem_slug(kind), problem.detail);
        }
    }
}

static const struct {
    const char *header;
    enum content_coding coding;
    bool must;
} choices[] = {
    {NULL, CONTENT_IDENTITY, false},
    {"", CONTENT_IDENTITY, false},
    {"gzip", CONTENT_GZIP, false},
    {"x-gzip", CONTENT_GZIP, false},
    {"ZSTD", CONTENT_ZSTD, false},
    {"br, compress", CONTENT_IDENTITY, false},
    {"br, deflate", CONTENT_DEFLATE, false},
    {"Deflate", CONTENT_DEFLATE, false},
    {"deflate, gzip;q=0.9", CONTENT_DEFLATE, false},
    {"deflate, zstd", CONTENT_ZSTD, false},
    {"deflate;q=0.5, identity;q=0.7", CONTENT_IDENTITY, false},
    {"deflate;q=0", CONTENT_IDENTITY, false},
    {"deflate;q=0, *;q=0, gzip", CONTENT_GZIP, true},
    {"deflate, identity;q=0", CONTENT_DEFLATE, true},
    {"deflate, *;q=0", CONTENT_DEFLATE, true},
    {"gzip, deflate, identity;q=0", CONTENT_GZIP, true},
    {"gzip, deflate, br, zstd", CONTENT_ZSTD, false},
    {"gzip, deflate", CONTENT_GZIP, false},
    {" gzip ;\tq=0.8 , zstd ; q=0.5", CONTENT_GZIP, false},
    {"gzip;q=0.8,zstd;Q=0.801", CONTENT_ZSTD, false},
    {"gzip;q=0", CONTENT_IDENTITY, false},
    {"gzip;q=0.000", CONTENT_IDENTITY, false},
    {"gzip;q=0.001", CONTENT_GZIP, false},
    {"gzip;q=0.5, identity", CONTENT_IDENTITY, false},
    {"gzip;q=0.5, identity;q=0.5", CONTENT_GZIP, false},
    {"gzip, identity;q=0", CONTENT_GZIP, true},
    {"zstd;q=0.1, *;q=0", CONTENT_ZSTD, true},
    {"gzip, *;q=0, identity", CONTENT_GZIP, false},
    {"*", CONTENT_IDENTITY, false},
    {"*;q=0.5", CONTENT_IDENTITY, false},
    {"identity;q=0, *", CONTENT_GZIP, true},
    {"identity;q=0, gzip;q=0, *", CONTENT_ZSTD, true},
    {"identity;q=0, gzip;q=0, zstd;q=0, *", CONTENT_DEFLATE, true},
    {"identity;q=0.5, *;q=0", CONTENT_IDENTITY, false},
    {"gzip;q=0, gzip", CONTENT_IDENTITY, false},
    {",, ,gzip,", CONTENT_GZIP, false},
    /* weights as clients write them; what is none is 1 */
    {"gzip;q=.5, zstd;q=.4", CONTENT_GZIP, false},
    {"gzip;q = 0, identity ; q = 0 , zstd\t;\tq\t=\t0.1", CONTENT_ZSTD, true},
    {"gzip;q=.0", CONTENT_IDENTITY, false},
    {"gzip;q=\"0\"", CONTENT_IDENTITY, false},
    {"gzip;q=0.5000, zstd;q=0.4999", CONTENT_GZIP, false},
    {"gzip;q=0.0001", CONTENT_GZIP, false},
    {"gzip;q=2, zstd;q=0.5", CONTENT_GZIP, false},
    {"gzip;q=1.001, zstd;q=0.5", CONTENT_GZIP, false},
    {"gzip;q=, zstd;q=0.5", CONTENT_GZIP, false},
    {"gzip;q=-1, zstd;q=0.5", CONTENT_GZIP, false},
    {"gzip;, zstd;q=0.5", CONTENT_GZIP, false},
    {"gzip; , zstd;q=0.5", CONTENT_GZIP, false},
    {"gzip;q=x, zstd;q=1.000", CONTENT_ZSTD, false},
    {"identity;q=nothing, gzip;q=0.1", CONTENT_IDENTITY, false},
    /* malformed elements are not there */
    {"gzip;level=5", CONTENT_IDENTITY, false},
    {"gzip;q", CONTENT_IDENTITY, false},
    {"gzip;q=1;level=5", CONTENT_IDENTITY, false},
    {"gzip zstd", CONTENT_IDENTITY, false},
    {"gzip q=1", CONTENT_IDENTITY, false},
    {"gzip x", CONTENT_IDENTITY, false},
    {"* =", CONTENT_IDENTITY, false},
    {"gzip ;", CONTENT_GZIP, false},
};

static void the_heaviest_named_coding_is_chosen(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        enum content_coding coding = CONTENT_IDENTITY;
        bool must = false;
        struct problem problem = {0};
        char *header = choices[i].header ? strdup(choices[i].header) : NULL; /* nothing is read behind its end */
        if (content_coding_choose(header, CONTENT_MADE, &coding, &must, &problem) || coding != choices[i].coding ||
            must != choices[i].must) {
            fail_msg("\"%s\": %s, must %d, %s", choices[i].header, content_coding_name(coding), must, problem.detail);
        }
        free(header);
    }
}

static void a_client_that_refuses_everything_gets_nothing(void **state) {
    (void)state;
    static const char *const headers[] = {"*;q=0",
                                          "identity;q=0",
                                          "identity;q=0, br",
                                          "identity;q=0, gzip;q=0, zstd;q=0, deflate;q=0, *",
                                          "gzip;q=0, *;q=0",
                                          "deflate;q=0, identity;q=0"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        enum content_coding coding = CONTENT_IDENTITY;
        bool must = false;
        struct problem problem = {0};
        enum problem_kind kind = content_coding_choose(headers[i], CONTENT_MADE, &coding, &must, &problem);
        if (kind != PROBLEM_NOT_ACCEPTABLE) {
            fail_msg("\"%s\": %s, %s", headers[i], problem_slug(kind), content_coding_name(coding));
        }
    }
}

static void of_a_file_there_is_no_deflate(void **state) {
    (void)state;
    static const struct {
        const char *header;
        enum problem_kind kind;
        enum content_coding coding;
    } cases[] = {
        {"deflate", PROBLEM_NONE, CONTENT_IDENTITY},
        {"deflate;q=1, gzip;q=0.1", PROBLEM_NONE, CONTENT_GZIP},
        {"deflate;q=1, gzip;q=0.1, identity;q=0", PROBLEM_NONE, CONTENT_GZIP},
        {"deflate, zstd;q=0.2, gzip;q=0.1", PROBLEM_NONE, CONTENT_ZSTD},
        {"deflate, identity;q=0", PROBLEM_NOT_ACCEPTABLE, CONTENT_IDENTITY},
        {"deflate, *, identity;q=0", PROBLEM_NONE, CONTENT_GZIP},
        {"gzip;q=0, zstd;q=0, *, identity;q=0", PROBLEM_NOT_ACCEPTABLE, CONTENT_IDENTITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum content_coding coding = CONTENT_IDENTITY;
        bool must = false;
        struct problem problem = {0};
        enum problem_kind kind = content_coding_choose(cases[i].header, CONTENT_STORED, &coding, &must, &problem);
        if (kind != cases[i].kind || coding != cases[i].coding || strstr(problem.detail, "gzip, deflate")) {
            fail_msg("\"%s\": %s, %s", cases[i].header, content_coding_name(coding), problem.detail);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_known_coding_is_understood),
        cmocka_unit_test(other_and_several_codings_are_refused),
        cmocka_unit_test(the_heaviest_named_coding_is_chosen),
        cmocka_unit_test(of_a_file_there_is_no_deflate),
        cmocka_unit_test(a_client_that_refuses_everything_gets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
