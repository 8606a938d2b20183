/* The codecs alone, without HTTP, on one thread: best of several runs, side by side with jansson, strtod and printf in
 * the same run. Constants in codecs/, handlers/ and server/ that cite bench/codecs come from here.
 *
 *   codecs ZEN_TXT
 *
 * Documents of 858 kB of text, of a million numbers, and small ones; a list of small objects; .npy arrays; gzip
 * and zstd. */
#include "bench/codec_runs.h"
#include "codecs/json/envelope.h"
#include "codecs/json/json_text.h"
#include "codecs/json/json_writer.h"
#include "codecs/json/utf8_check.h"
#include "codecs/numbers/number_print.h"
#include "codecs/numbers/number_rows.h"
#include "server/system/clock.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 1000000, SMALL_RUNS = 1000 };

static const struct envelope_field fields[] = {
    {"text", ENVELOPE_TEXT}, {"x", ENVELOPE_NUMBERS}, {"rows", ENVELOPE_ROWS}, {NULL, ENVELOPE_TEXT}};

struct plain_memory memory;

struct body {
    char *bytes, *copy;
    size_t length;
    struct envelope envelope;
    struct json_span inside;
};

static void run_split(void *context) {
    struct body *body = context;
    envelope_begin(&body->envelope, fields);
    envelope_split(&body->envelope, body->bytes, body->length, true, NULL);
}

static void run_jansson(void *context) {
    struct body *body = context;
    json_t *root = json_loadb(body->bytes, body->length, JSON_REJECT_DUPLICATES, NULL);
    insist(root, "json_loadb");
    json_decref(root);
}

/* ---- texts ---- */

static void restore(void *context) {
    struct body *body = context;
    memcpy(body->copy, body->bytes, body->length); /* unescaping overwrites */
}

static void run_text(void *context) {
    struct body *body = context;
    struct text_view view;
    struct problem problem = {0};
    insist(json_text_read(body->copy, &body->inside, NULL, &view, &problem) == PROBLEM_NONE, "json_text_read");
}

static void run_utf8(void *context) {
    struct body *body = context;
    insist(utf8_check(body->bytes, body->length) == body->length, "utf8_check");
}

enum text_kind { TEXT_ZEN, TEXT_PLAIN, TEXT_ESCAPED, TEXT_CYRILLIC, TEXT_UNITS, TEXT_KINDS };
static const char *const text_names[] = {"Zen of Python", "ASCII, no escape", "escape every 6", "Cyrillic",
                                         "Cyrillic, escaped"};

static size_t write_text(char *out, enum text_kind kind, const char *zen) {
    size_t at = 0;
    while (at < TEXT_BYTES) {
        unsigned letter = (unsigned)(next_random() * 26);
        char byte = kind == TEXT_ZEN ? zen[at % ZEN_BYTES] : (char)('a' + letter);
        if (kind == TEXT_ZEN ? byte == '\n' : kind == TEXT_ESCAPED && letter % 6 == 0) {
            at += (size_t)snprintf(out + at, 8, "\\n");
        } else if (kind == TEXT_CYRILLIC) {
            at += (size_t)snprintf(out + at, 8, "\xd0%c", (char)(0x90 + letter));
        } else if (kind == TEXT_UNITS) {
            at += (size_t)snprintf(out + at, 8, "\\u04%02x", 0x10 + letter);
        } else {
            out[at++] = byte == '"' || byte == '\\' ? '\'' : byte;
        }
    }
    return at;
}

static void compare_texts(const char *zen) {
    static const char head[] = "{\"word\":\"is\",\"text\":\"";
    struct body body = {.bytes = take(TEXT_BYTES + 64), .copy = take(TEXT_BYTES + 64)};
    printf("858 kB of text, GB/s     split    read   utf8_check   jansson\n");
    for (enum text_kind kind = 0; kind < TEXT_KINDS; kind++) {
        memcpy(body.bytes, head, sizeof head - 1);
        body.length = sizeof head - 1 + write_text(body.bytes + sizeof head - 1, kind, zen);
        memcpy(body.bytes + body.length, "\"}", 2);
        body.length += 2;
        double length = (double)body.length, split = length / best_ns(run_split, NULL, &body);
        insist(body.envelope.span_count == 1, "envelope_split");
        body.inside = body.envelope.spans[0].inside;
        char read[16] = "      -"; /* of ASCII without escapes split has seen all there is to see */
        if (kind != TEXT_PLAIN) {
            snprintf(read, sizeof read, "%7.2f", length / best_ns(run_text, restore, &body));
        }
        printf("%-20s %9.2f %s %12.2f %9.2f\n", text_names[kind], split, read, length / best_ns(run_utf8, NULL, &body),
               length / best_ns(run_jansson, NULL, &body));
    }
    free(body.copy);
    free(body.bytes);
}

