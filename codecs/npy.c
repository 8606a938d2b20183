/* A head is "\x93NUMPY", two version bytes, the length of the rest (two bytes in version 1.0, four later;
 * little-endian) and a Python dictionary with the keys 'descr', 'fortran_order' and 'shape'. NumPy evaluates that as a
 * literal; here it is read by a parser for the few literals that can occur in arrays we read: strings without escapes,
 * True and False, and tuples of whole numbers. What Python would accept beyond that (comments, 1_000, u'', True as a
 * number) no writer writes. Each function of the parser reads one thing at the cursor and moves it on; the first thing
 * that is wrong is recorded as the problem. */
#include "codecs/npy.h"

#include "codecs/npy_foreign.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

enum {
    VERSION_END = 8, /* offset after the version */
    DICTIONARY_MAX = 65536,
    SHAPE_PARSED_MAX = 64, /* dimensions; NumPy itself has at most 64 */
    DTYPE_SHOWN_MAX = 32,
    FIELD_SHOWN_MAX = 32,
    FIELD_HINT_BYTES = 80,
    POINTER_BYTES = 34
};

enum key { KEY_DESCR, KEY_FORTRAN_ORDER, KEY_SHAPE, KEY_COUNT };
static const char *const key_names[KEY_COUNT] = {"descr", "fortran_order", "shape"};

struct cursor {
    const char *start;
    const char *at;
    const char *end;
    unsigned major; /* of the format's version */
    const char *pointer;
    const char *name; /* the array's in a hint: x.astype(...) */
    struct problem *problem;
};

struct literal {
    const char *text;
    size_t length;
};

/* The dictionary as it stands there. */
struct description {
    struct literal dtype;
    bool fortran_order;
    size_t dimensions;
    size_t shape[NPY_DIMENSIONS_MAX];
};

static enum problem_kind npy_refuse(struct cursor *cursor, const char *what) {
    return problem_set(cursor->problem, PROBLEM_INVALID_NPY, cursor->pointer, "at byte %zu of the head of \"%s\": %s",
                       (size_t)(cursor->at - cursor->start) + 1, cursor->name, what);
}

static void skip_space(struct cursor *cursor) {
    while (cursor->at < cursor->end && memchr(" \t\n\r\f", *cursor->at, 5)) {
        cursor->at++;
    }
}

/* The next character after white space, which becomes the cursor's place; NUL at the end (and for a NUL, which no rule
 * expects). */
static char peek(struct cursor *cursor) {
    skip_space(cursor);
    return cursor->at < cursor->end ? *cursor->at : '\0';
}

