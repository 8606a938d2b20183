#include "codecs/prefer.h"

#include <string.h>
#include <strings.h>

/* A preference, or a parameter of one: a name, and a word or quoted string if it has a value. */
struct piece {
    const char *name;
    unsigned name_length;
    const char *value; /* without quotes; NULL: none */
    unsigned value_length;
};

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t");
}

static const char *read_value(const char *at, struct piece *piece) {
    bool is_quoted = *at == '"';
    piece->value = at + is_quoted;
    piece->value_length = (unsigned)strcspn(piece->value, is_quoted ? "\"" : " \t;,");
    at = piece->value + piece->value_length;
    return at + (is_quoted && *at == '"');
}

/* Up to the next ';', ',' or end. */
static const char *read_piece(const char *at, struct piece *piece) {
    at = skip_space(at);
    *piece = (struct piece){.name = at, .name_length = (unsigned)strcspn(at, " \t=;,")};
    at = skip_space(at + piece->name_length);
    if (*at == '=') {
        at = read_value(skip_space(at + 1), piece);
    }
    return at + strcspn(at, ";,");
}

static bool is_named(const struct piece *piece, const char *name) {
    return piece->name_length == strlen(name) && strncasecmp(piece->name, name, piece->name_length) == 0;
}

/* False: it is no number. */
static bool read_number(const struct piece *piece, unsigned *number) {
    uint64_t value = 0;
    for (unsigned i = 0; i < piece->value_length; i++) {
        char byte = piece->value[i];
        if (byte < '0' || byte > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(byte - '0');
        value = value < UINT32_MAX ? value : UINT32_MAX;
    }
    *number = (unsigned)value;
    return piece->value_length > 0;
}

static void read_parameter(const struct piece *piece, struct prefer *prefer) {
    unsigned number = 0;
    const char *name = NULL;
    if (is_named(piece, "priority") && !prefer->has_priority) {
        name = "priority";
        prefer->has_priority = true;
        prefer->priority = read_number(piece, &number) ? number : 0;
    } else if (is_named(piece, "keep_s") && !prefer->has_keep) {
        name = "keep_s";
        prefer->has_keep = true;
        prefer->keep_s = read_number(piece, &number) ? number : 0;
    } else if (is_named(piece, "callback") && !prefer->callback.bytes) {
        prefer->callback = (struct text_view){piece->value ? piece->value : "", piece->value_length};
    } else if (is_named(piece, "wait")) {
        prefer->is_wait_wrong = true;
    }
    if (name && !prefer->wrong && !read_number(piece, &number)) {
        prefer->wrong = name;
    }
}

void prefer_read(const char *field, struct prefer *prefer) {
    *prefer = (struct prefer){0};
    bool in_async = false; /* its parameters follow */
    bool is_parameter = false;
    for (const char *at = field; *at != '\0';) {
        struct piece piece;
        at = read_piece(at, &piece);
        if (is_parameter) {
            if (in_async) {
                read_parameter(&piece, prefer);
            } else {
                prefer->has_stray_callback |= is_named(&piece, "callback");
            }
        } else {
            prefer->has_stray_callback |= is_named(&piece, "callback");
            in_async = is_named(&piece, "respond-async") && !prefer->respond_async;
            prefer->respond_async |= in_async;
            if (is_named(&piece, "wait") && !prefer->has_wait) {
                prefer->has_wait = read_number(&piece, &prefer->wait_s);
                prefer->is_wait_wrong |= !prefer->has_wait;
            }
        }
        is_parameter = *at == ';';
        at += *at != '\0';
    }
}

enum problem_kind prefer_check_wait(const struct prefer *prefer, struct problem *problem) {
    return prefer->is_wait_wrong
               ? problem_set(
                     problem, PROBLEM_WRONG_TYPE, NULL,
                     "\"wait\" in Prefer takes whole seconds, as \"wait=10\", and is a preference of its own, behind a "
                     "comma: \"respond-async, wait=10\"")
               : PROBLEM_NONE;
}
