/* A piece's place in the text is known before it is printed: that of its first number when all before it have
 * NUMBER_PRINT_MAX bytes, and each row's brackets. Pieces have so many numbers, wherever rows end. */
#include "handlers/array_reply.h"

#include "codecs/numbers/number_print.h"
#include "codecs/numbers/number_text.h"
#include "handlers/deal.h"
#include "handlers/named.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Numbers printed at a time: about 80 kB of text, 0.03 to 0.09 ms. Up to that many go straight into the reply. */
enum { PIECE = 4096 };

/* Random doubles in [0, 1), one thread: 19 ns in full where they are printed one by one, 24 where they are rounded, and
 * 6 where they are printed in blocks (bench/codecs). */
enum { PRINT_NUMBER_NS = 22 };

/* As many are printed at once, in 2 ms. */
enum { EMPTIES_MAX = 65536 };

struct printing {
    const struct operand *array;
    unsigned depth;                         /* brackets within the outer ones */
    size_t lengths[NPY_DIMENSIONS_MAX - 1]; /* numbers in those of each depth; the last ones are rows */
    unsigned precision;
    char *text;
    struct reply_piece *pieces;
    atomic_size_t wrong; /* index of the first number that isn't finite */
};

static struct printing printing_of(const struct operand *array, unsigned precision) {
    struct printing printing = {
        .array = array, .precision = precision, .depth = array->dimensions > 0 ? array->dimensions - 1 : 0};
    size_t length = 1;
    for (unsigned i = printing.depth; i-- > 0;) {
        length *= array->shape[i + 1];
        printing.lengths[i] = length;
    }
    atomic_init(&printing.wrong, array->count);
    return printing;
}

/* Most bytes of all before the number of that index: the brackets begun and ended. */
static size_t offset_of(const struct printing *printing, size_t index) {
    size_t bytes = index * NUMBER_PRINT_MAX;
    for (unsigned i = 0; i < printing->depth; i++) {
        size_t ended = index / printing->lengths[i];
        bytes += 2 * ended + (index % printing->lengths[i] > 0);
    }
    return bytes;
}

/* The same for what is no float. */
static size_t print_whole(const struct operand *array, size_t index, size_t count, bool continues, char *out) {
    char *at = out;
    for (size_t i = index; i < index + count; i++) {
        *at = ',';
        at += continues || i > index;
        if (array->dtype == NPY_BOOL) {
            bool is_true = ((const uint8_t *)array->values)[i];
            memcpy(at, is_true ? "true" : "false", is_true ? 4 : 5);
            at += is_true ? 4 : 5;
        } else {
            int64_t value = ((const int64_t *)array->values)[i];
            *at = '-';
            at += value < 0;
            at += number_text_unsigned(value < 0 ? -(uint64_t)value : (uint64_t)value, at);
        }
    }
    return (size_t)(at - out);
}

/* Numbers of one row, from `index` on. Returns how many bytes they took. */
static size_t print_numbers(struct printing *printing, size_t index, size_t count, bool continues, char *out) {
    const struct operand *array = printing->array;
    const double *values = (const double *)array->values + index;
    double wide[PIECE];
    if (array->dtype == NPY_INT64 || array->dtype == NPY_BOOL) {
        return print_whole(array, index, count, continues, out);
    }
    if (array->dtype == NPY_FLOAT32) {
        npy_doubles(wide, (const char *)array->values + index * sizeof(float), NPY_FLOAT32, count);
        values = wide;
    }
    size_t length = 0;
    size_t printed =
        number_print_piece(values, count, printing->precision, continues, out, count * NUMBER_PRINT_MAX, &length);
    if (printed < count) {
        deal_note_first(&printing->wrong, index + printed);
    }
    return length;
}

/* Brackets around rows that begin, or end, at the index. */
static char *print_outer(const struct printing *printing, size_t index, char bracket, char *at) {
    for (unsigned i = printing->depth - 1; i > 0 && index % printing->lengths[i - 1] == 0; i--) {
        *at++ = bracket;
    }
    return at;
}

