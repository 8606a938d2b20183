/* libFuzzer target: heads of .npy arrays. The input's first byte chooses a version that the rest is wrapped in as the
 * dictionary of a head with the right length, or to take the rest as a whole file.
 *
 * Whatever comes: the head must be read alike whether it's there as a whole or arrives as it is asked for; its figures
 * must fit together; and it must be read exactly if regular expressions, which know nothing of the parser, take it.
 * What is read is written again, where its kind is written, and must then be read as the same; numbers are compared
 * with the reference's. */
#include "tests/fuzz/target.h"

#include "codecs/npy_numbers.h"
#include "tests/reference/npy_simple.h"

#include <math.h>
#include <regex.h>

enum { ORACLE_LENGTH_MAX = 1024, PREFIXES_MAX = 256, NUMBERS_MAX = 64 };

#define SPACE "[ \t\n\r\f]*"
#define SIZE "(0|[1-9][0-9]*)"
#define STRING(text) SPACE "('" text "'|\"" text "\")"
#define DTYPE "([<>](f[248]|[iu][1248]|b1)|[|]([iu]1|b1))"
#define SIZES "(" SIZE "L?" SPACE "," SPACE "(" SIZE "L?" SPACE "," SPACE "){0,2}(" SIZE "L?" SPACE ",?" SPACE ")?)?"
#define MEMBER                                                                                                         \
    "(" STRING("descr") SPACE ":" STRING(DTYPE) "|" STRING("fortran_order") SPACE                                      \
        ":" SPACE "(True|False)|" STRING("shape") SPACE ":" SPACE "\\(" SPACE SIZES "\\))"
#define DICTIONARY "^" SPACE "\\{" MEMBER SPACE "," MEMBER SPACE "," MEMBER SPACE ",?" SPACE "\\}" SPACE "$"

static regex_t dictionary_form;
static regex_t dtype_form;    /* its last character is the number of bytes */
static regex_t old_size_form; /* 3L */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    require(regcomp(&dictionary_form, DICTIONARY, REG_EXTENDED | REG_NOSUB) == 0, "the dictionary's expression");
    require(regcomp(&dtype_form, "['\"][<>|][biuf]([1248])['\"]", REG_EXTENDED) == 0, "dtype");
    require(regcomp(&old_size_form, "[0-9]L", REG_EXTENDED | REG_NOSUB) == 0, "a size's expression");
    return 0;
}

__extension__ typedef unsigned __int128 wide;

/* Does a shape have so few numbers, and dimensions whose product without those of 0 fits a signed size? `text` begins
 * after its parenthesis. */
static bool is_countable(const char *text, wide most) {
    const wide huge = (wide)1 << 63;
    wide product = 1;
    bool is_empty = false;
    for (text += strspn(text, " \t\n\r\f"); *text != ')'; text += strspn(text, "L, \t\n\r\f")) {
        wide size = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            size = size < huge ? size * 10 + (wide)(*text - '0') : huge;
        }
        is_empty = is_empty || size == 0;
        if (size >= huge || (size > 0 && (product *= size) >= huge)) {
            return false;
        }
    }
    return is_empty || product <= most;
}

/* Is this the dictionary of an array that is read? */
static bool is_readable(const char *dictionary, size_t length, unsigned major) {
    regmatch_t dtype[2];
    char text[ORACLE_LENGTH_MAX + 1] = {0};
    memcpy(text, dictionary, length);
    if (strlen(text) < length || regexec(&dictionary_form, text, 0, NULL, 0) != 0 || !strstr(text, "descr") ||
        !strstr(text, "fortran_order") || !strchr(text, '(') || regexec(&dtype_form, text, 2, dtype, 0) != 0) {
        return false;
    }
    if (major == 3 && regexec(&old_size_form, text, 0, NULL, 0) == 0) {
        return false;
    }
    wide bytes = (wide)(text[dtype[1].rm_so] - '0');
    return is_countable(strchr(text, '(') + 1, (PTRDIFF_MAX - NPY_HEAD_READ_MAX) / bytes);
}