static bool accept(struct cursor *cursor, char wanted) {
    if (peek(cursor) != wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

static bool accept_word(struct cursor *cursor, const char *word) {
    size_t length = strlen(word);
    skip_space(cursor);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) {
        return false;
    }
    cursor->at += length;
    return true;
}

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

static enum problem_kind read_string(struct cursor *cursor, struct literal *out) {
    char quote = peek(cursor);
    if (quote != '\'' && quote != '"') {
        return npy_refuse(cursor, "a string is expected");
    }
    const char *text = cursor->at + 1;
    for (const char *at = text; at < cursor->end && *at != '\n' && *at != '\\'; at++) {
        if (*at == quote) {
            *out = (struct literal){.text = text, .length = (size_t)(at - text)};
            cursor->at = at + 1;
            return PROBLEM_NONE;
        }
    }
    return npy_refuse(cursor, "this string does not end");
}

static bool is_plain(char character) {
    return character >= ' ' && character <= '~' && !memchr("'\"\\", character, 3);
}

/* The name of the first field in a list of them, [('a', '<f8'), ...]; of length 0 where it can't be quoted as it is. */
static struct literal first_field(struct cursor ahead) {
    char quote = accept(&ahead, '[') && accept(&ahead, '(') ? peek(&ahead) : '\0';
    if (quote != '\'' && quote != '"') {
        return (struct literal){0};
    }
    struct literal name = {.text = ahead.at + 1};
    size_t left = (size_t)(ahead.end - name.text);
    while (name.length < left && name.length < FIELD_SHOWN_MAX && is_plain(name.text[name.length])) {
        name.length++;
    }
    return name.length < left && name.text[name.length] == quote ? name : (struct literal){0};
}

/* Shows what there is of the list of fields. */
static enum problem_kind refuse_structure(struct cursor *cursor) {
    size_t left = (size_t)(cursor->end - cursor->at);
    int shown = (int)(left < DTYPE_SHOWN_MAX ? left : DTYPE_SHOWN_MAX);
    const char *closing = memchr(cursor->at, ']', (size_t)shown);
    shown = closing ? (int)(closing + 1 - cursor->at) : shown;
    struct literal field = first_field(*cursor);
    char hint[FIELD_HINT_BYTES] = "";
    if (field.length > 0) {
        (void)snprintf(hint, sizeof hint, ", %s['%.*s'],", cursor->name, (int)field.length, field.text);
    }
    return problem_set(cursor->problem, PROBLEM_WRONG_TYPE, cursor->pointer,
                       "\"%s\" has a structured dtype, %.*s%s; taken are " NPY_DTYPES_READ ": a field of it%s "
                       "may be one",
                       cursor->name, shown, cursor->at, closing ? "" : "...", hint);
}

static enum problem_kind read_dtype(struct cursor *cursor, struct description *out) {
    if (peek(cursor) == '[' || peek(cursor) == '(') {
        return refuse_structure(cursor);
    }
    return read_string(cursor, &out->dtype);
}

static enum problem_kind read_order(struct cursor *cursor, struct description *out) {
    out->fortran_order = accept_word(cursor, "True");
    if (!out->fortran_order && !accept_word(cursor, "False")) {
        return npy_refuse(cursor, "'fortran_order' is True or False");
    }
    return PROBLEM_NONE;
}

/* A whole number without sign, as Python writes it; Python 2 wrote large ones with an L. */
static enum problem_kind read_size(struct cursor *cursor, size_t *out) {
    if (peek(cursor) == '-') {
        return npy_refuse(cursor, "a dimension is negative");
    }
    const char *first = cursor->at;
    size_t value = 0;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        size_t digit = (size_t)(*cursor->at - '0');
        if (value > (PTRDIFF_MAX - digit) / 10) {
            return npy_refuse(cursor, "a dimension is too large");
        }
        value = value * 10 + digit;
    }
    size_t digits = (size_t)(cursor->at - first);
    if (digits == 0 || (digits > 1 && *first == '0')) {
        return npy_refuse(cursor, "a dimension is a whole number");
    }
    if (cursor->major < 3 && cursor->at < cursor->end && *cursor->at == 'L') {
        cursor->at++;
    }
    *out = value;
    return PROBLEM_NONE;
}

/* A tuple: (), (3,), (3, 4) or (3, 4,). */
static enum problem_kind read_shape(struct cursor *cursor, struct description *out) {
    if (!accept(cursor, '(')) {
        return npy_refuse(cursor, "'shape' is a tuple of whole numbers");
    }
    out->dimensions = 0;
    bool comma = true;
    while (!accept(cursor, ')')) {
        size_t size = 0;
        if (!comma || out->dimensions == SHAPE_PARSED_MAX) {
            return npy_refuse(cursor, comma ? "too many dimensions" : "',' or ')' is expected in 'shape'");
        }
        if (read_size(cursor, &size)) {
            return cursor->problem->kind;
        }
        if (out->dimensions < NPY_DIMENSIONS_MAX) {
            out->shape[out->dimensions] = size;
        }
        out->dimensions++;
        comma = accept(cursor, ',');
    }
    return out->dimensions == 1 && !comma ? npy_refuse(cursor, "'shape' is a tuple: (3,), not (3)") : PROBLEM_NONE;
}

static enum problem_kind (*const value_readers[KEY_COUNT])(struct cursor *cursor, struct description *out) = {
    [KEY_DESCR] = read_dtype, [KEY_FORTRAN_ORDER] = read_order, [KEY_SHAPE] = read_shape};

static enum problem_kind read_member(struct cursor *cursor, bool *seen, struct description *out) {
    struct literal name = {0};
    if (read_string(cursor, &name)) {
        return cursor->problem->kind;
    }
    size_t key = 0;
    while (key < KEY_COUNT &&
           (name.length != strlen(key_names[key]) || memcmp(name.text, key_names[key], name.length) != 0)) {
        key++;
    }
    if (key == KEY_COUNT) {
        return npy_refuse(cursor, "the keys are 'descr', 'fortran_order' and 'shape'");
    }
    if (seen[key]) {
        return npy_refuse(cursor, "this key occurs twice");
    }
    seen[key] = true;
    if (!accept(cursor, ':')) {
        return npy_refuse(cursor, "':' is expected");
    }
    return value_readers[key](cursor, out);
}

