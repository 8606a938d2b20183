#include "handlers/bulk.h"

#include "codecs/json/json_text.h"
#include "codecs/numbers/number_print.h"
#include "codecs/numbers/number_rows.h"

#include <stdio.h>

/* Numbers printed at a time: about 80 kB of text, 0.03 to 0.09 ms. Up to that many go straight into the reply. */
enum { PRINT_PIECE = 4096 };

/* Upper estimates, one thread (bench/codecs measures 7 ns for 17 digits, 8 in rows, 4 for a short integer). Bytes cost,
 * too: an array may consist of spaces. */
enum { READ_NUMBER_NS = 3, READ_BYTES_PER_NS = 2 };

/* Text that a thread reads at least: 20 us with few escapes, 100 with many (bench/codecs). */
enum { TEXT_PIECE_BYTES = 128 * 1024 };

/* Random doubles in [0, 1), one thread: 19 ns in full where they are printed one by one, 24 where they are rounded, and
 * 6 where they are printed in blocks (bench/codecs). */
enum { PRINT_NUMBER_NS = 22 };

/* Pieces of text cost the same everywhere, so the request's schedule and chunk, which are the kernel's, don't matter.
 * Nor do they count as the kernel's progress. */
enum kernel_status bulk_deal(struct call *call, size_t pieces, team_body *body, void *context) {
    struct team team = {.threads = call->team->threads, .schedule = TEAM_STATIC};
    struct progress progress = {.cancel = &call->cancel, .cpu_ns = &call->cpu_ns};
    return team_for(&team, &progress, pieces, 1, body, context);
}

enum problem_kind bulk_measure(struct call *call, const char *name, bool *is_array, struct bulk_numbers *numbers) {
    const struct json_span *span = envelope_find(&call->envelope, name);
    *numbers = (struct bulk_numbers){.name = name};
    *is_array = span;
    if (!span) {
        return PROBLEM_NONE;
    }
    number_array_plan(call->body.bytes, span, NUMBER_ARRAY_PIECE_BYTES, &numbers->array);
    size_t pieces = numbers->array.piece_count;
    numbers->index = call_take(call, pieces * sizeof *numbers->index);
    if (!numbers->index) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < pieces; i++) {
        bool cancelled = call_is_cancelled(call);
        numbers->index[i] = cancelled ? 0 : number_array_count(&numbers->array, i);
    }
    numbers->length = number_array_index(&numbers->array, numbers->index);
    return PROBLEM_NONE;
}

enum problem_kind bulk_measure_rows(struct call *call, const char *name, bool *is_array, struct bulk_numbers *numbers) {
    if (bulk_measure(call, name, is_array, numbers) || numbers->length == 0) {
        return call->problem.kind;
    }
    numbers->columns = number_rows_columns(&numbers->array);
    if (numbers->columns == 0) {
        char pointer[ENVELOPE_NAME_MAX + 4];
        (void)snprintf(pointer, sizeof pointer, "/%s/0", name);
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                           "row 0 of \"%s\" has no numbers; a row has one at least", name);
    }
    if (numbers->length % numbers->columns != 0) {
        return number_rows_refuse(&numbers->array, numbers->columns, name, &call->cancel, &call->problem);
    }
    return PROBLEM_NONE;
}

enum problem_kind bulk_refuse(struct call *call, const char *name) {
    size_t length = 0;
    if (document_array_length(call->document, name, &length, &call->problem)) {
        return call->problem.kind;
    }
    double *unused = call_take(call, length * sizeof *unused);
    if (!unused) {
        return call->problem.kind;
    }
    return document_array_doubles(call->document, name, unused, length, &call->cancel, &call->problem);
}

uint64_t bulk_read_cost_ns(const struct bulk_numbers *numbers) {
    return (uint64_t)(numbers->array.end - numbers->array.begin) / READ_BYTES_PER_NS +
           READ_NUMBER_NS * (uint64_t)numbers->length;
}

struct reading {
    const struct bulk_numbers *numbers;
    double *values;
    atomic_size_t first_wrong; /* piece: of several mistakes the first is named, whoever finds his first */
};

static void read_pieces(void *context, size_t begin, size_t end) {
    struct reading *reading = context;
    const struct bulk_numbers *numbers = reading->numbers;
    for (size_t piece = begin; piece < end; piece++) {
        size_t index = numbers->index[piece];
        double *values = reading->values + index;
        if (numbers->columns > 0 ? number_rows_parse(&numbers->array, piece, numbers->columns, index, values)
                                 : number_array_parse(&numbers->array, piece, values)) {
            continue;
        }
        size_t first = atomic_load(&reading->first_wrong);
        while (piece < first && !atomic_compare_exchange_weak(&reading->first_wrong, &first, piece)) {
        }
    }
}

/* Which row is wrong shows when all before it are right: the first is sought once more from the start. That the body
 * isn't JSON comes first, wherever it shows. */
static enum problem_kind refuse_rows(struct call *call, const struct bulk_numbers *numbers) {
    if (envelope_check_bulk(&call->envelope, call->body.length, &call->cancel, &call->problem)) {
        return call->problem.kind;
    }
    return number_rows_refuse(&numbers->array, numbers->columns, numbers->name, &call->cancel, &call->problem);
}

