#include "server/http/entity_tag.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

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

struct held {
    const char *tag;
    bool is_listed;
};

static enum MHD_Result look(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    struct held *held = context;
    if (value && strcasecmp(name, "If-None-Match") == 0) {
        held->is_listed |= entity_tag_is_listed(value, held->tag);
    }
    return MHD_YES;
}

bool entity_tag_is_held(struct MHD_Connection *connection, const char *tag) {
    struct held held = {.tag = tag};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, look, &held);
    return held.is_listed;
}