/* ---- numbers ---- */

struct numbers {
    struct body body;
    double *values, *read;
    struct number_array array;
    size_t columns, *counts, *indices; /* columns 0: a flat array */
    char *out;
    size_t out_room, out_length;
    unsigned precision;
    json_t *tree;
};

static void run_count(void *context) {
    struct numbers *numbers = context;
    for (size_t i = 0; i < numbers->array.piece_count; i++) {
        numbers->counts[i] = number_array_count(&numbers->array, i);
    }
}

static void run_parse(void *context) {
    struct numbers *numbers = context;
    for (size_t i = 0; i < numbers->array.piece_count; i++) {
        size_t index = numbers->indices[i];
        insist(numbers->columns > 0
                   ? number_rows_parse(&numbers->array, i, numbers->columns, index, numbers->read + index)
                   : number_array_parse(&numbers->array, i, numbers->read + index),
               "reading");
    }
}

static void run_strtod(void *context) {
    struct numbers *numbers = context;
    char *at = numbers->body.bytes + numbers->array.begin;
    for (size_t i = 0; i < NUMBERS; i++) {
        numbers->read[i] = strtod(at, &at), at++;
    }
}

static void run_print(void *context) {
    struct numbers *numbers = context;
    insist(number_print_piece(numbers->values, NUMBERS, numbers->precision, false, numbers->out, numbers->out_room,
                              &numbers->out_length) == NUMBERS,
           "number_print_piece");
}

static void run_printf(void *context) {
    struct numbers *numbers = context;
    char *at = numbers->out;
    for (size_t i = 0; i < NUMBERS; i++) {
        at += snprintf(at, NUMBER_PRINT_MAX + 1, "%.17g,", numbers->values[i]);
    }
}

static void run_jansson_print(void *context) {
    struct numbers *numbers = context;
    char *text = json_dumps(numbers->tree, JSON_COMPACT);
    insist(text, "json_dumps");
    free(text);
}

enum number_kind { NUMBER_FULL, NUMBER_INTEGER, NUMBER_DECIMAL, NUMBER_FLOAT, NUMBER_TINY, NUMBER_KINDS };
static const char *const number_names[] = {"[0, 1), in full", "integers < 10^6", "ddd.ddd", "float32, in full",
                                           "around 1e-20"};

static double make_number(enum number_kind kind) {
    double random = next_random();
    switch (kind) {
    case NUMBER_INTEGER:
        return (double)(int)(random * 1e6);
    case NUMBER_DECIMAL:
        return (double)(int)(random * 1e5) / 1000;
    case NUMBER_FLOAT:
        return (double)(float)random;
    case NUMBER_TINY:
        return random * 1e-20;
    default:
        return random;
    }
}

static void plan_numbers(struct numbers *numbers) {
    struct body *body = &numbers->body;
    run_split(body);
    insist(body->envelope.span_count == 1, "envelope_split");
    number_array_plan(body->bytes, &body->envelope.spans[0].inside, NUMBER_ARRAY_PIECE_BYTES, &numbers->array);
    numbers->counts = take(2 * numbers->array.piece_count * sizeof *numbers->counts);
    numbers->indices = numbers->counts + numbers->array.piece_count;
    run_count(numbers);
    memcpy(numbers->indices, numbers->counts, numbers->array.piece_count * sizeof *numbers->counts);
    insist(number_array_index(&numbers->array, numbers->indices) == NUMBERS, "number_array_index");
}

/* The numbers, the document that lists them, and jansson's tree of it. */
static void make_numbers(struct numbers *numbers, enum number_kind kind) {
    for (size_t i = 0; i < NUMBERS; i++) {
        numbers->values[i] = make_number(kind);
    }
    numbers->precision = NUMBER_PRECISION_MAX;
    run_print(numbers);
    struct body *body = &numbers->body;
    memcpy(body->bytes, "{\"x\":[", 6);
    memcpy(body->bytes + 6, numbers->out, numbers->out_length);
    memcpy(body->bytes + 6 + numbers->out_length, "]}", 3);
    body->length = numbers->out_length + 8;
    numbers->tree = json_loadb(body->bytes, body->length, 0, NULL);
    insist(numbers->tree, "json_loadb");
    plan_numbers(numbers);
}