enum problem_kind bulk_read(struct call *call, const struct bulk_numbers *numbers, double *values) {
    struct reading reading = {.numbers = numbers, .values = values, .first_wrong = SIZE_MAX};
    if (bulk_deal(call, numbers->array.piece_count, read_pieces, &reading) == KERNEL_CANCELLED) {
        return PROBLEM_NONE; /* the server knows why it set the flag */
    }
    size_t wrong = atomic_load(&reading.first_wrong);
    if (wrong == SIZE_MAX) {
        return PROBLEM_NONE;
    }
    return numbers->columns > 0 ? refuse_rows(call, numbers)
                                : number_array_refuse(&numbers->array, wrong, &call->problem);
}

struct text_reading {
    struct call *call;
    struct json_span spans[BULK_TEXT_PIECES_MAX];
    struct json_text_reading readings[BULK_TEXT_PIECES_MAX];
};

static void read_text_pieces(void *context, size_t begin, size_t end) {
    struct text_reading *reading = context;
    for (size_t i = begin; i < end; i++) {
        json_text_read_piece(reading->call->body.bytes, &reading->spans[i], &reading->call->cancel,
                             &reading->readings[i]);
    }
}

/* So many pieces that each is worth a hand-over. */
static size_t count_text_pieces(const struct call *call, const struct json_span *span) {
    size_t count = (span->end - span->begin) / TEXT_PIECE_BYTES;
    count = count < call->team->threads ? count : call->team->threads;
    return count < 1 ? 1 : count < BULK_TEXT_PIECES_MAX ? count : BULK_TEXT_PIECES_MAX;
}

/* Texts without escapes stay where they are, as one. */
static enum problem_kind join_text(struct call *call, const struct json_span *span, const struct text_reading *reading,
                                   size_t count, struct bulk_text *text) {
    const struct json_text_reading *wrong = &reading->readings[0];
    for (size_t i = 0; i < count; i++) {
        const struct json_text_reading *piece = &reading->readings[i];
        wrong = piece->fault > wrong->fault ? piece : wrong;
        text->pieces[i] = piece->text;
    }
    text->count = count;
    if (!span->has_escape) {
        text->count = 1;
        text->pieces[0].length = span->end - span->begin;
    }
    if (wrong->fault) {
        call->problem = wrong->problem;
    }
    return call->problem.kind;
}

enum problem_kind bulk_text(struct call *call, const char *name, struct bulk_text *text) {
    const struct json_span *span = envelope_find(&call->envelope, name);
    text->count = 1;
    if (!span) {
        return document_text(call->document, name, &text->pieces[0], &call->problem);
    }
    size_t count = count_text_pieces(call, span);
    struct text_reading reading = {.call = call};
    json_text_cut(call->body.bytes, span, count, reading.spans);
    if (bulk_deal(call, count, read_text_pieces, &reading) == KERNEL_CANCELLED) {
        return PROBLEM_NONE; /* the server knows why it set the flag */
    }
    return join_text(call, span, &reading, count, text);
}

struct printing {
    const double *values;
    size_t count;
    unsigned precision;
    char *text; /* NUMBER_PRINT_MAX for each number */
    struct reply_piece *pieces;
};

static void print_pieces(void *context, size_t begin, size_t end) {
    const struct printing *printing = context;
    for (size_t piece = begin; piece < end; piece++) {
        size_t first = piece * PRINT_PIECE;
        size_t left = printing->count - first;
        size_t count = left < PRINT_PIECE ? left : PRINT_PIECE;
        struct reply_piece *out = &printing->pieces[piece];
        char *text = printing->text + first * NUMBER_PRINT_MAX;
        number_print_piece(printing->values + first, count, printing->precision, piece > 0, text,
                           count * NUMBER_PRINT_MAX, &out->length);
        out->bytes = text;
    }
}

/* Short: into the reply itself. */
static enum problem_kind print_inline(struct call *call, const double *values, size_t count, unsigned precision) {
    struct json_writer *reply = &call->reply;
    size_t most = count * NUMBER_PRINT_MAX;
    text_reserve(&reply->text, most);
    if (json_writer_failed(reply) ||
        reply->text.capacity - reply->text.length < most) { /* near its limit it reserves less */
        return call_memory_short(call, most);
    }
    size_t length = 0;
    number_print_piece(values, count, precision, false, reply->text.data + reply->text.length, most, &length);
    reply->text.length += length;
    return PROBLEM_NONE;
}

static enum problem_kind print_apart(struct call *call, const double *values, size_t count, unsigned precision) {
    size_t pieces = (count - 1) / PRINT_PIECE + 1;
    struct printing printing = {.values = values, .count = count, .precision = precision};
    printing.text = call_take(call, count * NUMBER_PRINT_MAX);
    printing.pieces = printing.text ? call_take(call, pieces * sizeof *printing.pieces) : NULL;
    if (!printing.pieces) {
        return call->problem.kind;
    }
    enum kernel_status status = bulk_deal(call, pieces, print_pieces, &printing);
    if (status == KERNEL_DONE) {
        call->reply_pieces = printing.pieces;
        call->reply_piece_count = pieces;
        call->reply_pieces_at = call->reply.text.length;
    }
    return PROBLEM_NONE;
}

enum problem_kind bulk_print(struct call *call, const char *key, const double *values, size_t count,
                             unsigned precision) {
    json_key(&call->reply, key);
    json_begin_array(&call->reply);
    bool is_short = count <= PRINT_PIECE;
    if (is_short ? print_inline(call, values, count, precision) : print_apart(call, values, count, precision)) {
        return call->problem.kind;
    }
    json_end_array(&call->reply);
    return PROBLEM_NONE;
}

uint64_t bulk_print_cost_ns(size_t count) {
    return PRINT_NUMBER_NS * (uint64_t)count;
}
