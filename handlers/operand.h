#pragma once
/* Internal to handlers. One argument of an endpoint, whatever it comes as: a member of a JSON body (a number, a text,
 * an array of numbers or of rows), a number in the query, an array in the .npy format in the body, or named data that
 * the body or the query refers to.
 *
 * In decode it is found and measured, which reads none of its numbers; in load they are read, or aligned where they
 * lie. The operand says itself whether its numbers may then be overwritten: bytes that others hold, too, are copied
 * before anything in them would change. Every function that can fail returns what is in call->problem. */
#include "codecs/npy_numbers.h"
#include "codecs/numbers/number_array.h"
#include "server/engine/call.h"

enum operand_source {
    OPERAND_ABSENT,
    OPERAND_NUMBER,  /* in JSON or the query; a .npy array without dimensions is one as well */
    OPERAND_NUMBERS, /* in JSON */
    OPERAND_ROWS,    /* in JSON */
    OPERAND_TEXT,    /* in JSON */
    OPERAND_NPY      /* in the body, or named data: which is as such an array is */
};

/* What an endpoint takes under a name, or-ed. */
enum {
    OPERAND_TAKES_NUMBERS = 1,
    OPERAND_TAKES_ROWS = 2,
    OPERAND_TAKES_NUMBER = 4,  /* as well as numbers */
    OPERAND_TAKES_NOTHING = 8, /* it may be left out */
    OPERAND_TAKES_ALL = 16     /* of named data and .npy: whatever dimensions it has */
};

struct operand {
    const char *name;
    enum operand_source source;
    enum npy_dtype dtype;             /* of the values: float64, as of all from JSON, or float32; of /v1/map int64 and
                                         bool as well */
    unsigned dimensions;              /* 0: one number, 1, 2: rows, or more, of .npy alone */
    size_t shape[NPY_DIMENSIONS_MAX]; /* the first two: 1 where there is no such dimension; no rows have no columns in
                                         JSON */
    size_t count;                     /* of numbers; of a text its bytes as they stand in the body */
    double number;                    /* OPERAND_NUMBER's */
    void *values;                     /* from load on: aligned, row after row */
    bool is_kept;       /* set by whoever found it: values that are made anew outlive the call (payload) */
    bool writable;      /* may values be overwritten? */
    bool has_head_room; /* may NPY_HEAD_WRITTEN bytes before them, too? */
    bool is_shared;     /* one of the defaults of a batch: loaded already, and not the call's alone */
    /* What to load, and from where. */
    const struct payload *payload; /* borrowed */
    const char *data;              /* of .npy: the numbers, at any alignment; of a named text: it; NULL of all else … */
    struct npy_head head;          /* … and what they are there */
    struct number_array array;     /* of numbers and rows … */
    size_t *index;                 /* … each piece's first number; the call's */
    const struct json_span *span;  /* of a text; NULL: it is in the document, or named */
};

static inline bool operand_is_given(const struct operand *operand) {
    return operand->source != OPERAND_ABSENT;
}

/* --- decode: JSON and the query ---------------------------------------------------------------------------------- */

/* The member `name` of the document, or of the body's bulk members where it is one. Refuses what isn't among `takes`.
 * Of rows that differ in length it refuses those that the total tells of, operands_load the others. */
MUST_CHECK enum problem_kind operand_find(struct call *call, const char *name, unsigned takes, struct operand *operand);

/* A text, which can't be left out. */
MUST_CHECK enum problem_kind operand_find_text(struct call *call, const char *name, struct operand *operand);

/* The same two of the version that a document's object refers to ({"data": "name"}, or rows of it), which the call
 * holds from then on: numbers are used where they lie where their dtype is the operand's, which is float64 unless
 * operands_promote says otherwise; else they are converted in load. operand_find and
 * operand_find_text call these. */
MUST_CHECK enum problem_kind operand_find_named(struct call *call, const char *name, unsigned takes,
                                                struct operand *operand);
