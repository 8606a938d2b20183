#pragma once
/* A JSON request body: one object, read strictly (RFC 8259; duplicate names are refused), and asked for its members by
 * name. Handlers ask for "the text" or "an array of doubles"; that jansson holds the tree underneath stays in
 * document.c.
 *
 * A document is used by one thread at a time. The bytes it was parsed from may be freed after document_parse.
 * Every getter that can fail records the cause, with a JSON Pointer, in `problem` and returns its kind. */
#include "codecs/json/document_type.h"
#include "codecs/memory.h"
#include "codecs/problem.h"
#include "codecs/text.h"

#include <stdint.h>

struct document;

/* Once per process, before threads start: seeds jansson's hash and installs the charging allocator. */
void document_library_init(void);

/* Parses length bytes (bytes may be NULL where length is 0). The tree's memory is charged to `memory` as it grows; when
 * the charge fails the kind is PROBLEM_MEMORY_LIMIT. *peak_bytes is the most memory that was held at once, the block
 * asked for in vain included. On success *out is owned by the caller; else *out is NULL. Details name the first byte
 * that is wrong (codecs/problem.h), "at byte 17: ..."; the pointer of a number that overflows is the member of the root
 * that it is in. */
MUST_CHECK enum problem_kind document_parse(const char *bytes, size_t length, struct memory *memory,
                                            struct document **out, size_t *peak_bytes, struct problem *problem);
void document_free(struct document *document); /* NULL is fine */

/* Members that the document doesn't have are those of `base` from now on (NULL: of none), which outlives it and may be
 * inherited from by several threads' documents at once. Whether names are known is asked of its own alone. */
void document_inherit(struct document *document, const struct document *base);
/* Is it the document's own? */
bool document_has_own(const struct document *document, const char *name);

/* PROBLEM_UNKNOWN_FIELD for the first member not among `names` (NULL-terminated list of NULL-terminated lists). */
MUST_CHECK enum problem_kind document_check_names(const struct document *document, const char *const *const *name_lists,
                                                  struct problem *problem);

/* Calls `visit` for each member's name, those of the document's base that it hasn't itself included, until that returns
 * false. Names live as long as the document. */
void document_visit_names(const struct document *document, bool (*visit)(void *context, const char *name),
                          void *context);

enum document_type document_type_of(const struct document *document, const char *name);

/* Required members: PROBLEM_MISSING_FIELD when absent, PROBLEM_WRONG_TYPE when of another type.
 * document_text's view lives as long as the document. */
MUST_CHECK enum problem_kind document_text(const struct document *document, const char *name, struct text_view *out,
                                           struct problem *problem);
MUST_CHECK enum problem_kind document_number(const struct document *document, const char *name, double *out,
                                             struct problem *problem);
MUST_CHECK enum problem_kind document_boolean(const struct document *document, const char *name, bool *out,
                                              struct problem *problem);
/* A number with an integral value (2 and 2.0) in [lowest, highest]; else PROBLEM_WRONG_TYPE (1.5, "two") or
 * PROBLEM_OUT_OF_RANGE, with the range in the detail. The bounds are within +-(2^53 - 1): a double there is the integer
 * that was written, not one that was rounded. */
MUST_CHECK enum problem_kind document_integer(const struct document *document, const char *name, int64_t lowest,
                                              int64_t highest, int64_t *out, struct problem *problem);
/* The same where the string `word` may stand for the number: *is_word says whether it does, and *out isn't set then. */
MUST_CHECK enum problem_kind document_integer_or(const struct document *document, const char *name, int64_t lowest,
                                                 int64_t highest, const char *word, bool *is_word, int64_t *out,
                                                 struct problem *problem);
/* A string out of `choices` (NULL-terminated); *out is its index. The detail of an error lists the choices. */
MUST_CHECK enum problem_kind document_choice(const struct document *document, const char *name,
                                             const char *const *choices, size_t *out, struct problem *problem);

/* Length of an array member. */
MUST_CHECK enum problem_kind document_array_length(const struct document *document, const char *name, size_t *out,
                                                   struct problem *problem);
/* Fills out[0 … length-1]; every element must be a number, else PROBLEM_WRONG_TYPE with pointer "/name/index".
 * Polls *cancel (may be NULL) now and then and returns PROBLEM_NONE early when it is set: the caller knows. */
MUST_CHECK enum problem_kind document_array_doubles(const struct document *document, const char *name, double *out,
                                                    size_t length, const _Atomic bool *cancel, struct problem *problem);
/* Fills out[0 … length-1] with views that live as long as the document; every element must be a string, else
 * PROBLEM_WRONG_TYPE with pointer "/name/index". */
MUST_CHECK enum problem_kind document_array_texts(const struct document *document, const char *name,
                                                  struct text_view *out, size_t length, struct problem *problem);
/* A member that is an object of strings: fills names and texts with at most `most` views that live as long as the
 * document, in the body's order. PROBLEM_WRONG_TYPE with pointer "/name" or "/name/member"; PROBLEM_OUT_OF_RANGE where
 * there is none, or more. */
MUST_CHECK enum problem_kind document_texts(const struct document *document, const char *name, size_t most,
                                            const char **names, struct text_view *texts, size_t *count,
                                            struct problem *problem);
/* As document_array_doubles for integers in [lowest, highest]. */
MUST_CHECK enum problem_kind document_array_integers(const struct document *document, const char *name, int64_t lowest,
                                                     int64_t highest, int64_t *out, size_t length,
                                                     struct problem *problem);
/* Says that the member is missing, or what it is in place of what is expected ("a number"). */
enum problem_kind document_refuse(const struct document *document, const char *name, const char *expected,
                                  struct problem *problem);
/* Is it an array whose first element is one? */
bool document_begins_with_array(const struct document *document, const char *name);
/* Says what makes the member no array of arrays of numbers, which it isn't: PROBLEM_MISSING_FIELD or
 * PROBLEM_WRONG_TYPE, with the pointer "/name", "/name/row" or "/name/row/index". */
enum problem_kind document_refuse_rows(const struct document *document, const char *name, struct problem *problem);

/* A member that refers to a value kept under a name: {"data": "name"}, or {"data": "name", "rows": [2, 5]} for rows 2,
 * 3 and 4 of it. */
struct document_reference {
    struct text_view name; /* lives as long as the document; any text */
    bool has_rows;
    int64_t begin; /* 0 <= begin <= end */
    int64_t end;
};

/* May there be a reference in these bytes of JSON? False is sure: there is neither the name nor an escape that may
 * stand for a part of it. At the speed of memory. */
bool document_may_refer(const char *bytes, size_t length);

/* For a member that is an object: refuses all that isn't a reference, with pointers into it. */
MUST_CHECK enum problem_kind document_reference(const struct document *document, const char *name,
                                                struct document_reference *out, struct problem *problem);
