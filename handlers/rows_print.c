/* A piece's place in the text is known before it is printed: that of its first number when all before it have
 * NUMBER_PRINT_MAX bytes, and each row's brackets. */
#include "handlers/rows_print.h"

#include "codecs/numbers/number_print.h"
#include "handlers/bulk.h"

#include <stdatomic.h>
#include <stdint.h>

/* Numbers printed at a time: about 80 kB of text, 0.08 ms. Up to that many go straight into the reply. */
enum { PIECE = 4096 };

struct printing {
    const struct rows_matrix *matrix;
    size_t count;
    unsigned precision;
    char *text;
    struct reply_piece *pieces;
    atomic_size_t wrong; /* index of the first number that isn't finite */
};

/* Most bytes of all before the number of that index: the brackets of the rows begun and of those ended. */
static size_t offset_of(const struct rows_matrix *matrix, size_t index) {
    size_t ended = index / matrix->columns;
    size_t begun = ended + (index % matrix->columns > 0);
    return index * NUMBER_PRINT_MAX + begun + ended;
}

static void note_wrong(struct printing *printing, size_t index) {
    size_t first = atomic_load(&printing->wrong);
    while (index < first && !atomic_compare_exchange_weak(&printing->wrong, &first, index)) {
    }
}

/* Numbers of one row, from `index` on. Returns how many bytes they took. */
static size_t print_numbers(struct printing *printing, size_t index, size_t count, bool continues, char *out) {
    const struct rows_matrix *matrix = printing->matrix;
    const double *values = (const double *)matrix->values + index;
    double wide[PIECE];
    if (matrix->dtype == NPY_FLOAT32) {
        npy_doubles(wide, (const char *)matrix->values + index * sizeof(float), NPY_FLOAT32, count);
        values = wide;
    }
    size_t length = 0;
    size_t printed =
        number_print_piece(values, count, printing->precision, continues, out, count * NUMBER_PRINT_MAX, &length);
    if (printed < count) {
        note_wrong(printing, index + printed);
    }
    return length;
}

/* Numbers `first` … `end` - 1, at most PIECE, with the brackets at their rows' ends. Returns how many bytes they took.
 */
static size_t print_piece(struct printing *printing, size_t first, size_t end, char *out) {
    size_t columns = printing->matrix->columns;
    char *at = out;
    while (first < end) {
        size_t column = first % columns;
        size_t left = columns - column;
        size_t count = left < end - first ? left : end - first;
        if (column == 0) {
            *at = ',';
            at += first > 0;
            *at++ = '[';
        }
        at += print_numbers(printing, first, count, column > 0, at);
        if (count == left) {
            *at++ = ']';
        }
        first += count;
    }
    return (size_t)(at - out);
}

static void print_pieces(void *context, size_t begin, size_t end) {
    struct printing *printing = context;
    for (size_t piece = begin; piece < end; piece++) {
        size_t first = piece * PIECE;
        size_t left = printing->count - first;
        char *text = printing->text + offset_of(printing->matrix, first);
        size_t length = print_piece(printing, first, first + (left < PIECE ? left : PIECE), text);
        printing->pieces[piece] = (struct reply_piece){.bytes = text, .length = length};
    }
}

static enum problem_kind print_apart(struct call *call, struct printing *printing) {
    size_t pieces = (printing->count - 1) / PIECE + 1;
    printing->text = call_take(call, offset_of(printing->matrix, printing->count));
    printing->pieces = printing->text ? call_take(call, pieces * sizeof *printing->pieces) : NULL;
    if (!printing->pieces) {
        return call->problem.kind;
    }
    if (bulk_deal(call, pieces, print_pieces, printing) == KERNEL_DONE) {
        call->reply_pieces = printing->pieces;
        call->reply_piece_count = pieces;
        call->reply_pieces_at = call->reply.text.length;
    }
    return PROBLEM_NONE;
}

/* Short: into the reply itself. */
static enum problem_kind print_inline(struct call *call, struct printing *printing) {
    struct json_writer *reply = &call->reply;
    size_t most = offset_of(printing->matrix, printing->count);
    text_reserve(&reply->text, most);
    if (json_writer_failed(reply) ||
        reply->text.capacity - reply->text.length < most) { /* near its limit it reserves less */
        return call_memory_short(call, most);
    }
    reply->text.length += print_piece(printing, 0, printing->count, reply->text.data + reply->text.length);
    return PROBLEM_NONE;
}

static void print_empty_rows(struct json_writer *reply, size_t rows) {
    for (size_t i = 0; i < rows && !json_writer_failed(reply); i++) {
        json_begin_array(reply);
        json_end_array(reply);
    }
}

size_t rows_print_bytes(size_t rows, size_t columns) {
    size_t numbers = 0;
    size_t bytes = 0;
    bool fits = !__builtin_mul_overflow(rows, columns, &numbers) &&
                !__builtin_mul_overflow(numbers, (size_t)NUMBER_PRINT_MAX, &bytes) &&
                !__builtin_add_overflow(bytes, 2 * rows, &bytes);
    return fits ? bytes : SIZE_MAX;
}

enum problem_kind rows_print(struct call *call, const char *key, const struct rows_matrix *matrix, unsigned precision,
                             size_t *wrong) {
    struct printing printing = {.matrix = matrix, .count = matrix->rows * matrix->columns, .precision = precision};
    atomic_init(&printing.wrong, printing.count);
    json_key(&call->reply, key);
    json_begin_array(&call->reply);
    if (matrix->columns == 0) {
        print_empty_rows(&call->reply, matrix->rows);
    } else if (printing.count <= PIECE ? print_inline(call, &printing) : print_apart(call, &printing)) {
        return call->problem.kind;
    }
    json_end_array(&call->reply);
    *wrong = atomic_load(&printing.wrong);
    return PROBLEM_NONE;
}