static void print_numbers(struct numbers *numbers, const char *name) {
    double length = (double)numbers->body.length, split = best_ns(run_split, NULL, &numbers->body);
    double count = best_ns(run_count, NULL, numbers), parse = best_ns(run_parse, NULL, numbers);
    for (size_t i = 0; i < NUMBERS; i++) {
        insist(numbers->values[i] == numbers->read[i], "reading back");
    }
    double strtod_ns = best_ns(run_strtod, NULL, numbers), jansson = best_ns(run_jansson, NULL, &numbers->body);
    double print = best_ns(run_print, NULL, numbers);
    numbers->precision = 6;
    printf("%-18s %5.1f %7.2f %6.2f | %6.1f %7.1f %8.1f | %6.1f %9.1f %7.1f %8.1f\n", name, length / (double)NUMBERS,
           length / split, length / count, parse / (double)NUMBERS, strtod_ns / (double)NUMBERS,
           jansson / (double)NUMBERS, print / (double)NUMBERS, best_ns(run_print, NULL, numbers) / (double)NUMBERS,
           best_ns(run_printf, NULL, numbers) / (double)NUMBERS,
           best_ns(run_jansson_print, NULL, numbers) / (double)NUMBERS);
}

/* The numbers of the flat array, so many in a row. */
static void make_rows(struct numbers *rows, const struct numbers *flat) {
    struct body *body = &rows->body;
    char *at = (char *)memcpy(body->bytes, "{\"rows\":[", 9) + 9;
    for (size_t i = 0; i < NUMBERS; i += rows->columns) {
        size_t length = 0;
        memcpy(at, i > 0 ? ",[" : " [", 2);
        number_print_piece(flat->values + i, rows->columns, NUMBER_PRECISION_MAX, false, at + 2,
                           rows->columns * NUMBER_PRINT_MAX, &length);
        at += 2 + length;
        *at++ = ']';
    }
    body->length = (size_t)((char *)memcpy(at, "]}", 3) - body->bytes) + 2;
    plan_numbers(rows);
}

/* Rows and the flat array of the same numbers, in turn. */
static void compare_rows(struct numbers *flat) {
    static const size_t widths[] = {1, 2, 5, 100, 10000};
    struct numbers rows = {.body.bytes = take((size_t)NUMBERS * (NUMBER_PRINT_MAX + 3) + 64), .read = flat->read};
    printf("\n1,000,000 numbers in rows   GB/s           | ns to read\n"
           "numbers in a row  bytes   split  count |   rows    flat\n");
    make_numbers(flat, NUMBER_FULL);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        rows.columns = widths[i];
        make_rows(&rows, flat);
        double length = (double)rows.body.length, split = best_ns(run_split, NULL, &rows.body);
        double count = best_ns(run_count, NULL, &rows), parse = best_ns(run_parse, NULL, &rows);
        insist(memcmp(flat->values, rows.read, NUMBERS * sizeof *rows.read) == 0, "reading back");
        printf("%-16zu %6.1f %7.2f %6.2f | %6.1f %7.1f\n", widths[i], length / (double)NUMBERS, length / split,
               length / count, parse / (double)NUMBERS, best_ns(run_parse, NULL, flat) / (double)NUMBERS);
        free(rows.counts);
    }
    free(rows.body.bytes);
    json_decref(flat->tree);
    free(flat->counts);
}

static void compare_numbers(void) {
    struct numbers numbers = {.out_room = (size_t)NUMBERS * (NUMBER_PRINT_MAX + 1)};
    numbers.out = take(numbers.out_room);
    numbers.body.bytes = take(numbers.out_room + 16);
    numbers.values = take(2 * NUMBERS * sizeof *numbers.values);
    numbers.read = numbers.values + NUMBERS;
    printf("\n1,000,000 numbers      GB/s             | ns to read              | ns to print\n"
           "                   bytes   split  count |   here  strtod  jansson |   here  6 digits  %%.17g  jansson\n");
    for (enum number_kind kind = 0; kind < NUMBER_KINDS; kind++) {
        make_numbers(&numbers, kind);
        print_numbers(&numbers, number_names[kind]);
        json_decref(numbers.tree);
        free(numbers.counts);
    }
    compare_rows(&numbers);
    free(numbers.values);
    free(numbers.body.bytes);
    free(numbers.out);
}

