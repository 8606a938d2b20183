/* The query is printed as JSON, which is then parsed: values are short, and no document has to be made by hand. */
#include "handlers/query_document.h"

#include "codecs/query.h"

#include <stdio.h>
#include <string.h>

/* Decoding never makes text longer, and JSON writes a byte in at most six; an item gets quotes, brackets, a colon and a
 * comma besides. */
enum { JSON_BYTES_MAX = 6 * QUERY_BYTES_MAX + 16 * QUERY_ITEMS_MAX };

static const char reference_prefix[] = "data:";

static bool is_reference(const struct query_item *item) {
    size_t length = sizeof reference_prefix - 1;
    return item->value_length >= length && memcmp(item->value, reference_prefix, length) == 0;
}

/* FIELD_BODY where the query doesn't know it. */
static enum field_value value_of(const struct query_item *item, const struct field *const *tables) {
    enum field_value others = FIELD_BODY;
    for (; *tables; tables++) {
        for (const struct field *field = *tables; field->name; field++) {
            if (strlen(field->name) == item->name_length && memcmp(field->name, item->name, item->name_length) == 0) {
                return field->in_query == FIELD_DATA && !is_reference(item) ? FIELD_BODY : field->in_query;
            }
            others = strcmp(field->name, FIELD_ANY) == 0 ? field->in_query : others;
        }
    }
    return others;
}

static enum problem_kind refuse_repetition(struct call *call, const struct query_item *item, enum field_value value) {
    enum { SHOWN_MAX = 40 };
    int shown = (int)(item->name_length < SHOWN_MAX ? item->name_length : SHOWN_MAX);
    if (value == FIELD_INTEGERS) {
        return problem_set(&call->problem, PROBLEM_DUPLICATE_KEY, NULL,
                           "\"%.*s\" occurs twice in the query; its numbers are separated by commas: %.*s=0,1", shown,
                           item->name, shown, item->name);
    }
    return problem_set(&call->problem, PROBLEM_DUPLICATE_KEY, NULL, "\"%.*s\" occurs twice in the query", shown,
                       item->name);
}

static void add_to_detail(struct problem *problem, const char *text) {
    size_t used = strlen(problem->detail);
    (void)snprintf(problem->detail + used, sizeof problem->detail - used, "%s", text);
}

bool query_document_is_cut(const char *name, size_t length) {
    static const char operators[] = "<>=!~()+*/%^|";
    for (size_t i = 0; i < length; i++) {
        if (memchr(operators, name[i], sizeof operators - 1)) {
            return true;
        }
    }
    return false;
}

static const char cut_advice[] = "; a & within a text is written %26";

static enum problem_kind put_number(struct call *call, struct json_writer *json, const struct query_item *item,
                                    bool is_whole) {
    double number = 0;
    if (!query_number(item, is_whole, &number, &call->problem)) {
        json_raw(json, item->value, item->value_length);
    } else if (query_document_is_cut(item->name, item->name_length)) {
        add_to_detail(&call->problem, cut_advice);
    }
    return call->problem.kind;
}

static enum problem_kind put_integer_or_auto(struct call *call, struct json_writer *json,
                                             const struct query_item *item) {
    static const char word[] = "auto";
    if (item->value_length == sizeof word - 1 && memcmp(item->value, word, sizeof word - 1) == 0) {
        json_text(json, word, sizeof word - 1);
    } else if (put_number(call, json, item, true) == PROBLEM_WRONG_TYPE) {
        add_to_detail(&call->problem, "; or auto");
    }
    return call->problem.kind;
}

/* put_number has said what is wrong with it, as with a single number. */
static enum problem_kind refuse_element(struct problem *problem, size_t index) {
    size_t used = strlen(problem->pointer);
    (void)snprintf(problem->pointer + used, sizeof problem->pointer - used, "/%zu", index);
    if (problem->kind == PROBLEM_WRONG_TYPE) {
        add_to_detail(problem, "; commas separate numbers");
    }
    return problem->kind;
}

static enum problem_kind put_integers(struct call *call, struct json_writer *json, const struct query_item *item) {
    struct query_item element = *item;
    struct query_item rest;
    bool more = item->value_length > 0;
    json_begin_array(json);
    for (size_t i = 0; more; i++, element = rest) {
        more = query_cut(&element, &rest);
        if (put_number(call, json, &element, true)) {
            return refuse_element(&call->problem, i);
        }
    }
    json_end_array(json);
    return PROBLEM_NONE;
}

static void put_boolean(struct json_writer *json, const struct query_item *item) {
    static const char *const words[] = {"true", "false"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (item->value_length == strlen(words[i]) && memcmp(item->value, words[i], item->value_length) == 0) {
            json_raw(json, words[i], item->value_length);
            return;
        }
    }
    json_text(json, item->value, item->value_length);
}

