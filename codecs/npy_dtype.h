#pragma once
/* The dtypes of .npy arrays that are read, by their codes as NumPy writes them: "<f8", ">i4", "|b1". Pure. */
#include <stdbool.h>
#include <stddef.h>

/* The first two are what is computed in. */
enum npy_dtype {
    NPY_FLOAT64,
    NPY_FLOAT32,
    NPY_FLOAT16,
    NPY_INT8,
    NPY_INT16,
    NPY_INT32,
    NPY_INT64,
    NPY_UINT8,
    NPY_UINT16,
    NPY_UINT32,
    NPY_UINT64,
    NPY_BOOL, /* a byte; other than 0 is true */
    NPY_DTYPE_COUNT
};

/* All of them, for the sentences of problems. */
#define NPY_DTYPES_READ "float16, float32, float64, int8 to int64, uint8 to uint64 and bool"

/* The dtype of a code, and whether its bytes are the other way round than here (never where there is one). False: it
 * isn't read. */
bool npy_dtype_find(const char *code, size_t length, enum npy_dtype *dtype, bool *big_endian);

/* What a code that isn't read stands for, ", complex numbers" say; "" where that isn't known. *hint is what to write
 * behind an array's name to get one that is read: ".astype('f8') converts". Static strings. */
const char *npy_dtype_explain(const char *code, size_t length, const char **hint);

/* A code of one that is read, but without its byte order ("f8", "=f8", "|f8") or by its name ("float64"), as np.save
 * writes it: "<f8", "|b1". False: it is none of these. */
enum { NPY_CODE_BYTES = 4 };
bool npy_dtype_respell(const char *code, size_t length, char out[NPY_CODE_BYTES]);

/* What numbers are where they stay what they are: float32, bool, int64 of integers but uint64, float64 of all others.
 * It has all of float16, and of uint64 those to 2^53 and some beyond. */
enum npy_dtype npy_dtype_kept(enum npy_dtype dtype);

/* "float64". Static string. */
const char *npy_dtype_name(enum npy_dtype dtype);

/* Bytes of one number. */
size_t npy_number_bytes(enum npy_dtype dtype);
