#pragma once
/* Request bodies for tests: random valid ones, spoilt ones, and a place for them between two pages that can't be read.
 * The numbers are xorshift's, so that a failing seed fails again. */
#include "codecs/numbers/number_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct body {
    char bytes[4096];
    size_t length;
    uint64_t random;
};

static inline uint64_t body_random(struct body *body) {
    body->random ^= body->random << 13;
    body->random ^= body->random >> 7;
    body->random ^= body->random << 17;
    return body->random * 0x2545F4914F6CDD1D >> 11;
}

static inline size_t body_below(struct body *body, size_t limit) {
    return (size_t)(body_random(body) % limit);
}

static inline void body_put(struct body *body, const char *text) {
    size_t length = strlen(text);
    if (sizeof body->bytes - body->length > length) {
        memcpy(body->bytes + body->length, text, length);
        body->length += length;
    }
}

static inline const char *body_pick(struct body *body, const char *const *choices, size_t count) {
    return choices[body_below(body, count)];
}

#define BODY_PICK(body, list) body_pick(body, list, sizeof(list) / sizeof((list)[0]))

static inline void body_put_space(struct body *body) {
    static const char *const spaces[] = {"", "", "", "", " ", "\n", "\t", "\r", "  \n"};
    body_put(body, BODY_PICK(body, spaces));
}

static inline void body_put_number(struct body *body) {
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "1",
                                          "-1",
                                          "7.5",
                                          "1e3",
                                          "1E+2",
                                          "2.5e-3",
                                          "-0.0",
                                          "0e0",
                                          "123456",
                                          "9007199254740993",
                                          "1.7976931348623157e308",
                                          "5e-324",
                                          "2e-324",
                                          "1e-400",
                                          "0.1",
                                          "123456789012345678901234567890",
                                          "-1.25E-0",
                                          "0.00000000000000000001",
                                          "2.2250738585072011e-308",
                                          "3.14159265358979323846"};
    if (body_below(body, 2)) {
        body_put(body, BODY_PICK(body, numbers));
        return;
    }
    uint64_t bits = body_random(body) << 11 ^ body_random(body);
    double value;
    memcpy(&value, &bits, sizeof value);
    char text[NUMBER_TEXT_MAX + 1] = {0};
    if (!isfinite(value)) {
        value = 0.5;
    }
    number_text_double(value, text);
    body_put(body, text);
}

static inline void body_put_string(struct body *body) {
    static const char *const parts[] = {"a",
                                        "the words of a text that is longer than one vector of bytes",
                                        " ",
                                        "\\n",
                                        "\\\"",
                                        "\\\\",
                                        "\\/",
                                        "\\u0041",
                                        "\\u00e9",
                                        "\\u0000",
                                        "\\ud83d\\ude00",
                                        "\xC3\xA9",
                                        "\xE2\x82\xAC",
                                        "\xF0\x9F\x98\x80",
                                        "\x7F",
                                        "{[,:]}",
                                        "\\t\\b\\f\\r",
                                        "\\u20AC",
                                        "0123456789abcdef"};
    body_put(body, "\"");
    for (size_t count = body_below(body, 8); count > 0; count--) {
        body_put(body, BODY_PICK(body, parts));
    }
    body_put(body, "\"");
}

static inline void body_put_numbers(struct body *body, size_t count) {
    body_put(body, "[");
    for (; count > 0; count--) {
        body_put_space(body);
        body_put_number(body);
        body_put_space(body);
        body_put(body, count > 1 ? "," : "");
    }
    body_put(body, "]");
}

/* Of one length in three of four cases. */
static inline void body_put_rows(struct body *body) {
    bool is_even = body_below(body, 4) > 0;
    size_t columns = body_below(body, 5);
    body_put(body, "[");
    for (size_t count = body_below(body, 7); count > 0; count--) {
        body_put_space(body);
        body_put_numbers(body, is_even ? columns : body_below(body, 4));
        body_put_space(body);
        body_put(body, count > 1 ? "," : "");
    }
    body_put(body, "]");
}

