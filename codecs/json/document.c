/* jansson reads the body; this file makes three things of its own around it.
 *
 * Memory: while document_parse runs, jansson's allocations go to the document's arena, found through a thread-local
 * pointer. The tree is never taken down node by node: the arena goes as a whole, on any thread.
 *
 * Out of memory: jansson doesn't survive a failing allocation (its lexer ignores that saving a byte failed and then
 * searches the buffer for a quote that isn't there), so a failing one doesn't return: it jumps back into load(), which
 * is safe as jansson holds nothing but arena blocks.
 *
 * Strictness: a NUL byte outside strings is refused before jansson, which skips it when it follows a number or literal.
 */
#include "codecs/json/document.h"

#include "codecs/json/arena.h"
#include "codecs/json/document_error.h"
#include "codecs/json/readable.h"
#include "codecs/numbers/number_text.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document {
    _Alignas(16) struct arena arena;
    json_t *root;       /* an object; in the arena */
    size_t block_bytes; /* of the block that this struct and the arena's first part are in */
};

struct parse {
    struct arena *arena;
    bool exhausted;
    jmp_buf escape;
};

enum {
    SMALLEST_BLOCK_BYTES = 2 * 1024, /* enough for the tree of a 200-byte body of options */
    LARGEST_BLOCK_BYTES = 16 * 1024,
    CANCEL_PIECE = 16 * 1024, /* elements between two looks at the cancel flag: about 0.1 ms */
    QUOTED_MAX = 160,
    SHOWN_MAX = 64, /* of a name or a string of the client's */
    POINTER_MAX = sizeof((struct problem *)0)->pointer
};

/* From here on the doubles are too few for every integer. */
#define EXACT_END 9007199254740992.0

static_assert(sizeof(struct document) % 16 == 0, "the arena's first part follows the struct");

static _Thread_local struct parse *current;

/* jansson's allocator. Outside document_parse it is the heap: nothing allocated in one mode is freed in the other. */
static void *take(size_t bytes) {
    struct parse *parse = current;
    if (!parse) {
        return malloc(bytes);
    }
    void *block = arena_take(parse->arena, bytes);
    if (!block) {
        parse->exhausted = true;
        longjmp(parse->escape, 1);
    }
    return block;
}

static void give(void *block) {
    if (current) {
        arena_give(current->arena, block);
    } else {
        free(block);
    }
}

void document_library_init(void) {
    json_set_alloc_funcs(take, give);
    json_object_seed(0);
}

static json_t *load(struct parse *parse, const char *bytes, size_t length, json_error_t *error) {
    if (setjmp(parse->escape)) {
        return NULL;
    }
    return json_loadb(bytes, length,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL | JSON_DECODE_ANY, error);
}

static bool is_blank(const char *bytes, size_t length) {
    size_t at = 0;
    while (at < length && (bytes[at] == ' ' || bytes[at] == '\t' || bytes[at] == '\n' || bytes[at] == '\r')) {
        at++;
    }
    return at == length;
}

static const char *const type_names[] = {
    [DOCUMENT_ABSENT] = "absent",    [DOCUMENT_NULL] = "null",       [DOCUMENT_BOOLEAN] = "a boolean",
    [DOCUMENT_NUMBER] = "a number",  [DOCUMENT_STRING] = "a string", [DOCUMENT_ARRAY] = "an array",
    [DOCUMENT_OBJECT] = "an object",
};

static enum document_type type_of(const json_t *value) {
    if (!value) {
        return DOCUMENT_ABSENT;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return DOCUMENT_OBJECT;
    case JSON_ARRAY:
        return DOCUMENT_ARRAY;
    case JSON_STRING:
        return DOCUMENT_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return DOCUMENT_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return DOCUMENT_BOOLEAN;
    default:
        return DOCUMENT_NULL;
    }
}

static enum problem_kind refuse_memory(size_t bytes, struct problem *problem) {
    return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "reading the JSON takes at least %zu bytes", bytes);
}

