#pragma once
/* Internal to framing: what its two files share. framing.c has the heads and goes through the states; framing_body.c
 * has what comes between heads. Every step reads on from `at` < `end` and returns where the next one goes on; NULL:
 * there is a fault. */
#include "server/http/framing.h"

/* What a byte may be part of. */
enum { FRAMING_IS_TOKEN = 1, FRAMING_IS_HOST = 2, FRAMING_IS_TARGET = 4, FRAMING_IS_VALUE = 8 };

extern const unsigned char framing_kinds[256];

static inline bool framing_is(char byte, unsigned char kind) {
    return (framing_kinds[(unsigned char)byte] & kind) != 0;
}

/* The first byte that isn't of this kind. */
static inline const char *framing_end_of(const char *at, const char *end, unsigned char kind) {
    while (at < end && framing_is(*at, kind)) {
        at++;
    }
    return at;
}

static inline const char *framing_refuse_as(struct framing *framing, enum problem_kind fault, const char *detail) {
    framing->fault = fault;
    framing->detail = detail;
    return NULL;
}

static inline const char *framing_refuse(struct framing *framing, const char *detail) {
    return framing_refuse_as(framing, PROBLEM_MALFORMED_REQUEST, detail);
}

/* LF, after CR. */
static inline const char *framing_end_line(struct framing *framing, const char *at, enum framing_state next) {
    if (*at != '\n') {
        return framing_refuse(framing, "a line does not end with CR LF");
    }
    framing->state = next;
    return at + 1;
}

const char *framing_step_in_body(struct framing *framing, const char *at, const char *end);
