/* A value is passed from token to token; what is open is a bit each. */
#include "codecs/json/json_check.h"

#include "codecs/json/json_scan.h"
#include "codecs/json/json_text.h"
#include "codecs/numbers/number_read.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* Tokens between two looks at the cancel flag: about 0.1 ms. */
enum { CANCEL_TOKENS = 8 * 1024 };

struct json_checker {
    const char *bytes;
    size_t at;
    size_t end;
    size_t tokens;
    const _Atomic bool *cancel;
    struct problem *problem;
    size_t depth;
    uint64_t is_object[JSON_CHECK_DEPTH_MAX / 64]; /* of what is open */
};

static bool refuse_byte(struct json_checker *checker, const char *expected) {
    unsigned char byte = (unsigned char)checker->bytes[checker->at];
    if (checker->at == checker->end) {
        (void)problem_set(checker->problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: %s expected near '%c'",
                          checker->at + 1, expected, byte);
    } else {
        (void)problem_set(checker->problem, PROBLEM_INVALID_JSON, NULL,
                          byte > ' ' && byte < 0x7f ? "at byte %zu: %s expected near '%c'"
                                                    : "at byte %zu: %s expected near '\\x%02x'",
                          checker->at + 1, expected, byte);
    }
    return false;
}

/* Past spaces: the byte there, '\0' at the end. */
static char check_peek(struct json_checker *checker) {
    while (checker->at < checker->end && json_is_space(checker->bytes[checker->at])) {
        checker->at++;
    }
    return checker->at < checker->end ? checker->bytes[checker->at] : '\0';
}

static bool check_text(struct json_checker *checker) {
    struct json_span span = json_span_from(checker->at + 1);
    enum json_scan_end found = json_scan_text(checker->bytes, checker->end, checker->cancel, &span);
    if (json_text_check(checker->bytes, &span, checker->cancel, checker->problem)) {
        return false;
    }
    checker->at = span.end;
    if (found != JSON_SCAN_CLOSED) {
        return refuse_byte(checker, "a string's end");
    }
    checker->at++;
    return true;
}

static bool check_literal(struct json_checker *checker) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (checker->end - checker->at >= length && memcmp(checker->bytes + checker->at, words[i], length) == 0) {
            checker->at += length;
            return true;
        }
    }
    return refuse_byte(checker, "a value");
}

static bool check_number(struct json_checker *checker) {
    double unused = 0;
    struct number_reading reading = number_read(checker->bytes + checker->at, checker->bytes + checker->end, &unused);
    checker->at = (size_t)(reading.end - checker->bytes);
    return reading.status != NUMBER_MALFORMED || refuse_byte(checker, "a number");
}

static bool check_name(struct json_checker *checker) {
    if (check_peek(checker) != '"') {
        return refuse_byte(checker, "a name");
    }
    if (!check_text(checker)) {
        return false;
    }
    if (check_peek(checker) != ':') {
        return refuse_byte(checker, "':'");
    }
    checker->at++;
    return true;
}

/* Up to an object's first value, or an array's; past its end where it is empty, which *is_complete tells. */
static bool check_open(struct json_checker *checker, bool is_object, bool *is_complete) {
    if (checker->depth == JSON_CHECK_DEPTH_MAX) {
        (void)problem_set(checker->problem, PROBLEM_TOO_DEEP, NULL, "at byte %zu: maximum parsing depth reached",
                          checker->at + 1);
        return false;
    }
    checker->at++;
    *is_complete = check_peek(checker) == (is_object ? '}' : ']');
    if (*is_complete) {
        checker->at++;
        return true;
    }
    uint64_t bit = UINT64_C(1) << checker->depth % 64;
    uint64_t *word = &checker->is_object[checker->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    checker->depth++;
    return !is_object || check_name(checker);
}

/* The beginning of a value: all of it, where *is_complete. */
static bool check_value(struct json_checker *checker, bool *is_complete) {
    char first = check_peek(checker);
    *is_complete = true;
    switch (first) {
    case '{':
    case '[':
        return check_open(checker, first == '{', is_complete);
    case '"':
        return check_text(checker);
    case '-':
        return check_number(checker);
    default:
        return first >= '0' && first <= '9' ? check_number(checker) : check_literal(checker);
    }
}

/* What follows a value: brackets that close, and a comma and what has to come before the next value. *is_over: that was
 * the last one. */
static bool check_next(struct json_checker *checker, bool *is_over) {
    while (checker->depth > 0) {
        size_t last = checker->depth - 1;
        bool in_object = (checker->is_object[last / 64] >> last % 64) & 1;
        char byte = check_peek(checker);
        if (byte == ',') {
            checker->at++;
            return !in_object || check_name(checker);
        }
        if (byte != (in_object ? '}' : ']')) {
            return refuse_byte(checker, in_object ? "',' or '}'" : "',' or ']'");
        }
        checker->at++;
        checker->depth--;
    }
    *is_over = true;
    (void)check_peek(checker);
    return checker->at == checker->end || refuse_byte(checker, "',' or ']'");
}

static bool check_is_cancelled(struct json_checker *checker) {
    return ++checker->tokens % CANCEL_TOKENS == 0 && checker->cancel &&
           atomic_load_explicit(checker->cancel, memory_order_relaxed);
}

enum problem_kind json_check(const char *bytes, size_t begin, size_t end, const _Atomic bool *cancel,
                             struct problem *problem) {
    struct json_checker checker;
    memset(&checker, 0, offsetof(struct json_checker, is_object)); /* a bit is set before it is looked at */
    checker.bytes = bytes;
    checker.at = begin;
    checker.end = end;
    checker.cancel = cancel;
    checker.problem = problem;
    bool is_over = false;
    bool is_complete = false;
    while (!is_over && !check_is_cancelled(&checker)) {
        if (!check_value(&checker, &is_complete) || (is_complete && !check_next(&checker, &is_over))) {
            break;
        }
    }
    return problem->kind;
}