/* What needs no parser: nothing there, or a byte that can't be. */
static enum problem_kind check_bytes(const char *bytes, size_t length, struct problem *problem) {
    if (is_blank(bytes, length)) {
        return problem_set(problem, PROBLEM_EMPTY_BODY, NULL, "a JSON object is expected");
    }
    const char *nul = memchr(bytes, '\0', length);
    if (nul) {
        return problem_set(problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: a NUL byte", (size_t)(nul - bytes));
    }
    return PROBLEM_NONE;
}

/* Of the block that a document starts with: in the usual case the only one. */
static size_t first_bytes(size_t length) {
    return length < LARGEST_BLOCK_BYTES / 8 ? SMALLEST_BLOCK_BYTES + length * 4 / 64 * 64 : LARGEST_BLOCK_BYTES;
}

/* Fills document->root with an object, or says why not. */
static enum problem_kind fill(struct document *document, const char *bytes, size_t length, struct problem *problem) {
    struct parse parse = {.arena = &document->arena};
    json_error_t error = {.text = ""};
    current = &parse;
    document->root = load(&parse, bytes, length, &error);
    current = NULL;
    if (parse.exhausted) {
        return refuse_memory(document->arena.peak_bytes, problem);
    }
    if (!document->root) {
        return document_error_explain(bytes, &error, problem);
    }
    if (!json_is_object(document->root)) {
        return problem_set(problem, PROBLEM_NOT_AN_OBJECT, NULL, "the body is %s; a JSON object is expected",
                           type_names[type_of(document->root)]);
    }
    return PROBLEM_NONE;
}

enum problem_kind document_parse(const char *bytes, size_t length, struct memory *memory, struct document **out,
                                 size_t *peak_bytes, struct problem *problem) {
    *out = NULL;
    *peak_bytes = first_bytes(length);
    enum problem_kind kind = check_bytes(bytes, length, problem);
    if (kind) {
        return kind;
    }
    struct document *document = memory_take(memory, *peak_bytes);
    if (!document) {
        return refuse_memory(*peak_bytes, problem);
    }
    document->block_bytes = *peak_bytes;
    arena_init(&document->arena, memory, document + 1, document->block_bytes - sizeof *document);
    kind = fill(document, bytes, length, problem);
    *peak_bytes = sizeof *document + document->arena.peak_bytes;
    if (kind) {
        document_free(document);
        return kind;
    }
    *out = document;
    return PROBLEM_NONE;
}

void document_free(struct document *document) {
    if (document) {
        struct memory *memory = document->arena.memory;
        arena_deinit(&document->arena);
        memory_give(memory, document, document->block_bytes);
    }
}

static const json_t *member(const struct document *document, const char *name) {
    return json_object_get(document->root, name);
}

static bool is_listed(const char *name, const char *const *const *lists) {
    for (; *lists; lists++) {
        for (const char *const *known = *lists; *known; known++) {
            if (strcmp(*known, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Adds the names, separated by commas, as far as they fit. */
static void join(char *out, size_t size, const char *const *names) {
    size_t used = strlen(out);
    for (; *names && used < size; names++) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", *names);
    }
}

enum problem_kind document_check_names(const struct document *document, const char *const *const *name_lists,
                                       struct problem *problem) {
    for (void *at = json_object_iter(document->root); at; at = json_object_iter_next(document->root, at)) {
        const char *name = json_object_iter_key(at);
        if (!is_listed(name, name_lists)) {
            char pointer[POINTER_MAX];
            char quoted[SHOWN_MAX];
            char known[QUOTED_MAX] = "";
            readable_pointer(name, pointer, sizeof pointer);
            readable_print(name, strlen(name), quoted, sizeof quoted);
            for (const char *const *const *list = name_lists; *list; list++) {
                join(known, sizeof known, *list);
            }
            return problem_set(problem, PROBLEM_UNKNOWN_FIELD, pointer, "\"%s\" is not one of: %s", quoted, known);
        }
    }
    return PROBLEM_NONE;
}

enum document_type document_type_of(const struct document *document, const char *name) {
    return type_of(member(document, name));
}

/* What a value is, in words: a string is shown, as it may be a number in quotes, or an option that a query misspells.
 */
static const char *describe(const json_t *value, char out[QUOTED_MAX]) {
    if (!json_is_string(value)) {
        return type_names[type_of(value)];
    }
    char shown[SHOWN_MAX];
    readable_print(json_string_value(value), json_string_length(value), shown, sizeof shown);
    (void)snprintf(out, QUOTED_MAX, "the string \"%s\"", shown);
    return out;
}

/* Says that the member is missing, or isn't what is expected. */
static enum problem_kind refuse_type(const json_t *value, const char *name, const char *expected,
                                     struct problem *problem) {
    char pointer[POINTER_MAX];
    readable_pointer(name, pointer, sizeof pointer);
    if (!value) {
        return problem_set(problem, PROBLEM_MISSING_FIELD, pointer, "\"%s\" is missing; %s is expected", name,
                           expected);
    }
    char what[QUOTED_MAX];
    return problem_set(problem, PROBLEM_WRONG_TYPE, pointer, "\"%s\" is %s; %s is expected", name,
                       describe(value, what), expected);
}

enum problem_kind document_text(const struct document *document, const char *name, struct text_view *out,
                                struct problem *problem) {
    const json_t *value = member(document, name);
    if (!json_is_string(value)) {
        return refuse_type(value, name, "a string", problem);
    }
    *out = (struct text_view){.bytes = json_string_value(value), .length = json_string_length(value)};
    return PROBLEM_NONE;
}

enum problem_kind document_number(const struct document *document, const char *name, double *out,
                                  struct problem *problem) {
    const json_t *value = member(document, name);
    if (!json_is_number(value)) {
        return refuse_type(value, name, "a number", problem);
    }
    *out = json_number_value(value);
    return PROBLEM_NONE;
}

static bool fits(double value, int64_t lowest, int64_t highest, int64_t *out) {
    if (!(value >= (double)lowest && value <= (double)highest) || value != (double)(int64_t)value) {
        return false;
    }
    *out = (int64_t)value;
    return true;
}

static void range(int64_t lowest, int64_t highest, const char *alternative, char out[QUOTED_MAX]) {
    (void)snprintf(out, QUOTED_MAX, "a whole number from %lld to %lld%s", (long long)lowest, (long long)highest,
                   alternative);
}

/* `what` names the value in words, `expected` what it should be. */
static enum problem_kind refuse_integer(double value, const char *pointer, const char *what, int64_t lowest,
                                        int64_t highest, const char *expected, struct problem *problem) {
    bool inside = value >= (double)lowest && value <= (double)highest;
    char text[NUMBER_TEXT_MAX];
    bool is_exact = fabs(value) < EXACT_END;
    bool is_integer = is_exact && value == (double)(int64_t)value; /* 100000, not 1e+05 */
    int length =
        is_integer ? snprintf(text, sizeof text, "%lld", (long long)value) : (int)number_text_double(value, text);
    return problem_set(problem, inside ? PROBLEM_WRONG_TYPE : PROBLEM_OUT_OF_RANGE, pointer,
                       "%s is %s%.*s; %s is expected", what, is_exact ? "" : "about ", length, text, expected);
}

/* `alternative` ends the sentence that says what is expected. */
static enum problem_kind read_integer(const struct document *document, const char *name, int64_t lowest,
                                      int64_t highest, const char *alternative, int64_t *out, struct problem *problem) {
    const json_t *value = member(document, name);
    bool is_number = json_is_number(value);
    double number = is_number ? json_number_value(value) : 0;
    if (is_number && fits(number, lowest, highest, out)) {
        return PROBLEM_NONE;
    }
    char expected[QUOTED_MAX];
    range(lowest, highest, alternative, expected);
    if (!is_number) {
        return refuse_type(value, name, expected, problem);
    }
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    readable_pointer(name, pointer, sizeof pointer);
    (void)snprintf(what, sizeof what, "\"%s\"", name);
    return refuse_integer(number, pointer, what, lowest, highest, expected, problem);
}

enum problem_kind document_integer(const struct document *document, const char *name, int64_t lowest, int64_t highest,
                                   int64_t *out, struct problem *problem) {
    return read_integer(document, name, lowest, highest, "", out, problem);
}

enum problem_kind document_integer_or(const struct document *document, const char *name, int64_t lowest,
                                      int64_t highest, const char *word, bool *is_word, int64_t *out,
                                      struct problem *problem) {
    const json_t *value = member(document, name);
    *is_word = json_is_string(value) && json_string_length(value) == strlen(word) &&
               memcmp(json_string_value(value), word, strlen(word)) == 0;
    if (*is_word) {
        return PROBLEM_NONE;
    }
    char alternative[SHOWN_MAX];
    (void)snprintf(alternative, sizeof alternative, ", or \"%s\",", word);
    return read_integer(document, name, lowest, highest, alternative, out, problem);
}

enum problem_kind document_choice(const struct document *document, const char *name, const char *const *choices,
                                  size_t *out, struct problem *problem) {
    struct text_view text = {.bytes = "", .length = 0};
    enum problem_kind kind = document_text(document, name, &text, problem);
    if (kind) {
        return kind;
    }
    for (size_t i = 0; choices[i]; i++) {
        if (strlen(choices[i]) == text.length && memcmp(choices[i], text.bytes, text.length) == 0) {
            *out = i;
            return PROBLEM_NONE;
        }
    }
    char pointer[POINTER_MAX];
    char quoted[SHOWN_MAX];
    char list[QUOTED_MAX] = "";
    readable_pointer(name, pointer, sizeof pointer);
    readable_print(text.bytes, text.length, quoted, sizeof quoted);
    join(list, sizeof list, choices);
    return problem_set(problem, PROBLEM_OUT_OF_RANGE, pointer, "\"%s\" is \"%s\"; one of these is expected: %s", name,
                       quoted, list);
}

enum problem_kind document_array_length(const struct document *document, const char *name, size_t *out,
                                        struct problem *problem) {
    const json_t *value = member(document, name);
    if (!json_is_array(value)) {
        return refuse_type(value, name, "an array", problem);
    }
    *out = json_array_size(value);
    return PROBLEM_NONE;
}

static enum problem_kind refuse_element(const json_t *element, const char *name, size_t index, const char *expected,
                                        struct problem *problem) {
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, index);
    return problem_set(problem, PROBLEM_WRONG_TYPE, pointer, "element %zu of \"%s\" is %s; %s is expected", index, name,
                       describe(element, what), expected);
}

enum problem_kind document_array_doubles(const struct document *document, const char *name, double *out, size_t length,
                                         const _Atomic bool *cancel, struct problem *problem) {
    const json_t *array = member(document, name);
    for (size_t i = 0; i < length; i++) {
        if (i % CANCEL_PIECE == 0 && cancel && atomic_load_explicit(cancel, memory_order_relaxed)) {
            break;
        }
        const json_t *element = json_array_get(array, i);
        if (!json_is_number(element)) {
            return refuse_element(element, name, i, "a number", problem);
        }
        out[i] = json_number_value(element);
    }
    return PROBLEM_NONE;
}

enum problem_kind document_array_integers(const struct document *document, const char *name, int64_t lowest,
                                          int64_t highest, int64_t *out, size_t length, struct problem *problem) {
    const json_t *array = member(document, name);
    for (size_t i = 0; i < length; i++) {
        const json_t *element = json_array_get(array, i);
        if (!json_is_number(element)) {
            return refuse_element(element, name, i, "a number", problem);
        }
        double value = json_number_value(element);
        if (!fits(value, lowest, highest, &out[i])) {
            char pointer[POINTER_MAX];
            char what[QUOTED_MAX];
            char expected[QUOTED_MAX];
            (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, i);
            (void)snprintf(what, sizeof what, "element %zu of \"%s\"", i, name);
            range(lowest, highest, "", expected);
            return refuse_integer(value, pointer, what, lowest, highest, expected, problem);
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind document_array_texts(const struct document *document, const char *name, struct text_view *out,
                                       size_t length, struct problem *problem) {
    const json_t *array = member(document, name);
    for (size_t i = 0; i < length; i++) {
        const json_t *element = json_array_get(array, i);
        if (!json_is_string(element)) {
            return refuse_element(element, name, i, "a string", problem);
        }
        out[i] = (struct text_view){.bytes = json_string_value(element), .length = json_string_length(element)};
    }
    return PROBLEM_NONE;
}

enum problem_kind document_refuse(const struct document *document, const char *name, const char *expected,
                                  struct problem *problem) {
    return refuse_type(member(document, name), name, expected, problem);
}

static enum problem_kind refuse_row(const json_t *row, const char *name, size_t index, struct problem *problem) {
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    if (!json_is_array(row)) {
        (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, index);
        return problem_set(problem, PROBLEM_WRONG_TYPE, pointer,
                           "row %zu of \"%s\" is %s; an array of numbers is expected", index, name,
                           describe(row, what));
    }
    for (size_t i = 0; i < json_array_size(row); i++) {
        const json_t *element = json_array_get(row, i);
        if (!json_is_number(element)) {
            (void)snprintf(pointer, sizeof pointer, "/%s/%zu/%zu", name, index, i);
            return problem_set(problem, PROBLEM_WRONG_TYPE, pointer,
                               "element %zu of row %zu of \"%s\" is %s; a number is expected", i, index, name,
                               describe(element, what));
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind document_refuse_rows(const struct document *document, const char *name, struct problem *problem) {
    const json_t *array = member(document, name);
    bool is_flat = json_is_number(json_array_get(array, 0));
    if (is_flat || !json_is_array(array)) {
        return refuse_type(array, name,
                           is_flat ? "an array of rows, [[1], [2]] instead of [1, 2], or x.reshape(-1, 1),"
                                   : "an array of rows, [[1, 2], [3, 4]],",
                           problem);
    }
    for (size_t i = 0; i < json_array_size(array) && !refuse_row(json_array_get(array, i), name, i, problem); i++) {
    }
    return problem->kind;
}
