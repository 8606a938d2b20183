/* libFuzzer target: a URL's query. It must be taken apart as a second, slower parser here takes it apart, with the same
 * kind of problem, and each value that is a number must have strtod's bits. */
#include "tests/fuzz/target.h"

#include "codecs/query.h"

#include <math.h>
#include <regex.h>

enum { MEMORY_LIMIT_BYTES = 1 << 20, NUMBER_LENGTH_MAX = 400 };

static regex_t number_form;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    static const char *const form = "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$";
    require(regcomp(&number_form, form, REG_EXTENDED | REG_NOSUB) == 0, "a number's expression");
    return 0;
}

struct text {
    char bytes[QUERY_BYTES_MAX];
    size_t length;
    bool right;
};

/* The character's bytes, put together again from its code point, are the only ones that are right. */
static size_t encode(uint32_t point, unsigned char *out) {
    if (point < 0x80) {
        out[0] = (unsigned char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; point >>= 6) {
        out[i] = (unsigned char)(0x80 | (point & 0x3F));
    }
    out[0] = (unsigned char)(0xF00 >> length | point);
    return length;
}

static bool is_utf8(const char *bytes, size_t length) {
    for (size_t at = 0; at < length;) {
        unsigned char first = (unsigned char)bytes[at];
        size_t count = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        uint32_t point = first < 0x80 ? first : first & 0xFFU >> (count + 1);
        unsigned char again[4];
        if (count > length - at) {
            return false;
        }
        for (size_t i = 1; i < count; i++) {
            point = point << 6 | ((unsigned char)bytes[at + i] & 0x3F);
        }
        if ((point >= 0xD800 && point < 0xE000) || point > 0x10FFFF || encode(point, again) != count ||
            memcmp(again, bytes + at, count) != 0) {
            return false;
        }
        at += count;
    }
    return true;
}

static void decode(const char *from, const char *end, struct text *out) {
    static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
    out->length = 0;
    out->right = true;
    while (from < end && out->right) {
        char byte = *from++;
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            const char *high = end - from < 2 ? NULL : memchr(digits, from[0], 32);
            const char *low = end - from < 2 ? NULL : memchr(digits, from[1], 32);
            out->right = high && low;
            byte = out->right ? (char)((high - digits) / 2 * 16 + (low - digits) / 2) : '\0';
            from += 2;
        }
        out->bytes[out->length++] = byte;
    }
    out->right = out->right && is_utf8(out->bytes, out->length);
}

static bool is_text(const char *bytes, size_t length, const struct text *text) {
    return length == text->length && memcmp(bytes, text->bytes, length) == 0 && bytes[length] == '\0';
}

struct expectation {
    enum problem_kind kind;
    size_t count;
};

/* Takes the query apart up to its first mistake and compares `found`, what the parser made of it, on the way: all items
 * where it took them, none where it refused. */
static struct expectation expect(const char *text, size_t length, const struct query *found) {
    static struct text names[QUERY_ITEMS_MAX + 1];
    static struct text value;
    struct expectation expected = {PROBLEM_NONE, 0};
    const char *end = text + length;
    for (const char *at = text, *stop; at < end; at = stop + 1) {
        for (stop = at; stop < end && *stop != '&';) {
            stop++;
        }
        const char *equals = at;
        while (equals < stop && *equals != '=') {
            equals++;
        }
        if (stop == at) {
            continue;
        }
        struct text *name = &names[expected.count];
        decode(at, equals, name);
        decode(equals < stop ? equals + 1 : stop, stop, &value);
        size_t before = 0;
        while (name->length != names[before].length || memcmp(name->bytes, names[before].bytes, name->length) != 0) {
            before++;
        }
        if (!name->right || !value.right || expected.count == QUERY_ITEMS_MAX) {
            expected.kind = PROBLEM_MALFORMED_REQUEST;
            return expected;
        }
        if (expected.count < found->count) {
            const struct query_item *item = &found->items[expected.count];
            require(is_text(item->name, item->name_length, name), "a name");
            require(is_text(item->value, item->value_length, &value), "a value");
            require(item->repeats == (before < expected.count), "whether a name occurred before");
        }
        expected.count++;
    }
    return expected;
}

/* The elements, as they are and as they were sent, and the commas between them are the whole. */
static void check_cuts(const struct query_item *item) {
    struct query_item element = *item;
    struct query_item rest;
    for (bool more = true; more; element = rest) {
        more = query_cut(&element, &rest);
        require(!memchr(element.value, ',', element.value_length), "an element without a comma");
        require(element.sent >= item->sent && element.sent_length <= item->sent_length &&
                    element.sent + element.sent_length <= item->sent + item->sent_length,
                "an element within what was sent");
        require(element.value_length <= element.sent_length, "an element that is shorter than what was sent for it");
        require(more || rest.value + rest.value_length == item->value + item->value_length, "the last element");
    }
}

static void compare_number(const struct query_item *item) {
    struct problem problem = {0};
    double found = 0;
    char text[NUMBER_LENGTH_MAX + 1] = {0};
    enum problem_kind kind = query_number(item, false, &found, &problem);
    if (item->value_length > NUMBER_LENGTH_MAX) {
        return;
    }
    memcpy(text, item->value, item->value_length);
    if (strlen(text) < item->value_length || regexec(&number_form, text, 0, NULL, 0) != 0) {
        require(kind == PROBLEM_WRONG_TYPE, "what is no number");
        return;
    }
    double expected = strtod(text, NULL);
    require(kind == (isinf(expected) ? PROBLEM_NUMBER_OVERFLOW : PROBLEM_NONE), "a number");
    require(kind || memcmp(&found, &expected, sizeof found) == 0, "a number's bits");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct query query;
    struct plain_memory plain;
    struct problem problem = {0};
    plain_memory_init(&plain, MEMORY_LIMIT_BYTES);
    char *text = copy(data, size);
    enum problem_kind kind = query_parse(text, size, &plain.base, &query, &problem);
    require(kind == problem.kind, "the problem recorded");
    require(!kind || plain.used_bytes == 0, "memory held after a problem");
    if (size > QUERY_BYTES_MAX) {
        require(kind == PROBLEM_MALFORMED_REQUEST, "a query that is too long");
    } else {
        struct expectation expected = expect(text, size, &query);
        require(kind == expected.kind, "the kind of problem");
        require(query.count == (kind ? 0 : expected.count), "how many items there are");
    }
    for (size_t i = 0; i < query.count; i++) {
        compare_number(&query.items[i]);
        check_cuts(&query.items[i]);
    }
    query_deinit(&query);
    require(plain.used_bytes == 0, "memory given back");
    free(text);
    return 0;
}
