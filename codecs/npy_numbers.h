#pragma once
/* The numbers of a .npy array, made those that are computed on: float64 of any dtype that is read, float32 of float32,
 * int64 of integers but uint64, or bool (0 and 1) of bool; little-endian, row after row, aligned.
 *
 * What the conversion would change is refused: integers beyond 2^53 that no float64 is. Everything else is exact. NaN
 * keep sign and payload, but signalling ones of less than 64 bits become quiet.
 *
 * An array is converted in pieces, in any order and by any number of threads. A piece of an array in C order is a run
 * of numbers, one in Fortran order a tile that fits the first cache, so that neither reading down the columns nor
 * writing along the rows misses it. The functions are pure. */
#include "codecs/npy.h"

#include <stdint.h>

/* Copies `count` numbers as this machine has them, at any alignment; `dtype` is float64 or float32, which is widened.
 * Source and destination don't overlap. */
void npy_doubles(double *destination, const char *source, enum npy_dtype dtype, size_t count);

/* Are the numbers those of `dtype` as they lie there, but for alignment? Never of bool, whose bytes may be any. */
bool npy_is_plain(const struct npy_head *head, enum npy_dtype dtype);

/* How many pieces the array has; 0 without numbers. */
size_t npy_piece_count(const struct npy_head *head);

/* Converts one piece of the array whose numbers start at `data`. `values` has room for all of them, as `dtype`, one of
 * those above. False: an integer of the piece can't be represented; then its number
 * in `values` is the nearest one. */
bool npy_read_piece(const struct npy_head *head, const char *data, size_t piece, enum npy_dtype dtype, void *values);

/* Records the first integer, row after row, that float64 doesn't have, as npy_read_piece has said of `piece` and of
 * none before it: with its index and value, under the array's `name`. Returns problem->kind; PROBLEM_NONE if there is
 * none, or *cancel (may be NULL) was set. */
MUST_CHECK enum problem_kind npy_refuse_piece(const struct npy_head *head, const char *data, size_t piece,
                                              const char *name, const _Atomic bool *cancel, struct problem *problem);

/* Predicted time of converting the whole array with one thread, in nanoseconds. */
uint64_t npy_convert_cost_ns(const struct npy_head *head);