MUST_CHECK enum problem_kind operand_find_named_text(struct call *call, const char *name, struct operand *operand);

/* All numbers of a version, or the rows that the reference says, whose name doesn't matter; loaded already. `name` is
 * what problems call it. */
struct data_version;
MUST_CHECK enum problem_kind operand_view(struct call *call, const char *name,
                                          const struct document_reference *reference, struct data_version *version,
                                          struct operand *operand);

/* --- decode: .npy ------------------------------------------------------------------------------------------------ */

/* Reads the head of the body's array that starts at *offset, and moves *offset behind its data. `name` is what problems
 * call it. Of the shapes any is right yet. The body doesn't end at *offset. */
MUST_CHECK enum problem_kind operand_next(struct call *call, size_t *offset, const char *name, struct operand *operand);

/* Refuses an array of other dimensions than `takes` says. */
MUST_CHECK enum problem_kind operand_check_shape(struct call *call, unsigned takes, struct operand *operand);

/* In what a call computes and answers: float32 where all its arrays are float32 (single numbers take part in none, and
 * arrays in JSON are float64), float64 otherwise, which holds all others exactly. So NumPy promotes, but for float16
 * and the integers of 8 and 16 bits, which beside float32 are float32 there. Sets the dtype of all (NULL ends them). */
enum npy_dtype operands_promote(struct operand *const *operands);

/* Refuses a body that goes on at `offset`, after the last array. */
MUST_CHECK enum problem_kind operand_check_end(struct call *call, size_t offset);

/* --- decode: what loading takes ---------------------------------------------------------------------------------- */

/* Bytes that operands_load takes beside the body. */
size_t operand_bytes(const struct operand *operand);

/* Predicted time of loading it with one thread. */
uint64_t operand_load_cost_ns(const struct operand *operand);

/* --- load -------------------------------------------------------------------------------------------------------- */

enum { OPERANDS_MAX = 4 };

/* Makes the values of all operands of a call (NULL ends them), texts excepted, and gives a JSON body back, which isn't
 * needed any more. JSON is read in the body's order, so that its first mistake is named. */
MUST_CHECK enum problem_kind operands_load(struct call *call, struct operand *const operands[OPERANDS_MAX]);

/* One of numbers or rows in JSON alone; the body stays. */
MUST_CHECK enum problem_kind operand_load_numbers(struct call *call, struct operand *operand);

/* A text: the pieces one after the other, which lie apart where the team has resolved escapes. Without any it is one.
 */
enum { OPERAND_TEXT_PIECES_MAX = 8 };

struct operand_text {
    size_t count; /* at least 1 */
    struct text_view pieces[OPERAND_TEXT_PIECES_MAX];
};

/* It lies in the body, where escapes are resolved in place if that may be: once. */
MUST_CHECK enum problem_kind operand_load_text(struct call *call, const struct operand *operand,
                                               struct operand_text *text);

/* Memory for the numbers of *result, whose dtype, dimensions and shape are set: over the values of the first of `over`
 * (loaded; NULL ends them) that has as many, of the same dtype, and may be overwritten; else new memory, with room for
 * a .npy head before it. Where the result is to be kept under a name, it is memory that outlives the call,
 * result->payload says. Sets count too. Its bytes are known to be countable. */
MUST_CHECK enum problem_kind operand_result(struct call *call, const struct operand *const *over,
                                            struct operand *result);

/* --- the defaults of a batch (handlers/defaults.h) -----------------------------------------------------------------
 */

/* A bulk member that items have in common. */
struct operand_shared {
    struct operand operand;   /* loaded */
    struct operand_text text; /* of a text */
};

struct item;

struct defaults {
    struct item *item; /* open; its endpoint's decode has read the members as if they were all that an item has */
    size_t count;
    struct operand_shared members[ENVELOPE_SPANS_MAX];
};

/* The bulk member that the call has from its defaults, and none of its own. NULL: there is none. */
const struct operand_shared *operand_find_shared(const struct call *call, const char *name);
