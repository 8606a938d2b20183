#pragma once
/* Internal to codecs/json. The few dozen bytes of options that most requests are, without a tree: one object of a few
 * members that are plain strings (ASCII without escapes), short decimal numbers, literals, or arrays and objects with
 * nothing in them, which is what bulk values leave behind. What it takes it reads as jansson does, and it judges
 * nothing: whatever is larger, nested, unusual or wrong is jansson's. For 25 bytes of envelope that is 700 instructions
 * in place of 5,500 (callgrind). */
#include "codecs/json/document_type.h"
#include "codecs/problem.h"
#include "codecs/text.h"

#include <stddef.h>
#include <stdint.h>

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
    uint64_t hints;                               /* flat_hint of all names together */
    struct flat_member members[FLAT_MEMBERS_MAX]; /* in the body's order */
};

/* Reads `length` bytes, at most FLAT_BYTES_MAX, which it may change: names are terminated where they lie, and members
 * point into the bytes. False: not one of these; the bytes may be changed all the same. */
MUST_CHECK bool flat_object_read(char *bytes, size_t length, struct flat_object *object);

/* One bit, by the first two bytes: most members that are asked for aren't there, and this tells without comparing. */
static inline uint64_t flat_hint(const char *name) {
    unsigned first = (unsigned char)name[0];
    unsigned second = first != 0 ? (unsigned char)name[1] : 0;
    return UINT64_C(1) << ((2 * first + second) % 64);
}

/* flat_object_find's way where a comparison must tell. */
const struct flat_member *flat_object_compare(const struct flat_object *object, const char *name);

/* NULL: there is none of that name. */
static inline const struct flat_member *flat_object_find(const struct flat_object *object, const char *name) {
    return (object->hints & flat_hint(name)) != 0 ? flat_object_compare(object, name) : NULL;
}
