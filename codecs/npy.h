#pragma once
/* NumPy's .npy format, versions 1.0, 2.0 and 3.0: a head that says dtype, order and shape, then the bare numbers.
 * Arrays may follow one another, as repeated np.save writes them; then each head starts where the data before it ends,
 * so neither heads nor data are aligned: read numbers as codecs/npy_numbers.h does, never through a cast.
 *
 * Read are arrays of numbers (codecs/npy_dtype.h) in either byte order, in C order and in Fortran order, with at most
 * NPY_DIMENSIONS_MAX dimensions. Written is what np.save writes of little-endian numbers in C order. The host is
 * little-endian. All functions are pure. */
#include "codecs/npy_dtype.h"
#include "codecs/problem.h"

enum {
    NPY_DIMENSIONS_MAX = 4,
    NPY_HEAD_READ_MAX = 12 + 65536, /* bytes of the longest head that is read */
    NPY_HEAD_WRITTEN = 128          /* bytes of every head that is written */
};

struct npy_head {
    /* Complete: all below is set. Incomplete: only head_bytes is, and says how many bytes from the array's start on
     * have to be there before it's worth asking again (at most NPY_HEAD_READ_MAX, more than were there). */
    bool complete;
    size_t head_bytes; /* complete: the data starts there, counted from the array's first byte */
    enum npy_dtype dtype;
    unsigned dimensions;              /* 0: a single number */
    size_t shape[NPY_DIMENSIONS_MAX]; /* the first two: 1 where there is no such dimension */
    size_t count;                     /* of numbers; may be 0 */
    size_t data_bytes;                /* at most PTRDIFF_MAX - NPY_HEAD_READ_MAX */
    bool big_endian;                  /* never of single bytes */
    bool fortran_order;               /* the first index runs fastest, as of columns one after the other; never where
                                         that is the same as C order */
};

/* Reads the head of the array that starts at `bytes` and of which `length` bytes are there (0 is fine, bytes may be
 * NULL then). Returns PROBLEM_NONE and says in head->complete whether more bytes are needed; malformed heads are
 * refused as soon as the bytes at hand tell: PROBLEM_INVALID_NPY, or PROBLEM_WRONG_TYPE for arrays that are well-formed
 * but not of a kind that is read here (other dtypes, more dimensions). Details say what it is, also where it is no .npy
 * at all (an archive, a pickle, text), what is expected and how to get it; `name` ("x", at most 32 bytes) is what the
 * problem calls the array.
 * An input that ends before the head is complete, or before data_bytes after it, is the caller's to refuse. */
MUST_CHECK enum problem_kind npy_read_head(const char *bytes, size_t length, struct npy_head *head, const char *name,
                                           struct problem *problem);

/* How many numbers a shape has. False: its dimensions, those of 0 aside, have a product beyond PTRDIFF_MAX; NumPy has
 * no such shapes either. */
bool npy_count(const size_t *shape, unsigned dimensions, size_t *count);

/* The index-th number's place along each dimension, as "3, 0, 4" where the separator is ", "; nothing of a single
 * number.
 */
enum { NPY_INDEX_MAX = NPY_DIMENSIONS_MAX * 22 };
void npy_print_index(const size_t *shape, unsigned dimensions, size_t index, const char *separator,
                     char out[NPY_INDEX_MAX]);

/* Writes the version 1.0 head of a C-ordered array, byte for byte as np.save does (NumPy 1.23 and later).
 * `dtype` is float64, float32, int64 or bool; dimensions <= NPY_DIMENSIONS_MAX, of a shape that npy_count counts; its
 * data is 64-byte aligned when the head is. */
void npy_write_head(char out[NPY_HEAD_WRITTEN], enum npy_dtype dtype, unsigned dimensions, const size_t *shape);