/* As a JSON body refers to it. */
static void put_reference(struct json_writer *json, const struct query_item *item) {
    size_t length = sizeof reference_prefix - 1;
    json_begin_object(json);
    json_key(json, "data");
    json_text(json, item->value + length, item->value_length - length);
    json_end_object(json);
}

static bool begins_a_name(const struct query_item *item) {
    char first = (char)(item->value[0] | 0x20);
    return item->value_length > 0 && first >= 'a' && first <= 'z' && !query_is_non_finite(item);
}

/* Data whose prefix was forgotten is no number either, nor is what "x==1&y==2" says of y. */
static enum problem_kind put_number_or_reference(struct call *call, struct json_writer *json,
                                                 const struct query_item *item) {
    if (is_reference(item)) {
        put_reference(json, item);
    } else if (put_number(call, json, item, false) == PROBLEM_WRONG_TYPE &&
               !query_document_is_cut(item->name, item->name_length)) {
        add_to_detail(&call->problem, begins_a_name(item) ? "; or data:name for named data"
                                      : item->value_length > 0 && item->value[0] == '=' ? cut_advice
                                                                                        : "");
    }
    return call->problem.kind;
}

/* Every item of this one's name, which is the first of them: an element each. */
static void put_texts(struct json_writer *json, const struct query *query, const struct query_item *first) {
    json_begin_array(json);
    for (const struct query_item *item = first; item < query->items + query->count; item++) {
        if (query_same_name(item, first)) {
            json_text(json, item->value, item->value_length);
        }
    }
    json_end_array(json);
}

/* The first name that isn't known, which is all there is to say then: "words[]" twice is no list, but a mistake. */
static const struct query_item *find_unknown(const struct query *query, const struct field *const *tables) {
    for (size_t i = 0; i < query->count; i++) {
        if (value_of(&query->items[i], tables) == FIELD_BODY) {
            return &query->items[i];
        }
    }
    return NULL;
}

static enum problem_kind put_item(struct call *call, struct json_writer *json, const struct query *query,
                                  const struct query_item *item, enum field_value value) {
    if (item->repeats) {
        return value == FIELD_TEXTS ? PROBLEM_NONE : refuse_repetition(call, item, value);
    }
    if (memchr(item->name, '\0', item->name_length)) {
        return problem_set(&call->problem, PROBLEM_MALFORMED_REQUEST, NULL, "a name in the query has a NUL byte");
    }
    json_text_key(json, item->name, item->name_length);
    switch (value) {
    case FIELD_NUMBER_OR_DATA:
        return put_number_or_reference(call, json, item);
    case FIELD_DATA:
        put_reference(json, item);
        return PROBLEM_NONE;
    case FIELD_BOOLEAN:
        put_boolean(json, item);
        return PROBLEM_NONE;
    case FIELD_NUMBER:
    case FIELD_INTEGER:
        return put_number(call, json, item, value == FIELD_INTEGER);
    case FIELD_INTEGER_OR_AUTO:
        return put_integer_or_auto(call, json, item);
    case FIELD_INTEGERS:
        return put_integers(call, json, item);
    case FIELD_TEXTS:
        put_texts(json, query, item);
        return PROBLEM_NONE;
    default:
        json_text(json, item->value, item->value_length);
        return PROBLEM_NONE;
    }
}

static enum problem_kind put_items(struct call *call, struct json_writer *json, const struct query *query,
                                   const struct field *const *tables) {
    const struct query_item *unknown = find_unknown(query, tables);
    const struct query_item *items = unknown ? unknown : query->items;
    size_t count = unknown ? 1 : query->count;
    json_begin_object(json);
    for (size_t i = 0; i < count; i++) {
        if (put_item(call, json, query, &items[i], value_of(&items[i], tables))) {
            return call->problem.kind;
        }
    }
    json_end_object(json);
    if (json_writer_failed(json)) {
        return problem_set(&call->problem, PROBLEM_MEMORY_LIMIT, NULL, "there is no memory for the query");
    }
    return PROBLEM_NONE;
}

enum problem_kind query_document_parse(struct call *call, const struct field *const *tables) {
    struct query query = {0};
    struct json_writer json;
    size_t needed_bytes = 2 * call->order->query.length;
    json_writer_init(&json, call->memory, JSON_BYTES_MAX);
    enum problem_kind kind =
        query_parse(call->order->query.bytes, call->order->query.length, call->memory, &query, &call->problem);
    kind = kind ? kind : put_items(call, &json, &query, tables);
    if (!kind) {
        kind = document_parse(json.text.data, json.text.length, call->memory, &call->document, &needed_bytes,
                              &call->problem);
    }
    json_writer_deinit(&json);
    query_deinit(&query);
    if (kind == PROBLEM_MEMORY_LIMIT) {
        /* The call knows whether that is too much for the server, or just comes at a bad moment. */
        call->problem = (struct problem){0};
        return call_memory_short(call, needed_bytes);
    }
    return kind;
}