static bool same(const struct npy_head *a, const struct npy_head *b) {
    return a->complete == b->complete && a->head_bytes == b->head_bytes && a->dtype == b->dtype &&
           a->dimensions == b->dimensions && memcmp(a->shape, b->shape, sizeof a->shape) == 0 && a->count == b->count &&
           a->data_bytes == b->data_bytes && a->big_endian == b->big_endian && a->fortran_order == b->fortran_order;
}

static unsigned count_long(const struct npy_head *head) {
    unsigned count = 0;
    for (unsigned i = 0; i < head->dimensions; i++) {
        count += head->shape[i] > 1;
    }
    return count;
}

static enum problem_kind read_prefix(const char *bytes, size_t length, struct npy_head *head) {
    struct problem problem = {0};
    char *block = copy(bytes, length);
    enum problem_kind kind = npy_read_head(block, length, head, "x", &problem);
    free(block);
    require(kind == problem.kind, "the problem recorded");
    require((kind != PROBLEM_NONE) == (problem.detail[0] != '\0'), "a problem has a detail");
    require(kind == PROBLEM_NONE || kind == PROBLEM_INVALID_NPY || kind == PROBLEM_WRONG_TYPE, "the kind");
    if (kind) {
        require(!head->complete, "what is refused is not complete");
    } else if (head->complete) {
        require(head->head_bytes <= length, "a head that is there");
        require(head->data_bytes == head->count * npy_number_bytes(head->dtype), "the data's length");
        require(head->data_bytes <= PTRDIFF_MAX - NPY_HEAD_READ_MAX, "data that fits into memory");
        require(!head->big_endian || npy_number_bytes(head->dtype) > 1, "single bytes have no order");
        require(!head->fortran_order || count_long(head) > 1, "rows have no Fortran order");
    } else {
        require(head->head_bytes > length && head->head_bytes <= NPY_HEAD_READ_MAX, "what is asked for");
    }
    return kind;
}

/* As it arrives: as much as is asked for, and for short ones byte by byte too. */
static void compare_arriving(const char *bytes, size_t length, enum problem_kind whole_kind,
                             const struct npy_head *whole) {
    struct npy_head head = {0};
    enum problem_kind kind = read_prefix(bytes, 0, &head);
    while (!kind && !head.complete && head.head_bytes <= length) {
        kind = read_prefix(bytes, head.head_bytes, &head);
    }
    if (!kind && !head.complete) {
        kind = read_prefix(bytes, length, &head);
    }
    require(kind == whole_kind, "the verdict as it arrives");
    require(kind != PROBLEM_NONE || same(&head, whole), "the head as it arrives");
    size_t asked = 0;
    for (size_t there = 0; there < length && there < PREFIXES_MAX; there++) {
        kind = read_prefix(bytes, there, &head);
        require(kind == PROBLEM_NONE || kind == whole_kind, "a prefix's verdict");
        require(!head.complete || same(&head, whole), "a prefix's head");
        require(kind != PROBLEM_NONE || head.head_bytes >= asked, "what is asked for grows");
        asked = kind ? asked : head.head_bytes;
    }
}

static double number_at(const struct npy_head *head, const char *data, size_t index, bool *is_exact) {
    double value = 0;
    size_t place = head->fortran_order ? 0 : index;
    size_t stride = head->count;
    for (unsigned i = head->dimensions; head->fortran_order && i-- > 0; index /= head->shape[i]) {
        stride /= head->shape[i];
        place += index % head->shape[i] * stride;
    }
    *is_exact = npy_number_simple((const unsigned char *)data + place * npy_number_bytes(head->dtype), head->dtype,
                                  head->big_endian, &value);
    return value;
}

