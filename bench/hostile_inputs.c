#include "bench/hostile_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *take(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (!memory) {
        abort();
    }
    return memory;
}

static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % limit;
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

struct text texts[TEXTS_MAX];
size_t text_count, length;

static struct text *add_text(const char *name) {
    struct text *text = &texts[text_count++];
    snprintf(text->name, sizeof text->name, "%s", name);
    text->bytes = take(length);
    return text;
}

/* `unit` again and again, the first byte of which is repeated `times` instead of once. */
static void repeat(const char *name, const char *unit, size_t times) {
    struct text *text = add_text(name);
    size_t size = strlen(unit);
    for (size_t at = 0; at < length;) {
        for (size_t i = 0; i < times && at < length; i++) {
            text->bytes[at++] = unit[0];
        }
        for (size_t i = 1; i < size && at < length; i++) {
            text->bytes[at++] = unit[i];
        }
    }
}

/* Words of `letters` characters out of `alphabet`, whose characters have `size` bytes; all different while they can. */
static void count_up(const char *name, const char *alphabet, size_t size, size_t letters, size_t prefix) {
    struct text *text = add_text(name);
    size_t count = strlen(alphabet) / size, number = 0;
    memset(text->bytes, ' ', length);
    for (size_t at = 0; at + prefix + letters * size + 1 <= length; number++) {
        memset(text->bytes + at, 'p', prefix);
        at += prefix;
        size_t rest = number;
        for (size_t i = 0; i < letters; i++, rest /= count, at += size) {
            memcpy(text->bytes + at, alphabet + rest % count * size, size);
        }
        at++;
    }
}

/* Words drawn at random: no branch can be foreseen. */
static void draw(const char *name, const char *const *list, size_t count) {
    struct text *text = add_text(name);
    memset(text->bytes, ' ', length);
    for (size_t at = 0;;) {
        const char *word = list[below(count)];
        size_t size = strlen(word);
        if (at + size + 1 > length) {
            return;
        }
        memcpy(text->bytes + at, word, size);
        at += size + 1;
    }
}

static void draw_bytes(const char *name, size_t first, size_t count, size_t space_every) {
    struct text *text = add_text(name);
    for (size_t at = 0; at < length; at++) {
        text->bytes[at] = below(space_every) == 0 ? ' ' : (char)(first + below(count));
    }
}

/* Any characters but ASCII, half of them of two bytes. */
static void draw_chars(const char *name, size_t first, size_t count, size_t space_every) {
    struct text *text = add_text(name);
    memset(text->bytes, ' ', length);
    for (size_t at = 0; at + 4 < length; at++) {
        size_t c = first + below(below(2) ? count : count < 0x800 ? count : 0x800);
        at -= 1;
        if (c >= 0xd800 && c < 0xe000) {
            c = 0xfffd;
        }
        if (c >= 0x10000) {
            text->bytes[++at] = (char)(0xf0 | c >> 18);
            text->bytes[++at] = (char)(0x80 | (c >> 12 & 0x3f));
        } else if (c >= 0x800) {
            text->bytes[++at] = (char)(0xe0 | c >> 12);
        }
        text->bytes[++at] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
        text->bytes[++at] = (char)(0x80 | (c & 0x3f));
        at += below(space_every) == 0;
    }
}

static void write_mixed_texts(void) {
    static const char *const english[] = {"the",   "of",         "and",   "to",     "a",      "in",
                                          "that",  "it",         "is",    "was",    "I",      "for",
                                          "There", "wilderness", "don't", "night,", "(which", "considerable"};
    static const char *const mixed[] = {
        "a",          "'",          "\u00e9t\u00e9", "\u043c\u0438\u0440", "\u65e5\u672c", "plain", "\u212aelvin",
        "pppppppppp", "pppppppppq", "aaaaaaaaa",     "aaaaaaaab",          "1a",           "\x80"};
    static const char *const shared[] = {"thea", "theb", "thec", "thed", "thee", "thef", "the", "theaa", "th"};
    repeat("a*100 z", "az ", 100);
    repeat("A*100 z", "Az ", 100);
    repeat("1*100 a", "1a ", 100);
    repeat("a*63", "a ", 63);
    draw("English", english, sizeof english / sizeof *english);
    draw("mixed", mixed, sizeof mixed / sizeof *mixed);
    draw("the+", shared, sizeof shared / sizeof *shared);
    draw_bytes("random", 0, 256, 256);
    draw_bytes("random, spaces", 0, 256, 3);
    draw_bytes("random no UTF-8", 0x80, 128, 4);
    draw_chars("random characters", 0x80, 0x10ff80, 3);
    draw_chars("random letters", 0xc0, 0x500, 2);
    draw_bytes("random aab", 'a', 2, 4);
}

