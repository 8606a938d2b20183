#pragma once
/* Where a JSON body's first mistake is, by brute force and jansson's word for what is JSON: bytes that can't go on as a
 * body that is right are one too many. How a prefix might go on is one of a few tails, and the brackets that are open.
 *
 * What is wrong as a whole is sought beside that, and has the place of its first byte (codecs/problem.h). */
#include "codecs/json/utf8.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_PLACE_TAIL_MAX = 32 };

/* What stands before a body's end: naively, since it is a body's beginning that is right. */
struct json_place_state {
    bool in_string;
    size_t string_at; /* the opening quote of the last string that begins there */
    size_t depth;
    char *closing; /* of what is open, outermost first */
};

static inline struct json_place_state json_place_read(const char *bytes, size_t length, char *closing) {
    struct json_place_state state = {.closing = closing};
    for (size_t at = 0; at < length; at++) {
        char byte = bytes[at];
        if (state.in_string) {
            at += byte == '\\';
            state.in_string = byte != '"';
        } else if (byte == '"') {
            state.in_string = true;
            state.string_at = at;
        } else if (byte == '{' || byte == '[') {
            closing[state.depth++] = byte == '{' ? '}' : ']';
        } else if ((byte == '}' || byte == ']') && state.depth > 0) {
            state.depth--;
        }
    }
    return state;
}

/* jansson's verdict on bytes, tail and what closes them. */
static inline bool json_place_is_json(const char *bytes, size_t length, const char *const tail[2],
                                      const struct json_place_state *state, size_t flags) {
    char *whole = malloc(length + JSON_PLACE_TAIL_MAX + state->depth);
    size_t used = length;
    memcpy(whole, bytes, length);
    for (size_t i = 0; i < 2; i++) {
        memcpy(whole + used, tail[i], strlen(tail[i]));
        used += strlen(tail[i]);
    }
    for (size_t i = state->depth; i-- > 0;) {
        whole[used++] = state->closing[i];
    }
    json_t *tree = json_loadb(whole, used, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY | flags, NULL);
    json_decref(tree);
    free(whole);
    return tree;
}

/* May the bytes go on as JSON? */
static inline bool json_place_is_beginning(const char *bytes, size_t length, size_t flags) {
    static const char *const outside[] = {"",   "0",   ":0",   "\"~q~\":0", "l",  "ll", "ull",
                                          "se", "lse", "alse", "e",         "ue", "rue"};
    static const char *const escapes[] = {"", "n", "0041", "041", "41", "1"};
    static const char *const string_ends[] = {"\"", "\":0", "~q~\"", "~q~\":0"};
    char *closing = malloc(length + 1);
    struct json_place_state state = json_place_read(bytes, length, closing);
    bool found = false;
    if (state.in_string || (length > 0 && bytes[length - 1] == '\\')) {
        for (size_t i = 0; i < 6 * 4 && !found; i++) {
            const char *const tail[] = {escapes[i / 4], string_ends[i % 4]};
            found = json_place_is_json(bytes, length, tail, &state, flags);
        }
    } else {
        for (size_t i = 0; i < sizeof outside / sizeof *outside && !found; i++) {
            const char *const tail[] = {outside[i], ""};
            found = json_place_is_json(bytes, length, tail, &state, flags);
        }
    }
    free(closing);
    return found;
}