/* Numbers `first` … `end` - 1, at most PIECE, with the brackets at their rows' ends. Returns how many bytes they took.
 */
static size_t print_rows(struct printing *printing, size_t first, size_t end, char *out) {
    size_t columns = printing->lengths[printing->depth - 1];
    char *at = out;
    while (first < end) {
        size_t column = first % columns;
        size_t left = columns - column;
        size_t count = left < end - first ? left : end - first;
        if (column == 0) {
            *at = ',';
            at += first > 0;
            at = print_outer(printing, first, '[', at);
            *at++ = '[';
        }
        at += print_numbers(printing, first, count, column > 0, at);
        if (count == left) {
            *at++ = ']';
            at = print_outer(printing, first + count, ']', at);
        }
        first += count;
    }
    return (size_t)(at - out);
}

static size_t print_piece(struct printing *printing, size_t first, size_t end, char *out) {
    return printing->depth > 0 ? print_rows(printing, first, end, out)
                               : print_numbers(printing, first, end - first, first > 0, out);
}

static void print_pieces(void *context, size_t begin, size_t end) {
    struct printing *printing = context;
    for (size_t piece = begin; piece < end; piece++) {
        size_t first = piece * PIECE;
        size_t left = printing->array->count - first;
        char *text = printing->text + offset_of(printing, first);
        size_t length = print_piece(printing, first, first + (left < PIECE ? left : PIECE), text);
        printing->pieces[piece] = (struct reply_piece){.bytes = text, .length = length};
    }
}

static enum problem_kind print_apart(struct call *call, struct printing *printing) {
    size_t pieces = (printing->array->count - 1) / PIECE + 1;
    printing->text = call_take(call, offset_of(printing, printing->array->count));
    printing->pieces = printing->text ? call_take(call, pieces * sizeof *printing->pieces) : NULL;
    if (!printing->pieces) {
        return call->problem.kind;
    }
    if (deal_pieces(call, pieces, print_pieces, printing) == KERNEL_DONE) {
        call->reply_pieces = printing->pieces;
        call->reply_piece_count = pieces;
        call->reply_pieces_at = call->reply.text.length;
    }
    return PROBLEM_NONE;
}

/* Short: into the reply itself. */
static enum problem_kind print_inline(struct call *call, struct printing *printing) {
    struct text *reply = &call->reply.text;
    size_t most = offset_of(printing, printing->array->count);
    text_reserve(reply, most);
    if (text_failed(reply) || reply->capacity - reply->length < most) { /* near its limit it reserves less */
        return call_memory_short(call, most);
    }
    reply->length += print_piece(printing, 0, printing->array->count, reply->data + reply->length);
    return PROBLEM_NONE;
}

/* Without numbers: the brackets of the dimensions before the first that is 0, and those of that. */
static enum problem_kind print_nothing(struct call *call, const struct operand *array) {
    struct json_writer *reply = &call->reply;
    size_t lengths[NPY_DIMENSIONS_MAX] = {1};
    size_t count = 1;
    unsigned depth = 0;
    while (array->shape[depth] > 0) {
        depth++;
    }
    for (unsigned i = depth; i-- > 0;) {
        lengths[i] = count;
        count = array->shape[i] <= EMPTIES_MAX ? count * array->shape[i] : EMPTIES_MAX + 1;
        if (count > EMPTIES_MAX) {
            return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, NULL,
                               "more than %d empty arrays aren't written in JSON; Accept: application/x-npy gets them",
                               EMPTIES_MAX);
        }
    }
    for (size_t i = 0; i < count && depth > 0 && !json_writer_failed(reply); i++) {
        for (unsigned k = 0; k < depth; k++) {
            if (i % lengths[k] == 0) {
                json_begin_array(reply);
            }
        }
        for (unsigned k = 0; k < depth; k++) {
            if ((i + 1) % lengths[k] == 0) {
                json_end_array(reply);
            }
        }
    }
    return PROBLEM_NONE;
}

