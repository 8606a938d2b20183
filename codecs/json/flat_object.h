#pragma once
/* Internal to codecs/json. The few dozen bytes of options that most requests are, without a tree: one object of a few
 * members that are plain strings (ASCII without escapes), short decimal numbers, literals, or arrays and objects with
 * nothing in them, which is what bulk values leave behind. What it takes it reads as jansson does, and it judges
 * nothing: whatever is larger, nested, unusual or wrong is jansson's. For 25 bytes of envelope that is 700 instructions
 * in place of 5,500 (callgrind). */
#include "codecs/json/document_type.h"
#include "codecs/problem.h"
#include "codecs/text.h"

enum { FLAT_MEMBERS_MAX = 8, FLAT_BYTES_MAX = 512 };

struct flat_member {
    const char *name; /* zero-terminated */
    size_t name_length;
    enum document_type type;
    struct text_view text; /* of a string */
    double number;         /* of a number; of a boolean 1 or 0 */
};

struct flat_object {
    unsigned count;
    struct flat_member members[FLAT_MEMBERS_MAX]; /* in the body's order */
};

/* Reads `length` bytes, at most FLAT_BYTES_MAX, which it may change: names are terminated where they lie, and members
 * point into the bytes. False: not one of these; the bytes may be changed all the same. */
MUST_CHECK bool flat_object_read(char *bytes, size_t length, struct flat_object *object);

/* NULL: there is none of that name. */
const struct flat_member *flat_object_find(const struct flat_object *object, const char *name);
