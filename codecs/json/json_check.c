/* A value is passed from token to token; what is open is a bit each. */
#include "codecs/json/json_check.h"

#include "codecs/json/json_scan.h"
#include "codecs/json/json_text.h"
#include "codecs/json/readable.h"
#include "codecs/json/utf8.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* Tokens between two looks at the cancel flag: about 0.1 ms. */
enum { CANCEL_TOKENS = 8 * 1024 };

enum { PLAIN_MAX = 32, QUOTED_MAX = 32, READABLE_MAX = 16 };

struct json_checker {
    const char *bytes;
    size_t at;
    size_t end;
    size_t tokens;
    bool is_body; /* nothing is behind `end` */
    const _Atomic bool *cancel;
    struct problem *problem;
    size_t depth;
    uint64_t is_object[JSON_CHECK_DEPTH_MAX / 64]; /* of what is open */
};

/* The byte that can't be there, and what could. */
static bool refuse_byte(struct json_checker *checker, const char *expected) {
    const char *at = checker->bytes + checker->at;
    bool is_behind = checker->at == checker->end;
    size_t length = is_behind ? !checker->is_body : utf8_length(at, checker->end - checker->at);
    char shown[READABLE_MAX];
    if (!is_behind && length == 0) {
        (void)problem_set(checker->problem, PROBLEM_INVALID_UTF8, NULL, "at byte %zu: unable to decode byte 0x%02x",
                          checker->at + 1, (unsigned char)*at);
    } else if (length == 0) {
        (void)problem_set(checker->problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: %s expected near the end",
                          checker->at + 1, expected);
    } else {
        (void)problem_set(checker->problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: %s expected near '%s'",
                          checker->at + 1, expected, readable_print(at, length, shown, sizeof shown));
    }
    return false;
}

/* What numbers and words are made of, and what is none, if it looks like one. */
static bool is_token_byte(char byte) {
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '-' ||
           byte == '+' || byte == '.';
}

/* A number or a word that starts at `start`, up to where the checker is, can't be one: by a byte of its own, or by what
 * follows it. */
static bool refuse_token(struct json_checker *checker, size_t start) {
    const char *at = checker->bytes + checker->at;
    size_t end = start;
    while (end < checker->end && is_token_byte(checker->bytes[end])) {
        end++;
    }
    size_t length = end - start < QUOTED_MAX ? end - start : QUOTED_MAX;
    bool is_foreign = checker->at < checker->end && utf8_length(at, checker->end - checker->at) == 0;
    if (length == 0 || is_foreign) {
        return refuse_byte(checker, "a value");
    }
    (void)problem_set(checker->problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: invalid token near '%.*s'",
                      checker->at + 1, (int)length, checker->bytes + start);
    return false;
}

/* Past spaces: the byte there, '\0' at the end. */
static char check_peek(struct json_checker *checker) {
    while (checker->at < checker->end && json_is_space(checker->bytes[checker->at])) {
        checker->at++;
    }
    return checker->at < checker->end ? checker->bytes[checker->at] : '\0';
}