uint64_t array_reply_cost_ns(size_t count) {
    return PRINT_NUMBER_NS * (uint64_t)count;
}

size_t array_reply_bytes(size_t rows, size_t columns) {
    size_t numbers = 0;
    size_t bytes = 0;
    bool fits = !__builtin_mul_overflow(rows, columns, &numbers) &&
                !__builtin_mul_overflow(numbers, (size_t)NUMBER_PRINT_MAX, &bytes) &&
                !__builtin_add_overflow(bytes, 2 * rows, &bytes);
    return fits ? bytes : SIZE_MAX;
}

static enum problem_kind print_one(struct call *call, struct printing *printing) {
    enum problem_kind kind = print_inline(call, printing);
    call->reply.comma_due = true;
    return kind;
}

enum problem_kind array_reply_bare(struct call *call, const struct operand *array, unsigned precision, size_t *wrong) {
    struct printing printing = printing_of(array, precision);
    if (array->dimensions == 0) {
        enum problem_kind kind = print_one(call, &printing);
        *wrong = atomic_load(&printing.wrong);
        return kind;
    }
    json_begin_array(&call->reply);
    enum problem_kind kind = array->count == 0       ? print_nothing(call, array)
                             : array->count <= PIECE ? print_inline(call, &printing)
                                                     : print_apart(call, &printing);
    if (kind) {
        return kind;
    }
    json_end_array(&call->reply);
    *wrong = atomic_load(&printing.wrong);
    return PROBLEM_NONE;
}

enum problem_kind array_reply_json(struct call *call, const char *key, const struct operand *array, unsigned precision,
                                   size_t *wrong) {
    if (named_is_wanted(call)) {
        *wrong = array->count;
        return named_keep(call, array);
    }
    json_key(&call->reply, key);
    return array_reply_bare(call, array, precision, wrong);
}

enum problem_kind array_reply_refuse(struct call *call, const char *pointer, const struct operand *array,
                                     size_t wrong) {
    double value = 0;
    char whole[sizeof call->problem.pointer];
    char place[NPY_INDEX_MAX];
    npy_doubles(&value, (const char *)array->values + wrong * npy_number_bytes(array->dtype), array->dtype, 1);
    npy_print_index(array->shape, array->dimensions, wrong, "/", place);
    (void)snprintf(whole, sizeof whole, "%s%s%s", pointer, array->dimensions > 0 ? "/" : "", place);
    return problem_set(&call->problem, PROBLEM_NON_FINITE_RESULT, whole,
                       "element %zu is %s, which JSON doesn't have; Accept: application/x-npy gets it", wrong,
                       isnan(value) ? "NaN" : "infinite");
}

enum problem_kind array_reply_npy(struct call *call, const struct operand *array) {
    if (named_is_wanted(call)) {
        return named_keep(call, array);
    }
    size_t bytes = array->count * npy_number_bytes(array->dtype);
    struct reply_piece *pieces = call_take(call, 2 * sizeof *pieces);
    bool is_one = array->has_head_room;
    char *head = is_one ? (char *)array->values - NPY_HEAD_WRITTEN : call_take(call, NPY_HEAD_WRITTEN);
    if (!pieces || !head) {
        return call->problem.kind;
    }
    npy_write_head(head, array->dtype, array->dimensions, array->shape);
    pieces[0] = (struct reply_piece){.bytes = head, .length = NPY_HEAD_WRITTEN + (is_one ? bytes : 0)};
    pieces[1] = (struct reply_piece){.bytes = array->values, .length = bytes};
    call->reply_pieces = pieces;
    call->reply_piece_count = is_one ? 1 : 2;
    return PROBLEM_NONE;
}
