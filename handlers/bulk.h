#pragma once
/* Bulk members of a JSON body on their way to the kernel and back: text and arrays of doubles, read and printed by the
 * call's team. The codecs know how a piece is read or printed (codecs/numbers/number_array.h, json_text.h,
 * number_print.h); here the pieces are dealt out. Every function that can fail returns what is in call->problem. */
#include "codecs/numbers/number_array.h"
#include "handlers/options.h"

/* An array of numbers, or of rows of them, in the body that has been measured, but not read. */
struct bulk_numbers {
    const char *name;
    size_t length;  /* of all rows together */
    size_t columns; /* numbers of a row; 0: there are no rows */
    struct number_array array;
    size_t *index; /* of each piece's first number; the call's */
};

/* For decode: is the member `name` an array of numbers, and how long is it? Counts commas, reads nothing. *is_array is
 * false where the member is no bulk member: then the document knows what it is. */
MUST_CHECK enum problem_kind bulk_measure(struct call *call, const char *name, bool *is_array,
                                          struct bulk_numbers *numbers);

/* The same for an array of rows, declared as ENVELOPE_ROWS. Refuses rows without numbers; of rows that differ in length
 * those that the total tells of, bulk_read the others. An array without rows has no columns. */
MUST_CHECK enum problem_kind bulk_measure_rows(struct call *call, const char *name, bool *is_array,
                                               struct bulk_numbers *numbers);

/* For decode: refuses an array that is no bulk member, because something in it is no number: says what and where. */
enum problem_kind bulk_refuse(struct call *call, const char *name);

/* For decode: predicted time of bulk_read with one thread. */
uint64_t bulk_read_cost_ns(const struct bulk_numbers *numbers);

/* For load: reads the numbers into `values`, which has room for numbers->length. */
MUST_CHECK enum problem_kind bulk_read(struct call *call, const struct bulk_numbers *numbers, double *values);

/* A text: the pieces one after the other, which lie apart where the team has resolved escapes. Without any it is one.
 */
enum { BULK_TEXT_PIECES_MAX = 8 };

struct bulk_text {
    size_t count; /* at least 1 */
    struct text_view pieces[BULK_TEXT_PIECES_MAX];
};

/* For load: the text of the member `name`. It lies in the body, where escapes are resolved in place: read it once. */
MUST_CHECK enum problem_kind bulk_text(struct call *call, const char *name, struct bulk_text *text);

/* Deals pieces of text out to the call's team. */
MUST_CHECK enum kernel_status bulk_deal(struct call *call, size_t pieces, team_body *body, void *context);

/* For encode: prints "key": [values] into the reply, with at most `precision` significant digits. All values are
 * finite. */
MUST_CHECK enum problem_kind bulk_print(struct call *call, const char *key, const double *values, size_t count,
                                        unsigned precision);

/* For decode: predicted time of printing so many numbers with one thread. */
uint64_t bulk_print_cost_ns(size_t count);