static bool check_is_set(const _Atomic bool *cancel) {
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* Past a string, if it is short and plain, as most names are: without that, batches of small items take half as long
 * again. */
static bool pass_plain_text(struct json_checker *checker) {
    const char *bytes = checker->bytes;
    size_t at = checker->at + 1;
    size_t limit = checker->end - at < PLAIN_MAX ? checker->end : at + PLAIN_MAX;
    while (at < limit && bytes[at] >= ' ' && bytes[at] < 0x7f && bytes[at] != '"' && bytes[at] != '\\') {
        at++;
    }
    bool is_plain = at < limit && bytes[at] == '"';
    checker->at = is_plain ? at + 1 : checker->at;
    return is_plain;
}

static bool check_text(struct json_checker *checker) {
    if (pass_plain_text(checker)) {
        return true;
    }
    struct json_span span = json_span_from(checker->at + 1);
    enum json_scan_end found = json_scan_text(checker->bytes, checker->end, checker->cancel, &span);
    if (found == JSON_SCAN_CUT) {
        if (check_is_set(checker->cancel)) {
            return false;
        }
        span.end = checker->end; /* the scan would go on in its midst */
    }
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

/* No number and no word goes on behind its end. */
static bool check_token_end(struct json_checker *checker, size_t start) {
    bool goes_on = checker->at < checker->end && is_token_byte(checker->bytes[checker->at]);
    return !goes_on || refuse_token(checker, start);
}

static bool check_word(struct json_checker *checker) {
    static const char *const words[] = {"true", "false", "null"};
    size_t start = checker->at;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *letter = words[i];
        while (*letter && checker->at < checker->end && checker->bytes[checker->at] == *letter) {
            checker->at++;
            letter++;
        }
        if (checker->at > start) { /* no two of them begin alike */
            return *letter ? refuse_token(checker, start) : check_token_end(checker, start);
        }
    }
    return refuse_token(checker, start);
}

static bool pass_byte(struct json_checker *checker, char a, char b) {
    bool is_there =
        checker->at < checker->end && (checker->bytes[checker->at] == a || checker->bytes[checker->at] == b);
    checker->at += is_there;
    return is_there;
}

/* False: there is none. */
static bool pass_digits(struct json_checker *checker) {
    const char *bytes = checker->bytes;
    size_t start = checker->at;
    size_t at = start; /* a byte may alias the checker's: this stays in a register */
    while (at < checker->end && bytes[at] >= '0' && bytes[at] <= '9') {
        at++;
    }
    checker->at = at;
    return at > start;
}

static bool check_number(struct json_checker *checker) {
    size_t start = checker->at;
    (void)pass_byte(checker, '-', '-');
    bool is_right = pass_byte(checker, '0', '0') || pass_digits(checker);
    if (is_right && pass_byte(checker, '.', '.')) {
        is_right = pass_digits(checker);
    }
    if (is_right && pass_byte(checker, 'e', 'E')) {
        (void)pass_byte(checker, '+', '-');
        is_right = pass_digits(checker);
    }
    return is_right ? check_token_end(checker, start) : refuse_token(checker, start);
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

static bool begins_value(char byte) {
    return byte != '\0' && strchr("{[\"-0123456789tfn", byte);
}

/* The beginning of a value: all of it, where *is_complete. */
static bool check_value(struct json_checker *checker, bool *is_complete) {
    char first = check_peek(checker);
    *is_complete = true;
    if (checker->depth == JSON_CHECK_DEPTH_MAX && begins_value(first)) {
        (void)problem_set(checker->problem, PROBLEM_TOO_DEEP, NULL,
                          "at byte %zu: maximum parsing depth reached near '%c'", checker->at + 1, first);
        return false;
    }
    switch (first) {
    case '{':
    case '[':
        return check_open(checker, first == '{', is_complete);
    case '"':
        return check_text(checker);
    case '-':
        return check_number(checker);
    default:
        return first >= '0' && first <= '9' ? check_number(checker) : check_word(checker);
    }
}

/* Something follows the last value. */
static bool refuse_rest(struct json_checker *checker) {
    const char *at = checker->bytes + checker->at;
    char shown[READABLE_MAX];
    size_t length = utf8_length(at, checker->end - checker->at);
    if (!checker->is_body || length == 0) {
        return refuse_byte(checker, "',' or ']'");
    }
    (void)problem_set(checker->problem, PROBLEM_TRAILING_DATA, NULL, "at byte %zu: end of file expected near '%s'",
                      checker->at + 1, readable_print(at, length, shown, sizeof shown));
    return false;
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
    return checker->at == checker->end || refuse_rest(checker);
}

static bool check_is_cancelled(struct json_checker *checker) {
    return ++checker->tokens % CANCEL_TOKENS == 0 && check_is_set(checker->cancel);
}

static enum problem_kind check_all(const char *bytes, size_t begin, size_t end, bool is_body,
                                   const _Atomic bool *cancel, struct problem *problem) {
    struct json_checker checker;
    memset(&checker, 0, offsetof(struct json_checker, is_object)); /* a bit is set before it is looked at */
    checker.bytes = bytes;
    checker.at = begin;
    checker.end = end;
    checker.is_body = is_body;
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

enum problem_kind json_check(const char *bytes, size_t begin, size_t end, const _Atomic bool *cancel,
                             struct problem *problem) {
    return check_all(bytes, begin, end, false, cancel, problem);
}

enum problem_kind json_check_body(const char *bytes, size_t begin, size_t end, const _Atomic bool *cancel,
                                  struct problem *problem) {
    return check_all(bytes, begin, end, true, cancel, problem);
}