/* The numbers that are there, as float64 and, of float32, as they are; the first that float64 lacks has its problem. */
static void compare_numbers(const char *data, size_t length, const struct npy_head *whole) {
    struct npy_head head = *whole;
    if (length < head.data_bytes || head.count > NUMBERS_MAX) { /* a piece of it, as a row */
        size_t count = length / npy_number_bytes(head.dtype);
        count = count < head.count ? count : head.count;
        head.count = head.shape[0] = count < NUMBERS_MAX ? count : NUMBERS_MAX;
        head.dimensions = 1;
        head.fortran_order = false;
    }
    double *found = take(head.count * sizeof *found);
    float *narrow = take(head.count * sizeof *narrow);
    bool all_exact = true;
    bool is_narrow = head.dtype == NPY_FLOAT32;
    size_t wrong = 0;
    for (size_t piece = npy_piece_count(&head); piece-- > 0;) {
        bool is_exact = npy_read_piece(&head, data, piece, NPY_FLOAT64, found);
        wrong = is_exact ? wrong : piece;
        all_exact = all_exact && is_exact;
        require(!is_narrow || npy_read_piece(&head, data, piece, NPY_FLOAT32, narrow), "float32 is exact");
    }
    bool expect_exact = true;
    for (size_t i = 0; i < head.count; i++) {
        bool is_exact = true;
        double expected = number_at(&head, data, i, &is_exact);
        require(memcmp(&found[i], &expected, sizeof expected) == 0 || (isnan(expected) && isnan(found[i])), "a number");
        require(!is_narrow || (double)narrow[i] == expected || isnan(expected), "a float32");
        expect_exact = expect_exact && is_exact;
    }
    require(all_exact == expect_exact, "whether all are exact");
    struct problem problem = {0};
    require(all_exact || npy_refuse_piece(&head, data, wrong, "x", NULL, &problem) == PROBLEM_OUT_OF_RANGE,
            "what is not exact");
    free(narrow);
    free(found);
}

static void compare_written(const struct npy_head *head) {
    char written[NPY_HEAD_WRITTEN];
    struct npy_head again;
    if (!npy_is_plain(head, NPY_FLOAT64) && !npy_is_plain(head, NPY_FLOAT32)) {
        return; /* not written */
    }
    npy_write_head(written, head->dtype, head->dimensions, head->shape);
    require(read_prefix(written, sizeof written, &again) == PROBLEM_NONE, "what is written can be read");
    struct npy_head expected = *head;
    expected.head_bytes = NPY_HEAD_WRITTEN;
    require(same(&again, &expected), "what is written is the same");
}

static void check(const char *bytes, size_t length) {
    struct npy_head head;
    enum problem_kind kind = read_prefix(bytes, length, &head);
    compare_arriving(bytes, length, kind, &head);
    if (kind == PROBLEM_NONE && head.complete) {
        compare_numbers(bytes + head.head_bytes, length - head.head_bytes, &head);
        compare_written(&head);
    }
}

/* A file around the dictionary, and a few bytes of data. */
static void check_wrapped(const uint8_t *dictionary, size_t length, unsigned major) {
    size_t fixed = major == 1 ? 10 : 12;
    size_t total = fixed + length + sizeof(double);
    char *bytes = take(total);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (char)major;
    bytes[7] = 0;
    for (size_t i = 8; i < fixed; i++) {
        bytes[i] = (char)(length >> 8 * (i - 8) & 0xFF);
    }
    if (length > 0) {
        memcpy(bytes + fixed, dictionary, length);
    }
    memcpy(bytes + fixed + length, "\x01\x02\x03\x04\x05\x06\xF7\xFF", sizeof(double));
    check(bytes, total);
    struct npy_head head;
    bool is_read = read_prefix(bytes, fixed + length, &head) == PROBLEM_NONE;
    require(is_read == is_readable(bytes + fixed, length, major), "whether it can be read");
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    unsigned major = data[0] % 4;
    if (major == 0) {
        check((const char *)data + 1, size - 1);
    } else if (size - 1 <= ORACLE_LENGTH_MAX) {
        check_wrapped(data + 1, size - 1, major);
    }
    return 0;
}
