#include "codecs/json/flat_object.h"

#include "codecs/json/json_scan.h"

#include <stdint.h>
#include <string.h>

/* Integers of so many digits are doubles, exactly; so are powers of ten. */
enum { DIGITS_MAX = 15 };

struct flat_reader {
    char *at;
    char *end;
};

/* Past spaces to the byte there, '\0' at the end. */
static char flat_peek(struct flat_reader *reader) {
    while (reader->at < reader->end && json_is_space(*reader->at)) {
        reader->at++;
    }
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool flat_pass(struct flat_reader *reader, char wanted) {
    if (flat_peek(reader) != wanted) {
        return false;
    }
    reader->at++;
    return true;
}

/* A string's bytes, between its quotes. */
static bool flat_text(struct flat_reader *reader, struct text_view *text) {
    if (!flat_pass(reader, '"')) {
        return false;
    }
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at >= 0x20 && *reader->at < 0x7f && *reader->at != '"' &&
           *reader->at != '\\') {
        reader->at++;
    }
    *text = (struct text_view){start, (size_t)(reader->at - start)};
    bool is_closed = reader->at < reader->end && *reader->at == '"';
    reader->at += is_closed;
    return is_closed;
}

/* Digits from the reader on, behind `value`; all of them, but no more than there may be from `start` on. */
static int64_t flat_digits(struct flat_reader *reader, const char *start, int64_t value) {
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' && reader->at - start < DIGITS_MAX) {
        value = 10 * value + (*reader->at++ - '0');
    }
    return value;
}

/* Both parts of a fraction are doubles, exactly, so that dividing them rounds once, and correctly. */
static bool flat_fraction(struct flat_reader *reader, const char *start, int64_t *value, double *divisor) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    if (reader->at == reader->end || *reader->at != '.') {
        return true;
    }
    const char *point = reader->at++;
    *value = flat_digits(reader, start + 1, *value); /* the point is no digit */
    *divisor = powers[reader->at - point - 1];
    return reader->at - point > 1;
}

static bool flat_number(struct flat_reader *reader, double *number) {
    bool is_negative = *reader->at == '-';
    reader->at += is_negative;
    const char *start = reader->at;
    double divisor = 1;
    int64_t value = flat_digits(reader, start, 0);
    if (reader->at == start || (*start == '0' && reader->at - start > 1) ||
        !flat_fraction(reader, start, &value, &divisor) || (is_negative && value == 0)) {
        return false; /* nothing, 007, 1., -0 */
    }
    *number = (double)(is_negative ? -value : value) / divisor;
    return true;
}

static bool flat_literal(struct flat_reader *reader, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) {
        return false;
    }
    reader->at += length;
    return true;
}

/* What follows a number or a literal is looked at by who reads on: only a comma or a brace may. */
static bool flat_value(struct flat_reader *reader, struct flat_member *member) {
    switch (flat_peek(reader)) {
    case '"':
        member->type = DOCUMENT_STRING;
        return flat_text(reader, &member->text);
    case 't':
        member->type = DOCUMENT_BOOLEAN;
        member->number = 1;
        return flat_literal(reader, "true");
    case 'f':
        member->type = DOCUMENT_BOOLEAN;
        member->number = 0;
        return flat_literal(reader, "false");
    case 'n':
        member->type = DOCUMENT_NULL;
        return flat_literal(reader, "null");
    case '[':
        member->type = DOCUMENT_ARRAY;
        return flat_pass(reader, '[') && flat_pass(reader, ']');
    case '{':
        member->type = DOCUMENT_OBJECT;
        return flat_pass(reader, '{') && flat_pass(reader, '}');
    case '\0':
        return false;
    default:
        member->type = DOCUMENT_NUMBER;
        return flat_number(reader, &member->number);
    }
}

static bool flat_member_read(struct flat_reader *reader, struct flat_object *object) {
    struct flat_member *member = &object->members[object->count];
    struct text_view name;
    if (object->count == FLAT_MEMBERS_MAX || !flat_text(reader, &name)) {
        return false;
    }
    char *name_end = reader->at - 1;
    if (!flat_pass(reader, ':')) {
        return false;
    }
    *name_end = '\0'; /* over the quote */
    *member = (struct flat_member){.name = name.bytes, .name_length = name.length};
    if (flat_object_find(object, member->name)) {
        return false;
    }
    object->hints |= flat_hint(member->name);
    object->count++;
    return flat_value(reader, member);
}

bool flat_object_read(char *bytes, size_t length, struct flat_object *object) {
    struct flat_reader reader = {bytes, bytes + length};
    object->count = 0;
    object->hints = 0;
    if (!flat_pass(&reader, '{')) {
        return false;
    }
    if (!flat_pass(&reader, '}')) {
        do {
            if (!flat_member_read(&reader, object)) {
                return false;
            }
        } while (flat_pass(&reader, ','));
        if (!flat_pass(&reader, '}')) {
            return false;
        }
    }
    return flat_peek(&reader) == '\0' && reader.at == reader.end;
}

const struct flat_member *flat_object_compare(const struct flat_object *object, const char *name) {
    for (unsigned i = 0; i < object->count; i++) {
        if (object->members[i].name[0] == name[0] && strcmp(object->members[i].name, name) == 0) {
            return &object->members[i];
        }
    }
    return NULL;
}
