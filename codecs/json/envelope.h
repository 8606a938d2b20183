#pragma once
/* A JSON body in two: bulk members (a long text, an array of numbers or of rows of them), which are located and decoded
 * later by json_text, number_array and number_rows straight from the body, and the envelope, everything else, which
 * jansson reads as ever. Each bulk value stands in the envelope as "", [] or {}, so that a document knows its name and
 * type and refuses it twice. An object within a body, and an array of whatever, can be bulk as well: each object is
 * then split in turn, as a body within the body (`begin`).
 *
 * A member is bulk when the endpoint declares its name and the value can be what it declares: a string without control
 * characters, an array in which nothing can start a value other than a number, or than an array of that kind; any array
 * and any object where that is declared. Any other
 * value of that name stays in the envelope, and the document's getters say what is wrong with it, as for an undeclared
 * one.
 *
 * Every mistake of the body is found: those outside bulk values by envelope_parse, those inside by json_text,
 * number_array and number_rows when they read them, or by who splits them. Where envelope_parse finds one, mistakes in
 * bulk values before it come first. Details name the body's byte (codecs/problem.h). */
#include "codecs/json/document.h"
#include "codecs/json/json_scan.h"
#include "codecs/memory.h"

enum envelope_kind {
    ENVELOPE_TEXT,
    ENVELOPE_NUMBERS,
    ENVELOPE_ROWS,
    ENVELOPE_VALUES,  /* an array of any values: json_scan_split cuts it */
    ENVELOPE_MEMBERS, /* an object */
    ENVELOPE_ARRAYS,  /* of the name "" alone, the last of the fields: any other member is NUMBERS or ROWS, if it can be
                         one of them */
    ENVELOPE_DOCUMENT /* not bulk, where others would be */
};

struct envelope_field {
    const char *name; /* plain ASCII without escapes, shorter than ENVELOPE_NAME_MAX, as is the name of a member that
                         ENVELOPE_ARRAYS finds */
    enum envelope_kind kind;
};

/* Bulk members; beyond the first few they take memory. */
enum { ENVELOPE_SPANS_OWN = 8, ENVELOPE_SPANS_MAX = 64, ENVELOPE_NAME_MAX = 32 };

struct envelope_span {
    const struct envelope_field *field;
    struct json_span inside; /* in the body, without quotes or brackets */
};

/* Some spans, and of those that ENVELOPE_ARRAYS is the reason of, at their index, what they were found to be. */
#define ENVELOPE_SPANS(count)                                                                                          \
    struct envelope_span spans[count];                                                                                 \
    struct envelope_field found[count];                                                                                \
    char names[count][ENVELOPE_NAME_MAX]

struct envelope_more {
    ENVELOPE_SPANS(ENVELOPE_SPANS_MAX - ENVELOPE_SPANS_OWN);
};

/* How far the split has come: what is expected at `at`. */
enum envelope_state {
    ENVELOPE_OBJECT,
    ENVELOPE_MEMBER,
    ENVELOPE_BULK_VALUE, /* `at` is where it starts; its span is being scanned */
    ENVELOPE_OTHER_VALUE,
    ENVELOPE_COMMA
};

struct envelope {
    const struct envelope_field *fields; /* borrowed, as is the body */
    const char *bytes;                   /* the body, as much of it as is there */
    size_t length;
    size_t begin;       /* the caller's to set: where the object begins in the body, which is longer; 0: it is all */
    size_t mark_bytes;  /* before the object, UTF-8's byte order mark or `begin`: no part of what jansson sees */
    size_t read_length; /* what jansson has to see of it: less than length where a bulk name occurs twice */
    enum envelope_state state;
    size_t at;
    size_t again_at; /* it isn't worth going on before so many bytes are there */
    bool is_glance;  /* the caller's to set: nothing that takes long is looked for, so that problems aren't the first
                        ones */
    const char *non_finite_media; /* the caller's to set, for messages: another media type of the endpoint's, which has
                                     NaN and infinity; NULL: none has. Borrowed */
    size_t twice_at;              /* where a bulk name occurred for the second time, 0: nowhere */
    size_t span_count;
    ENVELOPE_SPANS(ENVELOPE_SPANS_OWN); /* the first ones: envelope_span_at */
    struct memory *memory;              /* the caller's to set: of arrays beyond those, which NULL refuses */
    struct envelope_more *more;
};

/* The envelope stays where it is from then on. Begins to split a body with bulk members among `fields` (a NULL name
 * ends them, at most ENVELOPE_SPANS_OWN; NULL: none of its members is bulk). */
void envelope_begin(struct envelope *envelope, const struct envelope_field *fields);

/* Gives back what memory it has taken. Also after {0}, and twice. */
void envelope_end(struct envelope *envelope);

/* The bulk members in the body's order: index < span_count. */
static inline const struct envelope_span *envelope_span_at(const struct envelope *envelope, size_t index) {
    return index < ENVELOPE_SPANS_OWN ? &envelope->spans[index] : &envelope->more->spans[index - ENVELOPE_SPANS_OWN];
}

/* What a split looks at outside bulk values before the body is complete. */
enum { ENVELOPE_ARRIVING_MAX = 64 * 1024 };

/* Locates the bulk members in the first `length` bytes of the body, which may have moved since the last time;
 * `complete` when that is all of it (rows, values and objects, and what comes after them, are left for then). Until
 * then it looks at the bytes of a bulk value once, in strides, however they arrive, and at no more than
 * ENVELOPE_ARRIVING_MAX others, three times at most: more of them end it till the body is complete. Can't fail: arrays
 * that there is no memory to note stay in the document, and in a body that isn't JSON it stops where it loses its way,
 * and envelope_parse finds out. A set *cancel (may be NULL) ends it early; look at the flag before you use what was
 * found.
 */
void envelope_split(struct envelope *envelope, const char *bytes, size_t length, bool complete,
                    const _Atomic bool *cancel);

/* document_parse for the envelope, with the same results and problems as for the whole body. A byte order mark before
 * it is skipped; a body in UTF-16 or UTF-32 is PROBLEM_INVALID_UTF8, and named. *peak_bytes counts the
 * copy of the envelope as well. When cancelled: an empty object, and no problem. */
MUST_CHECK enum problem_kind envelope_parse(const struct envelope *envelope, struct memory *memory,
                                            const _Atomic bool *cancel, struct document **out, size_t *peak_bytes,
                                            struct problem *problem);

/* The first mistake inside a bulk value that starts before offset `end` of the body: one thread, nothing is kept. For
 * the case that several bulk values may be wrong, and the first mistake is to be named. */
MUST_CHECK enum problem_kind envelope_check_bulk(const struct envelope *envelope, size_t end,
                                                 const _Atomic bool *cancel, struct problem *problem);

/* Where the problem is a number that overflows in a bulk member, and doesn't say in which: this one, with the limit. */
void envelope_name_overflow(const char *name, struct problem *problem);

/* The bulk member of that name, NULL if it is absent, or in the document. */
const struct json_span *envelope_find(const struct envelope *envelope, const char *name);
