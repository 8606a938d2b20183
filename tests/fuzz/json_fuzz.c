/* libFuzzer target: a JSON body read by jansson alone and read through an envelope and bulk members must get the same
 * kind of problem at the same byte, or the same values to the bit; jansson alone gets it without a byte order mark. The
 * input's first byte chooses the size of the pieces that arrays are cut into; the rest is the body, at the end of a
 * block so that a sanitizer sees every byte read too far. */
#include "tests/fuzz/target.h"

#include "codecs/byte_order_mark.h"
#include "codecs/json/envelope.h"
#include "codecs/json/json_text.h"
#include "codecs/numbers/number_array.h"
#include "tests/unit/codecs/json_rows.h"

enum { MEMORY_LIMIT_BYTES = 1 << 30 };

/* Rows first: reading text changes the body. */
static const struct envelope_field fields[] = {{"m", ENVELOPE_ROWS},    {"text", ENVELOPE_TEXT}, {"t", ENVELOPE_TEXT},
                                               {"x", ENVELOPE_NUMBERS}, {"y", ENVELOPE_NUMBERS}, {NULL, 0}};

static void compare_text(const struct document *whole, const char *name, char *body, const struct json_span *span) {
    struct text_view expected;
    struct text_view found;
    struct problem problem = {0};
    require(!document_text(whole, name, &expected, &problem), "a string for one, not for the other");
    require(!json_text_read(body, span, NULL, &found, &problem), "a text that was checked can't be read");
    require(found.length == expected.length, "a text's length");
    require(memcmp(found.bytes, expected.bytes, found.length) == 0, "a text");
}

static void compare_numbers(const struct document *whole, const char *name, const char *body,
                            const struct json_span *span, size_t piece_bytes) {
    struct problem problem = {0};
    struct number_array array;
    size_t length = 0;
    require(!document_array_length(whole, name, &length, &problem), "an array for one, not for the other");
    number_array_plan(body, span, piece_bytes, &array);
    double *expected = take(length * sizeof *expected);
    double *found = take(length * sizeof *found);
    size_t *counts = take(array.piece_count * sizeof *counts);
    for (size_t i = 0; i < array.piece_count; i++) {
        counts[i] = number_array_count(&array, i);
    }
    require(number_array_index(&array, counts) == length, "an array's length");
    require(!document_array_doubles(whole, name, expected, length, NULL, &problem), "a number that is none");
    for (size_t i = 0; i < array.piece_count; i++) {
        require(number_array_parse(&array, i, found + counts[i]), "an array that was checked can't be read");
    }
    require(memcmp(found, expected, length * sizeof *found) == 0, "an array");
    free(expected);
    free(found);
    free(counts);
}

static void compare(const struct document *whole, const struct document *split, const struct envelope *envelope,
                    char *body, size_t length, size_t piece_bytes) {
    for (const struct envelope_field *field = fields; field->name; field++) {
        require(document_type_of(whole, field->name) == document_type_of(split, field->name), "a member's type");
        const struct json_span *span = envelope_find(envelope, field->name);
        if (span && field->kind == ENVELOPE_TEXT) {
            compare_text(whole, field->name, body, span);
        } else if (span && field->kind == ENVELOPE_ROWS) {
            const char *difference = json_rows_difference(body, length, field->name, span, piece_bytes);
            require(!difference, difference);
        } else if (span) {
            compare_numbers(whole, field->name, body, span, piece_bytes);
        }
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    document_library_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    size_t piece_bytes = (size_t)data[0] + 1;
    size_t length = size - 1;
    char *body = copy(data + 1, length);
    struct plain_memory plain;
    plain_memory_init(&plain, MEMORY_LIMIT_BYTES);
    struct document *whole = NULL;
    struct document *split = NULL;
    struct envelope envelope;
    struct problem whole_problem = {0};
    struct problem split_problem = {0};
    size_t peak_bytes;
    size_t mark = byte_order_mark_length(body, length);
    bool is_foreign = byte_order_mark_foreign_json(body, length); /* the envelope says as what */
    (void)!document_parse(body + mark, length - mark, &plain.base, &whole, &peak_bytes, &whole_problem);
    envelope_begin(&envelope, fields);
    for (size_t arrived = piece_bytes; arrived < length; arrived += piece_bytes) {
        envelope_split(&envelope, body, arrived, false, NULL);
    }
    envelope_split(&envelope, body, length, true, NULL);
    if (!envelope_parse(&envelope, &plain.base, NULL, &split, &peak_bytes, &split_problem)) {
        (void)!envelope_check_bulk(&envelope, length, NULL, &split_problem);
    }
    const char *rest;
    size_t whole_at = problem_byte(&whole_problem, &rest);
    bool has_one_place = problem_byte(&split_problem, &rest) == (whole_at > 0 ? whole_at + mark : 0);
    if (!is_foreign && (whole_problem.kind != split_problem.kind || !has_one_place)) {
        (void)fprintf(stderr, "whole: %s (%s), split: %s (%s)\n", problem_slug(whole_problem.kind),
                      whole_problem.detail, problem_slug(split_problem.kind), split_problem.detail);
        abort();
    }
    require((whole_problem.kind == PROBLEM_NONE) == (split_problem.kind == PROBLEM_NONE), "whether it is right");
    if (whole) {
        compare(whole, split, &envelope, body, length, piece_bytes);
    }
    document_free(whole);
    document_free(split);
    require(plain.used_bytes == 0, "memory given back");
    free(body);
    return 0;
}
