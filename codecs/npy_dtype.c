#include "codecs/npy_dtype.h"

#include <string.h>

/* Codes without the byte order before them. */
static const struct {
    const char code[3];
    unsigned char bytes;
    const char *name;
} dtypes[NPY_DTYPE_COUNT] = {
    [NPY_FLOAT64] = {"f8", 8, "float64"}, [NPY_FLOAT32] = {"f4", 4, "float32"}, [NPY_FLOAT16] = {"f2", 2, "float16"},
    [NPY_INT8] = {"i1", 1, "int8"},       [NPY_INT16] = {"i2", 2, "int16"},     [NPY_INT32] = {"i4", 4, "int32"},
    [NPY_INT64] = {"i8", 8, "int64"},     [NPY_UINT8] = {"u1", 1, "uint8"},     [NPY_UINT16] = {"u2", 2, "uint16"},
    [NPY_UINT32] = {"u4", 4, "uint32"},   [NPY_UINT64] = {"u8", 8, "uint64"},   [NPY_BOOL] = {"b1", 1, "bool"},
};

bool npy_dtype_find(const char *code, size_t length, enum npy_dtype *dtype, bool *big_endian) {
    if (length != 3 || !memchr("<>|", code[0], 3)) {
        return false;
    }
    for (enum npy_dtype i = 0; i < NPY_DTYPE_COUNT; i++) {
        if (memcmp(code + 1, dtypes[i].code, 2) == 0) {
            *dtype = i;
            *big_endian = code[0] == '>' && dtypes[i].bytes > 1;
            return code[0] != '|' || dtypes[i].bytes == 1; /* '|': it has no byte order */
        }
    }
    return false;
}

bool npy_dtype_respell(const char *code, size_t length, char out[NPY_CODE_BYTES]) {
    size_t order = length == 3 && memchr("=|", code[0], 2) ? 1 : 0;
    for (enum npy_dtype i = 0; i < NPY_DTYPE_COUNT; i++) {
        bool is_code = length - order == 2 && memcmp(code + order, dtypes[i].code, 2) == 0;
        bool is_name = length == strlen(dtypes[i].name) && memcmp(code, dtypes[i].name, length) == 0;
        if (is_code || is_name) {
            out[0] = dtypes[i].bytes > 1 ? '<' : '|';
            memcpy(out + 1, dtypes[i].code, NPY_CODE_BYTES - 1);
            return true;
        }
    }
    return false;
}

enum npy_dtype npy_dtype_kept(enum npy_dtype dtype) {
    switch (dtype) {
    case NPY_FLOAT32:
    case NPY_BOOL:
        return dtype;
    case NPY_INT8:
    case NPY_INT16:
    case NPY_INT32:
    case NPY_INT64:
    case NPY_UINT8:
    case NPY_UINT16:
    case NPY_UINT32:
        return NPY_INT64;
    default:
        return NPY_FLOAT64;
    }
}

const char *npy_dtype_explain(const char *code, size_t length, const char **hint) {
    static const char convert[] = ".astype('f8') converts";
    static const struct {
        const char *start; /* of the code without byte order */
        const char *what;
        const char *hint;
    } kinds[] = {
        {"f1", ", longdouble", convert},
        {"c", ", complex numbers", ".real is one"},
        {"O", ", Python objects (a pickle, never read)", convert},
        {"S", ", text", convert},
        {"U", ", text", convert},
        {"T", ", text", convert},
        {"V", ", raw bytes",
         ".view('f8'), or what they are, makes numbers of them (of bfloat16 .astype('f4') before saving)"},
        {"M8", ", dates", ".astype('i8') converts"},
        {"m8", ", durations", ".astype('i8') converts"},
    };
    *hint = convert;
    if (length < 2 || !memchr("<>|=", code[0], 4)) {
        return "";
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t start = strlen(kinds[i].start);
        if (length - 1 >= start && memcmp(code + 1, kinds[i].start, start) == 0) {
            *hint = kinds[i].hint;
            return kinds[i].what;
        }
    }
    return "";
}

const char *npy_dtype_name(enum npy_dtype dtype) {
    return dtypes[dtype].name;
}

size_t npy_number_bytes(enum npy_dtype dtype) {
    return dtypes[dtype].bytes;
}