static enum problem_kind read_dictionary(struct cursor *cursor, struct description *out) {
    bool seen[KEY_COUNT] = {false};
    if (!accept(cursor, '{')) {
        return npy_refuse(cursor, "a dictionary is expected");
    }
    bool comma = true;
    while (!accept(cursor, '}')) {
        if (!comma) {
            return npy_refuse(cursor, "',' or '}' is expected");
        }
        if (read_member(cursor, seen, out)) {
            return cursor->problem->kind;
        }
        comma = accept(cursor, ',');
    }
    for (size_t key = 0; key < KEY_COUNT; key++) {
        if (!seen[key]) {
            return problem_set(cursor->problem, PROBLEM_INVALID_NPY, cursor->pointer, "the head of \"%s\" has no '%s'",
                               cursor->name, key_names[key]);
        }
    }
    skip_space(cursor);
    return cursor->at < cursor->end ? npy_refuse(cursor, "only spaces may follow the dictionary") : PROBLEM_NONE;
}

static enum problem_kind choose_dtype(struct cursor *cursor, struct literal dtype, struct npy_head *head) {
    if (npy_dtype_find(dtype.text, dtype.length, &head->dtype, &head->big_endian)) {
        return PROBLEM_NONE;
    }
    const char *hint = NULL;
    const char *what = npy_dtype_explain(dtype.text, dtype.length, &hint);
    int shown = (int)(dtype.length < DTYPE_SHOWN_MAX ? dtype.length : DTYPE_SHOWN_MAX);
    char spelling[NPY_CODE_BYTES];
    if (npy_dtype_respell(dtype.text, dtype.length, spelling)) {
        return problem_set(cursor->problem, PROBLEM_WRONG_TYPE, cursor->pointer,
                           "\"%s\" has dtype '%.*s'; 'descr' is a code with its byte order, as np.save writes it: '%s'",
                           cursor->name, shown, dtype.text, spelling);
    }
    return problem_set(cursor->problem, PROBLEM_WRONG_TYPE, cursor->pointer,
                       "\"%s\" has dtype '%.*s'%s; taken are " NPY_DTYPES_READ ": %s%s", cursor->name, shown,
                       dtype.text, what, cursor->name, hint);
}

bool npy_count(const size_t *shape, unsigned dimensions, size_t *count) {
    size_t product = 1;
    bool is_empty = false;
    for (unsigned i = 0; i < dimensions; i++) {
        is_empty = is_empty || shape[i] == 0;
        if (shape[i] > 0 && (__builtin_mul_overflow(product, shape[i], &product) || product > PTRDIFF_MAX)) {
            return false;
        }
    }
    *count = is_empty ? 0 : product;
    return true;
}

/* Only what fits a signed size together with its head, as no larger array can exist in memory. */
static enum problem_kind measure(struct cursor *cursor, struct npy_head *head) {
    size_t count = 0;
    size_t bytes = 0;
    if (!npy_count(head->shape, head->dimensions, &count) ||
        __builtin_mul_overflow(count, npy_number_bytes(head->dtype), &bytes) ||
        bytes > PTRDIFF_MAX - NPY_HEAD_READ_MAX) {
        return problem_set(cursor->problem, PROBLEM_INVALID_NPY, cursor->pointer, "the shape of \"%s\" is too large",
                           cursor->name);
    }
    head->count = count;
    head->data_bytes = bytes;
    return PROBLEM_NONE;
}

static enum problem_kind interpret(struct cursor *cursor, const struct description *found, struct npy_head *head) {
    if (choose_dtype(cursor, found->dtype, head)) {
        return cursor->problem->kind;
    }
    if (found->dimensions > NPY_DIMENSIONS_MAX) {
        return problem_set(cursor->problem, PROBLEM_WRONG_TYPE, cursor->pointer,
                           "\"%s\" has %zu dimensions; at most %d are read", cursor->name, found->dimensions,
                           NPY_DIMENSIONS_MAX);
    }
    size_t long_ones = 0;
    head->dimensions = (unsigned)found->dimensions;
    for (size_t i = 0; i < NPY_DIMENSIONS_MAX; i++) {
        head->shape[i] = i < found->dimensions ? found->shape[i] : 1;
        long_ones += head->shape[i] > 1;
    }
    if (measure(cursor, head)) {
        return cursor->problem->kind;
    }
    head->fortran_order = found->fortran_order && long_ones > 1 && head->count > 0;
    return PROBLEM_NONE;
}

/* The fixed part, as far as it is there. Sets head->head_bytes to the length of all that is known to belong to the
 * head, and the cursor to the dictionary if that is there. */
