#pragma once
/* The query of a URL as a list of options: "threads=2&word=caf%C3%A9". Decoded as HTML forms encode it (+ is a space),
 * and as strict as JSON is here: well-formed %XX, UTF-8. What a name means, whether it may occur again, and whether a
 * value is text or a number, is for the option table to say. One thread at a time. */
#include "codecs/memory.h"
#include "codecs/problem.h"

enum { QUERY_ITEMS_MAX = 128, QUERY_BYTES_MAX = 65536 };

/* Decoded; a NUL follows each name and value, which may hold NUL bytes themselves. */
struct query_item {
    const char *name;
    size_t name_length;
    const char *value; /* "" where there was no '=' */
    size_t value_length;
    const char *sent; /* the value as it stands in the query, for messages; borrowed from there */
    size_t sent_length;
    bool repeats; /* an item before it has the same name */
};

struct query {
    struct query_item items[QUERY_ITEMS_MAX]; /* in the query's order */
    size_t count;
    char *bytes; /* what the items point into; owned */
    size_t capacity;
    struct memory *memory;
};

bool query_same_name(const struct query_item *a, const struct query_item *b);

/* Parses the query without its '?' (length 0 is fine, text may be NULL then). Empty elements ("a=1&&b=2") are skipped.
 * PROBLEM_MALFORMED_REQUEST for bad %XX, text that isn't UTF-8, more than QUERY_ITEMS_MAX items or QUERY_BYTES_MAX
 * bytes; PROBLEM_MEMORY_LIMIT. On failure there is nothing to free. */
MUST_CHECK enum problem_kind query_parse(const char *text, size_t length, struct memory *memory, struct query *query,
                                         struct problem *problem);
void query_deinit(struct query *query); /* safe after {0} and twice */

/* The item's value as one number, by JSON's grammar: PROBLEM_WRONG_TYPE, which quotes what was sent, or
 * PROBLEM_NUMBER_OVERFLOW, with the pointer "/name". `is_whole` chooses what the first of them says is expected; a
 * fraction is read all the same. For lists: an item may be made of a part of a value that a comma follows, too. */
MUST_CHECK enum problem_kind query_number(const struct query_item *item, bool is_whole, double *out,
                                          struct problem *problem);

/* Is the value one of the names that programs give to NaN and infinity ("-inf"), in any case? JSON has no number for
 * them. */
bool query_is_non_finite(const struct query_item *item);

/* Cuts a value at its commas: *element, which is the item itself at first, becomes its first element, and *rest what
 * comes behind the comma. False: there was none, and *element is the last. */
bool query_cut(struct query_item *element, struct query_item *rest);
