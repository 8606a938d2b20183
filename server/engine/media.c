#include "server/engine/media.h"

#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t");
}

/* End of the list element or parameter at `at`, quoted strings respected. */
static const char *find_end(const char *at, char stop, char stop_too) {
    bool quoted = false;
    for (; *at != '\0'; at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (quoted && *at == '\\' && at[1] != '\0') {
            at++;
        } else if (!quoted && (*at == stop || *at == stop_too)) {
            break;
        }
    }
    return at;
}

static size_t trimmed_length(const char *from, const char *end) {
    while (end > from && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    return (size_t)(end - from);
}

static bool equals(const char *text, size_t length, const char *expected) {
    return length == strlen(expected) && strncasecmp(text, expected, length) == 0;
}

/* 0: the range doesn't cover the type; 1: all types do, 2: its main type does, 3: it is the type itself. */
static int specificity(const char *range, size_t length, const char *type) {
    if (equals(range, length, "*/*")) {
        return 1;
    }
    if (equals(range, length, type)) {
        return 3;
    }
    size_t main_length = (size_t)(strchr(type, '/') - type) + 1;
    bool same_main =
        length == main_length + 1 && range[main_length] == '*' && strncasecmp(range, type, main_length) == 0;
    return same_main ? 2 : 0;
}

/* The parameter q, in thousandths, of the parameters from `at` to `end`: 1000 where there is none. */
static unsigned weight_of(const char *at, const char *end) {
    while (at < end && *at == ';') {
        at = skip_space(at + 1);
        const char *next = find_end(at, ';', ',');
        if (strncasecmp(at, "q=", 2) == 0) {
            size_t length = trimmed_length(at + 2, next);
            unsigned weight = length == 0 || at[2] == '1' ? 1000 : 0;
            unsigned unit = 100;
            for (size_t i = 2; i < length && weight < 1000; i++, unit /= 10) {
                weight += (unsigned)(at[2 + i] - '0') % 10 * unit;
            }
            return weight;
        }
        at = next;
    }
    return 1000;
}

/* How much a client with this Accept header wants `type`; the most specific matching range decides. */
static unsigned preference(const char *accept, const char *type) {
    if (!accept || *skip_space(accept) == '\0') {
        return 1000;
    }
    int best = 0;
    unsigned weight = 0;
    for (const char *at = accept; *at != '\0';) {
        at = skip_space(at);
        const char *element_end = find_end(at, ',', ',');
        const char *range_end = find_end(at, ';', ',');
        int found = specificity(at, trimmed_length(at, range_end), type);
        if (found > best) {
            best = found;
            weight = weight_of(range_end, element_end);
        }
        at = element_end + (*element_end == ',');
    }
    return weight;
}

static const struct {
    enum media media;
    const char *name;
} media_names[] = {
    {MEDIA_JSON, "application/json"},
    {MEDIA_TEXT, "text/plain"},
    {MEDIA_NPY, "application/x-npy"},
    {MEDIA_YAML, "application/yaml"},
};
enum { MEDIA_COUNT = sizeof media_names / sizeof *media_names };

bool media_choose(const char *accept, unsigned produced, enum media *chosen) {
    unsigned best = 0;
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        unsigned weight = (produced & media_names[i].media) != 0 ? preference(accept, media_names[i].name) : 0;
        if (weight > best) {
            best = weight;
            *chosen = media_names[i].media;
        }
    }
    return best > 0;
}

static bool is_type(const char *content_type, const char *type) {
    if (!content_type) {
        return false;
    }
    const char *at = skip_space(content_type);
    const char *end = find_end(at, ';', ';');
    if (!equals(at, trimmed_length(at, end), type)) {
        return false;
    }
    while (*end == ';') {
        at = skip_space(end + 1);
        end = find_end(at, ';', ';');
        if (strncasecmp(at, "charset=", 8) != 0) {
            continue;
        }
        size_t length = trimmed_length(at + 8, end);
        if (!equals(at + 8, length, "utf-8") && !equals(at + 8, length, "\"utf-8\"")) {
            return false;
        }
    }
    return true;
}

bool media_find(const char *content_type, unsigned consumed, enum media *found) {
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        if ((consumed & media_names[i].media) != 0 && is_type(content_type, media_names[i].name)) {
            *found = media_names[i].media;
            return true;
        }
    }
    return false;
}

const char *media_name(enum media media) {
    size_t i = 0;
    while (i + 1 < MEDIA_COUNT && media_names[i].media != media) {
        i++;
    }
    return media_names[i].name;
}

/* Adds text where all of it fits, with its NUL, and tells whether it did. */
static bool append(char *out, size_t size, size_t *used, const char *text) {
    size_t length = strlen(text);
    if (length >= size - *used) {
        return false;
    }
    memcpy(out + *used, text, length + 1);
    *used += length;
    return true;
}

static const char *join(unsigned media, const char *between, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        if ((media & media_names[i].media) == 0) {
            continue;
        }
        size_t before = used;
        if ((used > 0 && !append(out, size, &used, between)) || !append(out, size, &used, media_names[i].name)) {
            out[before] = '\0';
            break;
        }
    }
    return out;
}

const char *media_list(unsigned media, char *out, size_t size) {
    return join(media, " or ", out, size);
}

const char *media_field(unsigned media, char *out, size_t size) {
    return join(media, ", ", out, size);
}
