#include "codecs/entity_tag.h"

#include <string.h>

static const char *skip_separators(const char *at) {
    return at + strspn(at, ", \t");
}

/* Where the tag at `at`, "W/" left out, ends behind its second quote; NULL: it isn't one. */
static const char *find_end(const char *at) {
    if (*at != '"') {
        return NULL;
    }
    for (at++; *at != '"'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x21 || byte == 0x7f) {
            return NULL;
        }
    }
    return at + 1;
}

bool entity_tag_is_listed(const char *list, const char *tag) {
    size_t length = strlen(tag);
    const char *at = skip_separators(list);
    if (*at == '*') {
        return *skip_separators(at + 1) == '\0';
    }
    while (*at != '\0') {
        at += strncmp(at, "W/", 2) == 0 ? 2 : 0;
        const char *end = find_end(at);
        const char *next = end ? end + strspn(end, " \t") : at;
        bool is_element = end && (*next == ',' || *next == '\0');
        if (is_element && (size_t)(end - at) == length && memcmp(at, tag, length) == 0) {
            return true;
        }
        at = skip_separators(is_element ? next : at + strcspn(at, ","));
    }
    return false;
}
