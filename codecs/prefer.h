#pragma once
/* The Prefer header field (RFC 7240): what a client would like, and who doesn't understand it goes on without. Pure. */
#include "codecs/problem.h"
#include "codecs/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Members of what isn't there are 0. */
struct prefer {
    bool respond_async; /* answer 202 at once, and run it as a job */
    bool has_wait;
    unsigned wait_s;    /* with respond_async: answer it directly if it is done so soon */
    bool is_wait_wrong; /* it has no number, or is a parameter of respond-async, where it means nothing */
    const char *wrong;  /* the first of these parameters that is no number: its name; NULL: none is */
    bool has_priority;
    unsigned priority; /* parameters of respond-async: "respond-async; priority=9; keep_s=60" */
    bool has_keep;
    uint64_t keep_s;
    struct text_view callback; /* a parameter as well, borrowed from the field, without its quotes; bytes NULL: none */
    bool has_stray_callback;   /* there is one that is no parameter of respond-async: nobody would call it */
};

/* What repeats counts once, the first time. Names are compared without regard to case; numbers are digits alone, and
 * those beyond 32 bits the largest of them. `field` is zero-terminated. What is wrong with what this service does by is
 * for those to refuse who would do by it, since its client would ask again and again, or wait in vain; elsewhere, and
 * where another preference or parameter is meant, it is ignored (RFC 7240, 2). */
void prefer_read(const char *field, struct prefer *prefer);

/* PROBLEM_WRONG_TYPE where is_wait_wrong. */
MUST_CHECK enum problem_kind prefer_check_wait(const struct prefer *prefer, struct problem *problem);
