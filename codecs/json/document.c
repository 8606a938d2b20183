/* jansson reads the body, but for the plainest (flat_object.h); this file makes three things of its own around it.
 *
 * Memory: while document_parse runs, jansson's allocations go to the document's arena, found through a thread-local
 * pointer. The tree is never taken down node by node: the arena goes as a whole, on any thread.
 *
 * Out of memory: jansson doesn't survive a failing allocation (its lexer ignores that saving a byte failed and then
 * searches the buffer for a quote that isn't there), so a failing one doesn't return: it jumps back into load(), which
 * is safe as jansson holds nothing but arena blocks.
 *
 * Strictness: jansson skips a NUL byte that follows a number or a literal, and doesn't look at a number that a byte
 * follows which isn't UTF-8. So it is given what comes before the first of these, for what is wrong there.
 */
#include "codecs/json/document.h"

#include "codecs/json/arena.h"
#include "codecs/json/document_error.h"
#include "codecs/json/document_value.h"
#include "codecs/json/flat_object.h"
#include "codecs/json/readable.h"
#include "codecs/json/utf8_check.h"
#include "codecs/numbers/number_text.h"

#include <assert.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document {
    _Alignas(16) struct arena arena;
    const struct document *base; /* whose members are there as well */
    json_t *root;                /* an object; in the arena. NULL: it is `flat` */
    size_t block_bytes;          /* of the block that this struct and the arena's first part are in */
    struct flat_object flat;     /* in the arena's first part */
};

struct parse {
    struct arena *arena;
    bool exhausted;
    jmp_buf escape;
};

enum {
    SMALLEST_BLOCK_BYTES = 2 * 1024, /* enough for the tree of a 200-byte body of options */
    LARGEST_BLOCK_BYTES = 16 * 1024
};

static_assert(sizeof(struct document) % 16 == 0, "the arena's first part follows the struct");
static_assert(sizeof(struct document) + FLAT_BYTES_MAX <= SMALLEST_BLOCK_BYTES, "a flat object fits");

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

static enum problem_kind refuse_memory(size_t bytes, struct problem *problem) {
    return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "reading the JSON takes at least %zu bytes", bytes);
}

/* Of the block that a document starts with: in the usual case the only one. */
static size_t first_bytes(size_t length) {
    return length < LARGEST_BLOCK_BYTES / 8 ? SMALLEST_BLOCK_BYTES + length * 4 / 64 * 64 : LARGEST_BLOCK_BYTES;
}

/* Bytes before the first that can't be in JSON. */
static size_t readable_length(const char *bytes, size_t length) {
    size_t valid = utf8_check(bytes, length);
    const char *nul = memchr(bytes, '\0', valid);
    return nul ? (size_t)(nul - bytes) : valid;
}

/* Fills document->root with an object, or says why not. */
static enum problem_kind fill(struct document *document, const char *bytes, size_t length, struct problem *problem) {
    struct parse parse = {.arena = &document->arena};
    json_error_t error = {.text = ""};
    size_t readable = readable_length(bytes, length);
    current = &parse;
    document->root = load(&parse, bytes, readable, &error);
    current = NULL;
    if (parse.exhausted) {
        return refuse_memory(document->arena.peak_bytes, problem);
    }
    if (!document->root || readable < length) {
        return document_error_explain(bytes, length, &error, problem);
    }
    if (!json_is_object(document->root)) {
        return problem_set(problem, PROBLEM_NOT_AN_OBJECT, NULL, "the body is %s; a JSON object is expected",
                           value_name(value_of(document->root).type));
    }
    return PROBLEM_NONE;
}

/* Without jansson, where that will do: in a copy, since the bytes may go. */
static bool read_flat(struct document *document, const char *bytes, size_t length) {
    char *copy = (char *)(document + 1);
    document->root = NULL;
    if (length == 0 || length > FLAT_BYTES_MAX) {
        return false;
    }
    memcpy(copy, bytes, length);
    return flat_object_read(copy, length, &document->flat);
}