static inline void body_put_value(struct body *body) {
    static const char *const others[] = {"null",
                                         "true",
                                         "false",
                                         "{}",
                                         "[]",
                                         "[ ]",
                                         "{\"x\":[1],\"text\":\"}\"}",
                                         "[[1],[2]]",
                                         "[[1],2,[3]]",
                                         "[[1],[[2]]]",
                                         "[[],[]]",
                                         "[1,\"]\",{\"a\":[]}]",
                                         "[1,null]"};
    size_t kind = body_below(body, 5);
    if (kind == 0) {
        body_put_string(body);
    } else if (kind == 1) {
        body_put_number(body);
    } else if (kind == 2) {
        body_put(body, BODY_PICK(body, others));
    } else if (kind == 3) {
        body_put_rows(body);
    } else {
        body_put_numbers(body, body_below(body, 12));
    }
}

/* An object whose members' names are drawn from few: some come twice. */
static inline void body_write(struct body *body) {
    static const char *const names[] = {
        "\"text\"",        "\"x\"",       "\"y\"",    "\"m\"", "\"m\"",
        "\"te\\u0078t\"",  "\"\\u0079\"", "\"word\"", "\"n\"", "\"a key with more bytes than a vector has\"",
        "\"t\xC3\xA9xt\"", "\"\""};
    body->length = 0;
    body_put_space(body);
    body_put(body, "{");
    for (size_t count = body_below(body, 5); count > 0; count--) {
        body_put_space(body);
        body_put(body, BODY_PICK(body, names));
        body_put_space(body);
        body_put(body, ":");
        body_put_space(body);
        body_put_value(body);
        body_put_space(body);
        body_put(body, count > 1 ? "," : "");
    }
    body_put(body, "}");
    body_put_space(body);
}

/* One byte goes, comes or changes. */
static inline void body_spoil(struct body *body) {
    static const char bytes[] = "\"\"\\\\[]{},,::0159-+.eE \n\x01\xFF\xC3\xA9\xED\xA0\xF4utfn/x\x1F";
    if (body->length == 0) {
        return;
    }
    size_t at = body_below(body, body->length);
    char byte = bytes[body_below(body, sizeof bytes - 1)];
    size_t way = body_below(body, 3);
    if (way == 0) {
        body->bytes[at] = byte;
    } else if (way == 1) {
        memmove(body->bytes + at, body->bytes + at + 1, body->length - at - 1);
        body->length--;
    } else if (body->length < sizeof body->bytes) {
        memmove(body->bytes + at + 1, body->bytes + at, body->length - at);
        body->bytes[at] = byte;
        body->length++;
    }
}

/* Room for `room` bytes with a page before and one after that can't be touched. */
struct guarded {
    char *pages;
    size_t room;
    size_t page;
};

static inline bool guarded_init(struct guarded *guarded, size_t room) {
    guarded->page = (size_t)sysconf(_SC_PAGESIZE);
    guarded->room = (room + guarded->page - 1) / guarded->page * guarded->page;
    size_t bytes = guarded->room + 2 * guarded->page;
    guarded->pages = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return guarded->pages != MAP_FAILED &&
           mprotect(guarded->pages + guarded->page, guarded->room, PROT_READ | PROT_WRITE) == 0;
}

static inline void guarded_deinit(struct guarded *guarded) {
    munmap(guarded->pages, guarded->room + 2 * guarded->page);
}

static inline char *guarded_at_start(const struct guarded *guarded, const char *bytes, size_t length) {
    char *copy = guarded->pages + guarded->page;
    memcpy(copy, bytes, length);
    return copy;
}

static inline char *guarded_at_end(const struct guarded *guarded, const char *bytes, size_t length) {
    char *copy = guarded->pages + guarded->page + guarded->room - length;
    memcpy(copy, bytes, length);
    return copy;
}