/* Where the character begins that `at` is in. */
static inline size_t json_place_character(const char *bytes, size_t length, size_t at) {
    while (at < length && ((unsigned char)bytes[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

/* How many bytes, of UTF-8, may go on so. What is no beginning is none of anything longer. */
static inline size_t json_place_longest(const char *bytes, size_t length, size_t flags) {
    size_t good = 0;
    size_t bad = length + 1;
    while (bad - good > 1) {
        size_t middle = good + (bad - good) / 2;
        if (json_place_is_beginning(bytes, json_place_character(bytes, length, middle), flags)) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    return json_place_character(bytes, length, good);
}

static inline bool json_place_is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static inline bool json_place_is_hex(char byte) {
    return json_place_is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

/* Is there a surrogate's escape, with four digits, the second of them at least `least`? */
static inline bool json_place_is_surrogate(const char *bytes, size_t length, size_t at, char least) {
    if (length - at < 6 || bytes[at] != '\\' || bytes[at + 1] != 'u' || (bytes[at + 2] | 0x20) != 'd') {
        return false;
    }
    for (size_t i = 2; i < 6; i++) {
        if (!json_place_is_hex(bytes[at + i])) {
            return false;
        }
    }
    char digit = bytes[at + 3];
    return (json_place_is_digit(digit) ? digit : (char)(digit | 0x20)) >= least;
}

/* The first escape of half a pair in the beginning of a body; `length` without one. */
static inline size_t json_place_lone(const char *bytes, size_t length, size_t whole_length) {
    for (size_t at = 0; at < length; at++) {
        if (bytes[at] != '\\') {
            continue;
        }
        if (json_place_is_surrogate(bytes, length, at, '8')) {
            bool may_pair = !json_place_is_surrogate(bytes, length, at, 'c') && whole_length - at >= 8 &&
                            bytes[at + 6] == '\\' && bytes[at + 7] == 'u';
            bool is_cut = may_pair && length - at < 12; /* the mistake comes within the other half */
            if (!is_cut && !(may_pair && json_place_is_surrogate(bytes, length, at + 6, 'c'))) {
                return at;
            }
            at += 11;
        } else {
            at++;
        }
    }
    return length;
}

/* A copy in which nothing is wrong as a whole: no surrogates, no number with an exponent, no \u0000. Where one only
 * looks like an escape, as behind an escaped backslash, it doesn't matter. */
static inline char *json_place_copy(const char *bytes, size_t length, bool is_form) {
    char *copy = malloc(length + 1);
    bool in_exponent = false;
    memcpy(copy, bytes, length);
    for (size_t at = 0; at < length; at++) {
        bool is_high = length - at >= 4 && memcmp(copy + at, "\\u", 2) == 0 && (copy[at + 2] | 0x20) == 'd';
        if (is_high && json_place_is_hex(copy[at + 3])) {
            copy[at + 3] = '0';
        }
        if (is_form && length - at >= 6 && memcmp(copy + at, "\\u0000", 6) == 0) {
            copy[at + 4] = '1';
        }
        bool is_sign = copy[at] == '+' || copy[at] == '-';
        in_exponent = (at > 0 && json_place_is_digit(copy[at - 1]) && (copy[at] | 0x20) == 'e') ||
                      (in_exponent && (is_sign || json_place_is_digit(copy[at])));
        if (is_form && in_exponent && json_place_is_digit(copy[at]) && json_place_is_digit(bytes[at])) {
            copy[at] = '0';
        }
    }
    return copy;
}

/* The first byte of the name or the number that can't be what it is at `meant`; `place` where it isn't complete before
 * that. */
static inline size_t json_place_token(const char *bytes, size_t meant, size_t place) {
    char *closing = malloc(place + 1);
    struct json_place_state there = json_place_read(bytes, place, closing);
    struct json_place_state state = json_place_read(bytes, meant, closing);
    free(closing);
    if (state.in_string) {
        return there.in_string && there.string_at == state.string_at ? place : state.string_at;
    }
    while (meant > 0 && strchr("0123456789+-.eE", bytes[meant - 1])) {
        meant--;
    }
    return meant;
}

static inline size_t json_place_least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The place of the body's first mistake, from 1; 0 where it is JSON, its names are there once, and its numbers are
 * doubles. */
static inline size_t json_place(const char *bytes, size_t length) {
    size_t readable = 0; /* up to what is no UTF-8, or NUL */
    while (readable < length && bytes[readable] != '\0' && utf8_length(bytes + readable, length - readable) > 0) {
        readable += utf8_length(bytes + readable, length - readable);
    }
    char *form = json_place_copy(bytes, readable, true);
    char *strict = json_place_copy(bytes, readable, false);
    size_t place = json_place_longest(form, readable, 0);
    size_t meant = json_place_longest(strict, place, JSON_REJECT_DUPLICATES);
    size_t lone = json_place_lone(bytes, place, length);
    static const struct json_place_state nothing_open;
    static const char *const no_tail[] = {"", ""};
    bool is_json = place == length && meant == place && lone == place &&
                   json_place_is_json(strict, length, no_tail, &nothing_open, JSON_REJECT_DUPLICATES);
    if (meant < place) {
        place = json_place_token(bytes, meant, place);
    }
    free(form);
    free(strict);
    return is_json ? 0 : json_place_least(place, lone) + 1;
}
