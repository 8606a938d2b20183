#include "server/data/data_tags.h"

#include <string.h>

static struct text_view skip(struct text_view list, const char *bytes) {
    while (list.length > 0 && strchr(bytes, *list.bytes) && *list.bytes != '\0') {
        list.bytes++;
        list.length--;
    }
    return list;
}

bool data_tags_is_any(struct text_view list) {
    list = skip(list, " \t");
    return list.length > 0 && *list.bytes == '*' &&
           skip((struct text_view){list.bytes + 1, list.length - 1}, " \t").length == 0;
}

/* `sent` and `tag` with their quotes. */
static bool is_same(struct text_view sent, const char *tag, bool any_representation) {
    size_t length = strlen(tag) - 1; /* up to its last quote */
    if (sent.length < length + 1 || memcmp(sent.bytes, tag, length) != 0) {
        return false;
    }
    return sent.length == length + 1 || (any_representation && sent.bytes[length] == '.');
}

bool data_tags_has(struct text_view list, const char *tag, enum data_tags_comparison comparison,
                   bool any_representation) {
    for (list = skip(list, ", \t"); list.length > 0; list = skip(list, ", \t")) {
        bool is_weak = list.length > 2 && memcmp(list.bytes, "W/", 2) == 0;
        struct text_view sent = is_weak ? (struct text_view){list.bytes + 2, list.length - 2} : list;
        const char *end = sent.length > 1 && *sent.bytes == '"' ? memchr(sent.bytes + 1, '"', sent.length - 1) : NULL;
        if (!end) {
            return false; /* what comes isn't a list of tags */
        }
        sent.length = (size_t)(end + 1 - sent.bytes);
        if (is_same(sent, tag, any_representation) && !(is_weak && comparison == DATA_TAGS_STRONG)) {
            return true;
        }
        list.length -= (size_t)(end + 1 - list.bytes);
        list.bytes = end + 1;
    }
    return false;
}
