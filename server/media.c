#include "media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t");
}

/* End of the list element or parameter at `at`, quoted strings respected. */
static const char *find_end(const char *at, char stop, char stop_too) {
    bool quoted = false;
    for (; *at != '\0'; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1] != '\0')
            at++;
        else if (!quoted && (*at == stop || *at == stop_too))
            break;
    }
    return at;
}

static size_t trimmed_length(const char *from, const char *end) {
    while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (size_t)(end - from);
}

static bool equals(const char *text, size_t length, const char *expected) {
    return length == strlen(expected) && strncasecmp(text, expected, length) == 0;
}

/* 0: the range doesn't cover the type; 1: all types do, 2: its main type does, 3: it is the type itself. */
static int specificity(const char *range, size_t length, const char *type) {
    if (equals(range, length, "*/*"))
        return 1;
    if (equals(range, length, type))
        return 3;
    size_t main_length = (size_t)(strchr(type, '/') - type) + 1;
    bool same_main =
        length == main_length + 1 && range[main_length] == '*' && strncasecmp(range, type, main_length) == 0;
    return same_main ? 2 : 0;
}

/* Is there a parameter q with the value zero in the parameters from `at` to `end`? */
static bool weighs_nothing(const char *at, const char *end) {
    while (at < end && *at == ';') {
        at = skip_space(at + 1);
        const char *next = find_end(at, ';', ',');
        if (strncasecmp(at, "q=", 2) == 0) {
            size_t length = trimmed_length(at + 2, next);
            return length > 0 && strspn(at + 2, "0.") >= length;
        }
        at = next;
    }
    return false;
}

bool media_accepts(const char *accept, const char *type) {
    if (accept == NULL || *skip_space(accept) == '\0')
        return true;
    int best = 0;
    bool accepted = false;
    for (const char *at = accept; *at != '\0';) {
        at = skip_space(at);
        const char *element_end = find_end(at, ',', ',');
        const char *range_end = find_end(at, ';', ',');
        int found = specificity(at, trimmed_length(at, range_end), type);
        if (found > best) {
            best = found;
            accepted = !weighs_nothing(range_end, element_end);
        }
        at = element_end + (*element_end == ',');
    }
    return accepted;
}

bool media_type_is(const char *content_type, const char *type) {
    if (content_type == NULL)
        return false;
    const char *at = skip_space(content_type);
    const char *end = find_end(at, ';', ';');
    if (!equals(at, trimmed_length(at, end), type))
        return false;
    while (*end == ';') {
        at = skip_space(end + 1);
        end = find_end(at, ';', ';');
        if (strncasecmp(at, "charset=", 8) != 0)
            continue;
        size_t length = trimmed_length(at + 8, end);
        if (!equals(at + 8, length, "utf-8") && !equals(at + 8, length, "\"utf-8\""))
            return false;
    }
    return true;
}
