#include "codecs/npy_foreign.h"

#include <stdbool.h>
#include <string.h>

#define CONVERT "np.save(file, x) writes .npy"

static const char archive[] = "a .npz archive, or another .zip; send one of its arrays: np.save(file, npz['x'])";

static const char pickle[] = "a pickle, which could run code and is never read; " CONVERT;

static const char uncommon[] =
    "compressed with bzip2 or xz, which are not read; gzip and zstd are, with Content-Encoding";

static const struct {
    const char *start;
    size_t length;
    const char *what;
} files[] = {
    {"PK\x03\x04", 4, archive},
    {"PK\x05\x06", 4, archive}, /* of an empty one */
    {"\x80\x02", 2, pickle},    /* and their protocol */
    {"\x80\x03", 2, pickle},
    {"\x80\x04", 2, pickle},
    {"\x80\x05", 2, pickle},
    {"cnumpy.", 7, pickle}, /* of protocols 0 and 1 */
    {"cnumpy\n", 7, pickle},
    {"(lp", 3, pickle}, /* a list */
    {"(dp", 3, pickle}, /* a dict */
    {"]q\0", 3, pickle},
    {"}q\0", 3, pickle},
    {"carray\n", 7, pickle},
    {"ccopy_reg\n", 10, pickle},
    {"c__builtin__\n", 13, pickle},
    {"\x1F\x8B", 2, "compressed with gzip; say so: Content-Encoding: gzip"},
    {"\x28\xB5\x2F\xFD", 4, "compressed with zstd; say so: Content-Encoding: zstd"},
    {"\xFD\x37zXZ", 5, uncommon},
    {"\x89HDF", 4, "an HDF5 file; " CONVERT},
    {"PAR1", 4, "a Parquet file; " CONVERT},
    {"FEA1", 4, "a Feather file; " CONVERT},
    {"ARROW1", 6, "an Arrow file; " CONVERT},
    {"MATLAB ", 7, "a MATLAB file; " CONVERT},
};

enum { TEXT_LOOKED_AT = 64 };

static bool is_space(char byte) {
    return byte != '\0' && strchr(" \t\r\n\f", byte);
}

/* After its name and a digit, the level, it has pi. */
static bool is_bzip2(const char *bytes, size_t length) {
    static const char name[3] = "BZh", block[6] = "1AY&SY";
    return length >= 10 && memcmp(bytes, name, sizeof name) == 0 && memcmp(bytes + 4, block, sizeof block) == 0;
}

/* Text has no control characters, and its first one is of ASCII: numbers as bytes look so once in a hundred times. */
static const char *foreign_text(const char *bytes, size_t length) {
    size_t end = length < TEXT_LOOKED_AT ? length : TEXT_LOOKED_AT;
    for (size_t i = 0; i < end; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        bool is_text = (byte >= ' ' && byte != 0x7F) || is_space(bytes[i]);
        if (!is_text || (i == 0 && byte > 0x7F)) {
            return NULL;
        }
    }
    size_t at = 0;
    while (at < end && is_space(bytes[at])) {
        at++;
    }
    if (at < end && (bytes[at] == '{' || bytes[at] == '[')) {
        return "JSON; say so: Content-Type: application/json";
    }
    return "text; of CSV np.save(file, np.loadtxt(csv, delimiter=',')) writes .npy";
}

const char *npy_foreign(const char *bytes, size_t length) {
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (length >= files[i].length && memcmp(bytes, files[i].start, files[i].length) == 0) {
            return files[i].what;
        }
    }
    if (is_bzip2(bytes, length)) {
        return uncommon;
    }
    if (length >= 2 && (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0)) {
        return "text in UTF-16";
    }
    bool has_mark = length > 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0;
    return has_mark ? foreign_text(bytes + 3, length - 3) : length > 0 ? foreign_text(bytes, length) : NULL;
}