/* ---- small documents ---- */

static const char small_text[] =
    "{\"text\":\"beautiful is better than ugly, explicit is better\",\"word\":\"better\",\"threads\":2,\"chunk\":0}";

static void run_small_split(void *context) {
    struct body *body = context;
    for (int i = 0; i < SMALL_RUNS; i++) {
        run_split(body);
    }
}

static void run_small_envelope(void *context) {
    struct body *body = context;
    struct problem problem = {0};
    for (int i = 0; i < SMALL_RUNS; i++) {
        struct document *document;
        size_t peak;
        run_split(body);
        insist(!envelope_parse(&body->envelope, &memory.base, NULL, &document, &peak, &problem), "envelope_parse");
        document_free(document);
    }
}

static void run_small_jansson(void *context) {
    for (int i = 0; i < SMALL_RUNS; i++) {
        run_jansson(context);
    }
}

static void compare_small(void) {
    char bytes[sizeof small_text];
    memcpy(bytes, small_text, sizeof bytes);
    struct body body = {.bytes = bytes, .length = sizeof bytes - 1};
    printf("\n%zu bytes of JSON: split %.0f ns, split and parsed %.0f ns, jansson %.0f ns\n", body.length,
           best_ns(run_small_split, NULL, &body) / (double)SMALL_RUNS,
           best_ns(run_small_envelope, NULL, &body) / (double)SMALL_RUNS,
           best_ns(run_small_jansson, NULL, &body) / (double)SMALL_RUNS);
}

/* ---- lists of words and counts ---- */

enum { ENTRIES = 100000, ENTRY_BYTES = 12 };

static void run_entries(void *context) {
    const char *words = context;
    struct json_writer writer;
    json_writer_init(&writer, &memory.base, (size_t)1 << 30);
    text_reserve(&writer.text, ENTRIES * (ENTRY_BYTES + 32));
    json_begin_array(&writer);
    for (size_t i = 0; i < ENTRIES; i++) {
        json_begin_object(&writer);
        json_key(&writer, "word");
        json_text(&writer, words + i * ENTRY_BYTES, ENTRY_BYTES);
        json_key(&writer, "count");
        json_unsigned(&writer, ENTRIES - i);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    insist(!json_writer_failed(&writer), "json_writer");
    json_writer_deinit(&writer);
}

static void print_entries(void) {
    static const char *const scripts[] = {"ASCII", "Cyrillic"};
    static const char letters[][ENTRY_BYTES + 1] = {"frequencies!", "\u0447\u0430\u0441\u0442\u043e\u0442"};
    char *words = take(ENTRIES * ENTRY_BYTES);
    printf("\n%d objects of a word of %d bytes and its count, printed:", ENTRIES, ENTRY_BYTES);
    for (size_t script = 0; script < 2; script++) {
        for (size_t i = 0; i < ENTRIES; i++) {
            memcpy(words + i * ENTRY_BYTES, letters[script], ENTRY_BYTES);
        }
        printf(" %s %.0f ns each%s", scripts[script], best_ns(run_entries, NULL, words) / (double)ENTRIES,
               script == 0 ? "," : "\n");
    }
    free(words);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s ZEN_TXT\n", argv[0]);
        return 2;
    }
    char *zen = take(TEXT_BYTES);
    FILE *file = fopen(argv[1], "rb");
    if (!file || fread(zen, 1, ZEN_BYTES, file) != ZEN_BYTES) {
        fprintf(stderr, "%s: %s\n", argv[1], errno ? strerror(errno) : "too short");
        return 1;
    }
    fclose(file);
    for (size_t i = 1; i < TIMES; i++) {
        memcpy(zen + i * ZEN_BYTES, zen, ZEN_BYTES);
    }
    document_library_init();
    plain_memory_init(&memory, (size_t)1 << 30);
    compare_texts(zen);
    compare_numbers();
    compare_small();
    print_entries();
    compare_npy();
    compare_codings(zen);
    free(zen);
    return 0;
}