static void write_different_words(void) {
    static const char all[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&()*+,-./:;<=>?@[]^_{|}~";
    static const char cyrillic[] =
        "\u0430\u0431\u0432\u0433\u0434\u0435\u0436\u0437\u0438\u0439\u043a\u043b\u0411\u0412";
    static const char cjk[] = "\u4e00\u4e01\u4e02\u4e03\u4e04\u4e05\u4e06\u4e07\u4e08\u4e09\u4e0a\u4e0b\u4e0c\u4e0d";
    count_up("different 3", all, 1, 3, 0);
    count_up("different 4", all, 1, 4, 0);
    count_up("different 7", all, 1, 7, 0);
    count_up("different 15", all, 1, 5, 10);
    count_up("different 17", all, 1, 5, 12);
    count_up("different 40", all, 1, 4, 36);
    count_up("different Cyrillic", cyrillic, 2, 5, 0);
    count_up("different CJK", cjk, 3, 5, 0);
    count_up("different p*100", all, 1, 4, 100);
}

void write_texts(void) {
    static const char *const units[] = {"a ",
                                        "aa ",
                                        "aaaaaaaa ",
                                        "aaaaaaaaa ",
                                        "aaaab ",
                                        "AAAAAAAAAx ",
                                        "the ",
                                        "' ",
                                        "'a ",
                                        "''''''''a ",
                                        "1 ",
                                        "1",
                                        "a",
                                        " ",
                                        "\n",
                                        "\r\n",
                                        "a\r\n",
                                        "\r ",
                                        "it's ",
                                        "a'a'a'a'a'a'a'a' ",
                                        "\u00e9 ",
                                        "\u00e9",
                                        "\u043f ",
                                        "\u041f\u041f\u041f\u041f\u041f ",
                                        "\u4e2d ",
                                        "\u4e2d",
                                        "\u212a ",
                                        "\u0130",
                                        "\u0130 ",
                                        "\u1e9e ",
                                        "\U0001f600 ",
                                        "\U0001f600",
                                        "\U00010400",
                                        "\x80",
                                        "\x80 ",
                                        "\xf0\x9f ",
                                        "\xe2\x80\xe2\x80\x80",
                                        "\u3000",
                                        "a\u3000a\u2003",
                                        "a\u00a0",
                                        "\u00e9\u3000",
                                        "aaaaaaaaa\u2003",
                                        "\t",
                                        "a\t",
                                        "\xc2\xa0\xf8"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char name[32] = "";
        for (size_t k = 0, n = 0; units[i][k] && n + 5 < sizeof name; k++) {
            n += (size_t)snprintf(name + n, sizeof name - n, (unsigned char)units[i][k] - 33U < 94 ? "%c" : "%%%02x",
                                  (unsigned char)units[i][k]);
        }
        repeat(name, units[i], 1);
    }
    write_mixed_texts();
    write_different_words();
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

struct set sets[SETS_MAX];
size_t set_count;

static struct set *add_set(const char *name) {
    struct set *set = &sets[set_count++];
    snprintf(set->name, sizeof set->name, "%s", name);
    return set;
}

/* A word of `times` copies of unit, then tail. */
static void add_word(struct set *set, const char *unit, size_t times, const char *tail) {
    size_t size = strlen(unit), rest = strlen(tail);
    char *bytes = take(size * times + rest);
    for (size_t i = 0; i < times; i++) {
        memcpy(bytes + i * size, unit, size);
    }
    memcpy(bytes + size * times, tail, rest);
    set->needles[set->count++] = (struct wordcount_needle){bytes, size * times + rest};
}

static void add_tails(const char *name, const char *unit, size_t times, size_t count) {
    struct set *set = add_set(name);
    for (size_t i = 0; i < count; i++) {
        char tail[2] = {(char)(i < 26 ? 'a' + (char)i : i < 52 ? '0' + (char)i - 26 : '!' + (char)i - 52)};
        tail[0] = i == 25 ? 'z' : tail[0];
        add_word(set, unit, times, tail);
    }
}

static void add_chain(const char *name, const char *unit, size_t count) {
    struct set *set = add_set(name);
    for (size_t i = 1; i <= count; i++) {
        add_word(set, unit, i, "");
    }
}

static void add_copies(const char *name, const char *unit, size_t times, const char *tail, size_t count) {
    struct set *set = add_set(name);
    for (size_t i = 0; i < count; i++) {
        add_word(set, unit, times, tail);
    }
}

void write_sets(void) {
    add_copies("a", "a", 1, "", 1);
    add_copies("the", "the", 1, "", 1);
    add_copies("a*8", "a", 8, "", 1);
    add_copies("a*9", "a", 9, "", 1);
    add_copies("a*8 b", "a", 8, "b", 1);
    add_copies("a*100 z", "a", 100, "z", 1);
    add_copies("a*100 b", "a", 100, "b", 1);
    add_copies("a*50000", "a", 50000, "", 1);
    add_copies("e acute", "\u00e9", 1, "", 1);
    add_copies("n e", "\u043f", 5, "", 1);
    add_copies("zhong", "\u4e2d", 1, "", 1);
    add_copies("k", "k", 1, "", 1);
    add_copies("i dot", "i", 1, "\u0307", 1);
    add_copies("it's", "it's", 1, "", 1);
    add_copies("e acute*5", "\u00e9", 5, "", 1);
    add_copies("carriage return", "\r", 1, "", 1);
    add_tails("2 a*100 +", "a", 100, 2);
    add_tails("3 a*100 +", "a", 100, 3);
    add_tails("6 a*100 +", "a", 100, 6);
    add_tails("7 a*100 +", "a", 100, 7);
    add_tails("26 a*100 +", "a", 100, 26);
    add_tails("64 a*100 +", "a", 100, 64);
    add_tails("64 a*8 +", "a", 8, 64);
    add_tails("64 a*7 +", "a", 7, 64);
    add_tails("64 a*3 +", "a", 3, 64);
    add_tails("64 the+", "the", 1, 64);
    add_tails("6 the+", "the", 1, 6);
    add_tails("64 +", "", 0, 64);
    add_tails("64 p*100 +", "p", 100, 64);
    add_tails("64 p*36 +", "p", 36, 64);
    add_tails("64 n e*50 +", "\u043f", 50, 64);
    add_tails("64 e acute*1 +", "\u00e9", 1, 64);
    add_chain("chain a", "a", 64);
    add_chain("chain a'", "a'", 64);
    add_chain("chain n e", "\u043f", 64);
    add_copies("64 a", "a", 1, "", 64);
    add_copies("64 a*100 z", "a", 100, "z", 64);
    add_copies("64 a'a'", "a'", 8, "", 64);
}