enum problem_kind document_parse(const char *bytes, size_t length, struct memory *memory, struct document **out,
                                 size_t *peak_bytes, struct problem *problem) {
    *out = NULL;
    *peak_bytes = first_bytes(length);
    if (is_blank(bytes, length)) {
        return problem_set(problem, PROBLEM_EMPTY_BODY, NULL, "the body is empty%s; a JSON object is expected",
                           length > 0 ? " but for white space" : "");
    }
    struct document *document = memory_take(memory, *peak_bytes);
    if (!document) {
        return refuse_memory(*peak_bytes, problem);
    }
    document->block_bytes = *peak_bytes;
    document->base = NULL;
    arena_init(&document->arena, memory, document + 1, document->block_bytes - sizeof *document);
    enum problem_kind kind = PROBLEM_NONE;
    if (!read_flat(document, bytes, length)) {
        kind = fill(document, bytes, length, problem);
        *peak_bytes = sizeof *document + document->arena.peak_bytes;
    }
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

static struct value value_of_member(const struct flat_member *member) {
    return member ? (struct value){.type = member->type, .text = member->text, .number = member->number}
                  : (struct value){.type = DOCUMENT_ABSENT};
}

static struct value own_member(const struct document *document, const char *name) {
    return document->root ? value_of(json_object_get(document->root, name))
                          : value_of_member(flat_object_find(&document->flat, name));
}

/* Apart: with the value in its frame each look-up would take twice as many instructions. */
static __attribute__((noinline)) enum document_type tree_type(const json_t *root, const char *name) {
    return value_of(json_object_get(root, name)).type;
}

/* What most look-ups are for, and all that many need: a call asks for some fifteen members, few of which are there. */
static enum document_type own_type(const struct document *document, const char *name) {
    if (document->root) {
        return tree_type(document->root, name);
    }
    const struct flat_member *member = flat_object_find(&document->flat, name);
    return member ? member->type : DOCUMENT_ABSENT;
}

struct value document_member(const struct document *document, const char *name) {
    struct value value = own_member(document, name);
    return value.type == DOCUMENT_ABSENT && document->base ? own_member(document->base, name) : value;
}

void document_inherit(struct document *document, const struct document *base) {
    document->base = base;
}

bool document_has_own(const struct document *document, const char *name) {
    return own_type(document, name) != DOCUMENT_ABSENT;
}

static bool is_listed(const char *name, const char *const *const *lists) {
    for (; *lists; lists++) {
        for (const char *const *known = *lists; *known; known++) {
            if ((*known)[0] == name[0] && strcmp(*known, name) == 0) {
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

static enum problem_kind refuse_name(const char *name, const char *const *const *name_lists, struct problem *problem) {
    char pointer[POINTER_MAX];
    char quoted[SHOWN_MAX];
    char known[QUOTED_MAX] = "";
    readable_pointer(name, pointer, sizeof pointer);
    readable_print(name, strlen(name), quoted, sizeof quoted);
    for (const char *const *const *list = name_lists; *list; list++) {
        join(known, sizeof known, *list);
    }
    return known[0] ? problem_set(problem, PROBLEM_UNKNOWN_FIELD, pointer, "\"%s\" is not one of: %s", quoted, known)
                    : problem_set(problem, PROBLEM_UNKNOWN_FIELD, pointer,
                                  "\"%s\" is not one of the options: there are none", quoted);
}

enum problem_kind document_check_names(const struct document *document, const char *const *const *name_lists,
                                       struct problem *problem) {
    for (unsigned i = 0; !document->root && i < document->flat.count; i++) {
        if (!is_listed(document->flat.members[i].name, name_lists)) {
            return refuse_name(document->flat.members[i].name, name_lists, problem);
        }
    }
    for (void *at = json_object_iter(document->root); at; at = json_object_iter_next(document->root, at)) {
        if (!is_listed(json_object_iter_key(at), name_lists)) {
            return refuse_name(json_object_iter_key(at), name_lists, problem);
        }
    }
    return PROBLEM_NONE;
}

/* False: `visit` has had enough. */
static bool visit_own_names(const struct document *document, const struct document *hidden_by,
                            bool (*visit)(void *context, const char *name), void *context) {
    bool goes_on = true;
    for (unsigned i = 0; !document->root && i < document->flat.count && goes_on; i++) {
        const char *name = document->flat.members[i].name;
        goes_on = (hidden_by && document_has_own(hidden_by, name)) || visit(context, name);
    }
    for (void *at = json_object_iter(document->root); at && goes_on; at = json_object_iter_next(document->root, at)) {
        const char *name = json_object_iter_key(at);
        goes_on = (hidden_by && document_has_own(hidden_by, name)) || visit(context, name);
    }
    return goes_on;
}

void document_visit_names(const struct document *document, bool (*visit)(void *context, const char *name),
                          void *context) {
    if (visit_own_names(document, NULL, visit, context) && document->base) {
        (void)visit_own_names(document->base, document, visit, context);
    }
}

enum document_type document_type_of(const struct document *document, const char *name) {
    enum document_type type = own_type(document, name);
    return type == DOCUMENT_ABSENT && document->base ? own_type(document->base, name) : type;
}

enum problem_kind document_text(const struct document *document, const char *name, struct text_view *out,
                                struct problem *problem) {
    const struct value value = document_member(document, name);
    if (value.type != DOCUMENT_STRING) {
        return value_refuse(&value, name, "a string", problem);
    }
    *out = value.text;
    return PROBLEM_NONE;
}

enum problem_kind document_number(const struct document *document, const char *name, double *out,
                                  struct problem *problem) {
    const struct value value = document_member(document, name);
    if (value.type != DOCUMENT_NUMBER) {
        return value_refuse(&value, name, "a number", problem);
    }
    *out = value.number;
    return PROBLEM_NONE;
}

enum problem_kind document_boolean(const struct document *document, const char *name, bool *out,
                                   struct problem *problem) {
    const struct value value = document_member(document, name);
    if (value.type != DOCUMENT_BOOLEAN) {
        return value_refuse(&value, name, "true or false", problem);
    }
    *out = value.number != 0;
    return PROBLEM_NONE;
}

/* `alternative` ends the sentence that says what is expected. */
static enum problem_kind read_integer(const struct document *document, const char *name, int64_t lowest,
                                      int64_t highest, const char *alternative, int64_t *out, struct problem *problem) {
    const struct value value = document_member(document, name);
    bool is_number = value.type == DOCUMENT_NUMBER;
    if (is_number && value_fits(value.number, lowest, highest, out)) {
        return PROBLEM_NONE;
    }
    char expected[QUOTED_MAX];
    value_range(lowest, highest, alternative, expected);
    if (!is_number) {
        return value_refuse(&value, name, expected, problem);
    }
    char pointer[POINTER_MAX];
    char what[QUOTED_MAX];
    readable_pointer(name, pointer, sizeof pointer);
    (void)snprintf(what, sizeof what, "\"%s\"", name);
    return value_refuse_integer(value.number, pointer, what, lowest, highest, expected, problem);
}

enum problem_kind document_integer(const struct document *document, const char *name, int64_t lowest, int64_t highest,
                                   int64_t *out, struct problem *problem) {
    return read_integer(document, name, lowest, highest, "", out, problem);
}

enum problem_kind document_integer_or(const struct document *document, const char *name, int64_t lowest,
                                      int64_t highest, const char *word, bool *is_word, int64_t *out,
                                      struct problem *problem) {
    const struct value value = document_member(document, name);
    *is_word = value.type == DOCUMENT_STRING && value.text.length == strlen(word) &&
               memcmp(value.text.bytes, word, strlen(word)) == 0;
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

enum problem_kind document_refuse(const struct document *document, const char *name, const char *expected,
                                  struct problem *problem) {
    const struct value value = document_member(document, name);
    return value_refuse(&value, name, expected, problem);
}
