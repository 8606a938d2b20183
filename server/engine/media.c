#include "server/engine/media.h"

#include "codecs/weight.h"

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

/* A parameter of a media type, as it stands there. */
struct parameter {
    const char *name;
    size_t name_length;
    const char *value; /* with its quotes, if it has any */
    size_t value_length;
};

/* The one behind the ';' at *at, which moves to the next ';' or to `stop`. Clients put white space around '=', too. */
static struct parameter next_parameter(const char **at, char stop) {
    const char *name = skip_space(*at + 1);
    const char *end = find_end(name, ';', stop);
    const char *sign = memchr(name, '=', (size_t)(end - name));
    const char *value = sign ? skip_space(sign + 1) : end;
    *at = end;
    return (struct parameter){.name = name,
                              .name_length = trimmed_length(name, sign ? sign : end),
                              .value = value,
                              .value_length = trimmed_length(value, end)};
}

/* The parameter's value without quotes and escapes, cut to fit `size`. */
static void copy_value(const struct parameter *parameter, char *out, size_t size) {
    bool is_quoted = parameter->value_length > 1 && parameter->value[0] == '"';
    size_t end = parameter->value_length - is_quoted;
    size_t used = 0;
    for (size_t i = is_quoted; i < end && used + 1 < size; i++) {
        i += is_quoted && parameter->value[i] == '\\' && i + 1 < end;
        out[used++] = parameter->value[i];
    }
    out[used] = '\0';
}

/* --- Accept ------------------------------------------------------------------------------------------------------ */

/* An element of an Accept header. */
struct range {
    const char *type;
    size_t length;       /* 0: the element is empty */
    unsigned weight;     /* q, in thousandths */
    bool has_parameters; /* beside q */
};

/* The element at *at, which moves behind it. */
static struct range next_range(const char **at) {
    const char *type = skip_space(*at);
    const char *end = find_end(type, ';', ',');
    struct range range = {.type = type, .length = trimmed_length(type, end), .weight = WEIGHT_MAX};
    while (*end == ';') {
        struct parameter parameter = next_parameter(&end, ',');
        if (equals(parameter.name, parameter.name_length, "q")) {
            range.weight = weight_read(parameter.value, parameter.value + parameter.value_length);
        } else {
            range.has_parameters |= parameter.name_length > 0;
        }
    }
    *at = end + (*end == ',');
    return range;
}

/* 0: the range doesn't cover the type; 1: all types do, 2: its main type does, 3: it is the type itself. Java has sent
 * a bare "*" for many years. */
static int specificity(const struct range *range, const char *type) {
    if (equals(range->type, range->length, "*/*") || equals(range->type, range->length, "*")) {
        return 1;
    }
    if (equals(range->type, range->length, type)) {
        return 3;
    }
    size_t main_length = (size_t)(strchr(type, '/') - type) + 1;
    bool same_main = range->length == main_length + 1 && range->type[main_length] == '*' &&
                     strncasecmp(range->type, type, main_length) == 0;
    return same_main ? 2 : 0;
}

/* How much a client with this Accept header wants `type`: the most specific matching range decides, the kindest among
 * equals. A range with parameters is for a variant: who wants that gets the type, but who refuses it doesn't refuse the
 * type. */
static unsigned preference(const char *accept, const char *type) {
    int best = 0;
    unsigned weight = 0;
    bool is_empty = true;
    for (const char *at = accept ? accept : ""; *at != '\0';) {
        struct range range = next_range(&at);
        int found = specificity(&range, type);
        is_empty &= range.length == 0;
        if (found == 0 || (range.has_parameters && range.weight == 0)) {
            continue;
        }
        if (found > best || (found == best && range.weight > weight)) {
            best = found;
            weight = range.weight;
        }
    }
    return is_empty ? WEIGHT_MAX : weight;
}

static const struct {
    enum media media;
    const char *name;
} media_names[] = {
    {MEDIA_JSON, "application/json"},
    {MEDIA_TEXT, "text/plain"},
    {MEDIA_NPY, "application/x-npy"},
    {MEDIA_YAML, "application/yaml"},
    {MEDIA_NDJSON, "application/x-ndjson"},
    {MEDIA_EVENTS, "text/event-stream"},
    {MEDIA_OPENMETRICS, "application/openmetrics-text"},
    {MEDIA_HTML, "text/html"},
    {MEDIA_SCRIPT, "text/javascript"},
    {MEDIA_STYLE, "text/css"},
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

/* --- Content-Type ------------------------------------------------------------------------------------------------ */

/* Most clients write a name as it stands here, and no parameters: then a comparison is all it takes. */
static bool is_plainly(const char *content_type, const char *name) {
    return content_type && strcmp(content_type, name) == 0;
}

bool media_find(const char *content_type, unsigned consumed, enum media *found) {
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        if ((consumed & media_names[i].media) != 0 && is_plainly(content_type, media_names[i].name)) {
            *found = media_names[i].media;
            return true;
        }
    }
    const char *type = skip_space(content_type ? content_type : "");
    size_t length = trimmed_length(type, find_end(type, ';', ';'));
    for (size_t i = 0; i < MEDIA_COUNT; i++) {
        if ((consumed & media_names[i].media) != 0 && equals(type, length, media_names[i].name)) {
            *found = media_names[i].media;
            return true;
        }
    }
    return false;
}

/* UTF-8 and ASCII by all their names: IANA's, the Encoding Standard's, those of Python, of Solaris and of Windows code
 * pages; in lower case, without '-', '_' and the single quotes that some clients set. */
static bool means_utf8(const char *charset) {
    static const char *const names[] = {
        "utf8",    "csutf8",   "unicode11utf8", "unicode20utf8", "xunicode20utf8",
        "utf8sig", "cp65001",  "usascii",       "csascii",       "ascii",
        "us",      "iso646us", "ansix3.41968",  "ansix3.41986",  "iso646.irv:1991",
        "isoir6",  "ibm367",   "cp367",         "646",
    };
    char plain[MEDIA_CHARSET_MAX];
    size_t used = 0;
    for (; *charset != '\0'; charset++) {
        if (!strchr("-_'", *charset)) {
            plain[used++] = *charset;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (equals(plain, used, names[i])) {
            return true;
        }
    }
    return false;
}

bool media_is_utf8(const char *content_type, char charset[MEDIA_CHARSET_MAX]) {
    const char *at = strchr(content_type, ';') ? find_end(content_type, ';', ';') : "";
    while (*at == ';') {
        struct parameter parameter = next_parameter(&at, ';');
        if (!equals(parameter.name, parameter.name_length, "charset")) {
            continue;
        }
        copy_value(&parameter, charset, MEDIA_CHARSET_MAX);
        if (!means_utf8(charset)) {
            return false;
        }
    }
    return true;
}

bool media_has_parts(enum media media) {
    return media == MEDIA_NDJSON || media == MEDIA_EVENTS;
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
