#include "handlers/excerpt.h"

#include "codecs/json/readable.h"

#include <stdbool.h>
#include <string.h>

/* Bytes that a character is shown in, and the NUL: more than an escape has, so that readable_print never cuts it. */
enum { SHOWN = 16 };

static bool continues(char byte) {
    return ((unsigned char)byte & 0xC0U) == 0x80;
}

static bool ends_line(struct text_view text, size_t at) {
    bool is_return = text.bytes[at] == '\r' && at + 1 < text.length;
    return text.bytes[at + is_return] == '\n';
}

/* The character in the bytes from `begin` to `end`, as it is shown; of the return before a line's end nothing is. */
static size_t show(struct text_view text, size_t begin, size_t end, char shown[SHOWN]) {
    if (text.bytes[begin] == '\t') {
        memcpy(shown, "\t", 2);
        return 1;
    }
    return strlen(readable_print(text.bytes + begin, ends_line(text, begin) ? 0 : end - begin, shown, SHOWN));
}

static size_t character_before(struct text_view text, size_t at) {
    size_t begin = at - 1;
    while (begin > 0 && continues(text.bytes[begin])) {
        begin--;
    }
    return begin;
}

static size_t character_end(struct text_view text, size_t at) {
    size_t end = at + 1;
    while (end < text.length && continues(text.bytes[end])) {
        end++;
    }
    return end;
}

static void append(char *out, const char *shown) {
    size_t used = strlen(out);
    memcpy(out + used, shown, strlen(shown) + 1);
}

/* A blank for each character of `shown`, a tab for a tab. */
static void indent(char *out, const char *shown) {
    for (; *shown; shown++) {
        if (!continues(*shown)) {
            append(out, *shown == '\t' ? "\t" : " ");
        }
    }
}

void excerpt_make(struct text_view text, size_t at, struct excerpt *out) {
    char shown[SHOWN];
    size_t begin = at, end = at, before = 0, after = 0;
    *out = (struct excerpt){.line = ""};
    while (begin > 0 && text.bytes[begin - 1] != '\n') {
        size_t previous = character_before(text, begin);
        before += show(text, previous, begin, shown);
        if (before > EXCERPT_BEFORE) {
            append(out->line, "…");
            append(out->indent, " ");
            break;
        }
        begin = previous;
    }
    for (size_t next; begin < at; begin = next) {
        next = character_end(text, begin);
        next = next < at ? next : at;
        (void)show(text, begin, next, shown);
        append(out->line, shown);
        indent(out->indent, shown);
    }
    while (end < text.length && text.bytes[end] != '\n') {
        size_t next = character_end(text, end);
        after += show(text, end, next, shown);
        if (after > EXCERPT_AFTER) {
            append(out->line, "…");
            break;
        }
        append(out->line, shown);
        end = next;
    }
}
