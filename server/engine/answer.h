#pragma once
/* What comes of a run: a result or a problem, as one object that can be compared, stored and sent. It has nothing of
 * HTTP in it but the words: a status, header fields that depend on the answer alone, and a body in pieces, which lie in
 * the run's memory and live as long as the run. */
#include "codecs/coding/content_coding.h"
#include "codecs/coding/content_encoder.h"
#include "server/engine/call.h"

/* Why a call got fewer threads than it asked for. */
enum answer_reason {
    ANSWER_AS_ASKED,
    ANSWER_SMALL_WORK,
    ANSWER_CORE_BUDGET,
    ANSWER_TEAM_SIZES,    /* teams are made in fewer sizes than may be asked for */
    ANSWER_TEAM_STARTING, /* one that wide is still being made */
    ANSWER_BESIDE_JOBS,   /* jobs and other work have cores of their own while both want some */
    ANSWER_NO_THREADS     /* the system refuses to give more */
};

/* What a call asked of threads and what it got. */
struct answer_threads {
    unsigned requested; /* 0: auto */
    unsigned granted;   /* 0: it never got that far */
    enum answer_reason reason;
    unsigned core_budget; /* for ANSWER_CORE_BUDGET, which names it */
};

enum { ANSWER_FIELDS_MAX = CALL_FIELDS_MAX + 6, ANSWER_FEW_PIECES = 3 };

struct answer {
    unsigned status;
    const struct problem *problem; /* whoever made it of one has that as long as the answer; NULL: a result */
    struct answer_threads threads;
    struct answer_field fields[ANSWER_FIELDS_MAX];
    unsigned field_count;
    const struct reply_piece *pieces; /* the body; none is empty */
    size_t piece_count;
    size_t length;
    struct reply_piece few[ANSWER_FEW_PIECES]; /* where pieces are, if they are that few */
    char *text;                                /* of a problem, malloc'ed */
};

static inline enum problem_kind answer_problem_kind(const struct answer *answer) {
    return answer->problem ? answer->problem->kind : PROBLEM_NONE;
}

/* Makes the answer of what the call has printed, or of `coded`, where it was compressed (count > 0). False: there is no
 * memory for the list of pieces, and call->problem says so. */
MUST_CHECK bool answer_result(struct answer *answer, struct call *call, const struct content_pieces *coded,
                              enum content_coding coding);
/* Adds the fields that the call has for its answer. */
void answer_add_fields(struct answer *answer, const struct call *call);
/* Makes it of a problem, which stays where it is; `id` names the request in it. */
void answer_problem(struct answer *answer, const struct problem *problem, const char *id);
/* Puts a line's end behind a problem, which is the last of many lines. */
void answer_end_line(struct answer *answer);
/* An answer without a body. */
void answer_empty(struct answer *answer, unsigned status);
/* Without the fields that describe a body, for an answer that says "you have it" (RFC 9110, 15.4.5). */
void answer_drop_body_fields(struct answer *answer);
/* One header field more, of static strings. */
void answer_add(struct answer *answer, const char *name, const char *value);
/* Frees what it owns; safe after {0} and twice. */
void answer_deinit(struct answer *answer);

/* Where the next byte is. */
struct answer_cursor {
    const struct answer *answer;
    size_t piece;
    size_t passed_bytes; /* of the pieces before */
};

/* Copies up to `capacity` bytes of the body from `position` on, which never goes back. Returns how many: 0 at its end.
 */
size_t answer_read(struct answer_cursor *cursor, size_t position, char *out, size_t capacity);

/* "requested": …, "granted": … and, where they differ, "reason": …, into an object that is open. */
void answer_write_threads(struct json_writer *writer, const struct answer_threads *threads);
