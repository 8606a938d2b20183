#pragma once
/* Internal to handlers. An array of numbers as the reply: a member of JSON, printed by the call's team, or the whole
 * of it in the .npy format. */
#include "handlers/operand.h"

/* For decode: predicted time of printing so many numbers with one thread. */
uint64_t array_reply_cost_ns(size_t count);

/* For decode: bytes that the text of a matrix takes from the call, at most; SIZE_MAX where a size_t can't hold them. */
size_t array_reply_bytes(size_t rows, size_t columns);

/* For encode: prints "key": [values], or [[values], ...] where there are more dimensions, with at most `precision`
 * significant digits; or keeps them, where that is wanted in place of an answer (named.h), and prints what is kept.
 * *wrong is the index of the first number that isn't finite, array->count where all are: with another the reply is of
 * no use, and the caller refuses. Returns what is in call->problem. */
MUST_CHECK enum problem_kind array_reply_json(struct call *call, const char *key, const struct operand *array,
                                              unsigned precision, size_t *wrong);

/* The same without a key: a value by itself, or one number where there is no dimension. */
MUST_CHECK enum problem_kind array_reply_bare(struct call *call, const struct operand *array, unsigned precision,
                                              size_t *wrong);

/* Refuses what JSON can't carry: the number `wrong`, whose pointer is `pointer` with its indices behind. */
enum problem_kind array_reply_refuse(struct call *call, const char *pointer, const struct operand *array, size_t wrong);

/* For encode: makes the array the reply, or keeps it. Its numbers are sent from where they are, which lives as long as
 * the call. Returns call->problem.kind. */
MUST_CHECK enum problem_kind array_reply_npy(struct call *call, const struct operand *array);