static enum problem_kind read_preamble(struct cursor *cursor, struct npy_head *head) {
    const unsigned char *bytes = (const unsigned char *)cursor->start;
    size_t length = (size_t)(cursor->end - cursor->start);
    size_t checked = length < sizeof magic ? length : sizeof magic;
    if (checked > 0 && memcmp(bytes, magic, checked) != 0) {
        const char *what = npy_foreign(cursor->start, length);
        return problem_set(cursor->problem, PROBLEM_INVALID_NPY, cursor->pointer, "\"%s\" %s%s", cursor->name,
                           what ? "is " : "starts with other bytes than 93 'NUMPY', as np.save writes them",
                           what ? what : "");
    }
    unsigned major = length > sizeof magic ? bytes[sizeof magic] : 1;
    unsigned minor = length > sizeof magic + 1 ? bytes[sizeof magic + 1] : 0;
    if (major < 1 || major > 3 || minor != 0) {
        return problem_set(cursor->problem, PROBLEM_INVALID_NPY, cursor->pointer,
                           "\"%s\" has format version %u.%u; 1.0, 2.0 and 3.0 are read", cursor->name, major, minor);
    }
    size_t dictionary = VERSION_END + (major == 1 ? 2 : 4);
    head->head_bytes = dictionary;
    if (length < dictionary) {
        return PROBLEM_NONE;
    }
    size_t size = 0;
    for (size_t i = dictionary; i > VERSION_END; i--) {
        size = size << 8 | bytes[i - 1];
    }
    if (size > DICTIONARY_MAX) {
        return problem_set(cursor->problem, PROBLEM_INVALID_NPY, cursor->pointer,
                           "the head of \"%s\" has %zu bytes; at most %d are read", cursor->name, size, DICTIONARY_MAX);
    }
    head->head_bytes = dictionary + size;
    cursor->major = major;
    cursor->at = cursor->start + dictionary;
    return PROBLEM_NONE;
}

enum problem_kind npy_read_head(const char *bytes, size_t length, struct npy_head *head, const char *name,
                                struct problem *problem) {
    struct cursor cursor = {.start = bytes, .at = bytes, .end = bytes + length, .name = name, .problem = problem};
    char pointer[POINTER_BYTES];
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    cursor.pointer = pointer;
    struct description found = {0};
    *head = (struct npy_head){0};
    if (read_preamble(&cursor, head)) {
        return problem->kind;
    }
    if (length < head->head_bytes) {
        return PROBLEM_NONE;
    }
    cursor.end = bytes + head->head_bytes;
    if (read_dictionary(&cursor, &found) || interpret(&cursor, &found, head)) {
        return problem->kind;
    }
    head->complete = true;
    return PROBLEM_NONE;
}

void npy_print_index(const size_t *shape, unsigned dimensions, size_t index, const char *separator,
                     char out[NPY_INDEX_MAX]) {
    size_t places[NPY_DIMENSIONS_MAX];
    size_t used = 0;
    for (unsigned i = dimensions; i-- > 0;) {
        places[i] = index % shape[i];
        index /= shape[i];
    }
    out[0] = '\0';
    for (unsigned i = 0; i < dimensions && used < NPY_INDEX_MAX; i++) {
        used += (size_t)snprintf(out + used, NPY_INDEX_MAX - used, "%s%zu", i > 0 ? separator : "", places[i]);
    }
}

/* NumPy pads to a multiple of 64, with room for a first dimension of 21 digits to be written over this one. The longest
 * dictionary has 51 + 21 + 3 * 2 + 21 + 4 bytes: dimensions whose product has 19 digits have 19 + 3 in all at most. The
 * shortest has 51 + 4; with the 10 before it and the newline that makes 66 to 114, so that every head has 128. */
void npy_write_head(char out[NPY_HEAD_WRITTEN], enum npy_dtype dtype, unsigned dimensions, const size_t *shape) {
    static const char *const codes[NPY_DTYPE_COUNT] = {
        [NPY_FLOAT64] = "<f8", [NPY_FLOAT32] = "<f4", [NPY_INT64] = "<i8", [NPY_BOOL] = "|b1"};
    static const unsigned char preamble[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, NPY_HEAD_WRITTEN - 10, 0};
    memcpy(out, preamble, sizeof preamble);
    memset(out + sizeof preamble, ' ', NPY_HEAD_WRITTEN - sizeof preamble - 1);
    out[NPY_HEAD_WRITTEN - 1] = '\n';
    char text[NPY_HEAD_WRITTEN];
    int length = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", codes[dtype]);
    for (unsigned i = 0; i < dimensions; i++) {
        const char *format = i == 0 ? "%zu," : i == 1 ? " %zu" : ", %zu";
        length += snprintf(text + length, sizeof text - (size_t)length, format, shape[i]);
    }
    length += snprintf(text + length, sizeof text - (size_t)length, "), }");
    memcpy(out + sizeof preamble, text, (size_t)length);
}
