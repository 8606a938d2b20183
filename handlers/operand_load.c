/* Numbers and texts on their way to the kernel, read by the call's team. The codecs know how a piece is read
 * (codecs/numbers/number_array.h, codecs/json/json_text.h); here the pieces are dealt out. */
#include "codecs/json/json_text.h"
#include "codecs/numbers/number_rows.h"
#include "handlers/deal.h"
#include "handlers/named.h"
#include "handlers/operand.h"

#include <stdint.h>
#include <string.h>

/* Text that a thread reads at least: 20 us with few escapes, 100 with many (bench/codecs). */
enum { TEXT_PIECE_BYTES = 128 * 1024 };

/* New memory for the values, with room for a .npy head. False without memory. */
static bool take_values(struct call *call, struct operand *operand) {
    if (operand->is_kept) {
        return !named_take(call, operand);
    }
    char *block = call_take(call, NPY_HEAD_WRITTEN + operand->count * npy_number_bytes(operand->dtype));
    operand->values = block ? block + NPY_HEAD_WRITTEN : NULL;
    operand->writable = true;
    operand->has_head_room = true;
    return operand->values;
}

/* --- numbers and rows in JSON ------------------------------------------------------------------------------------ */

struct reading {
    const struct operand *operand;
    atomic_size_t first_wrong; /* piece: of several mistakes the first is named, whoever finds his first */
};

static void read_pieces(void *context, size_t begin, size_t end) {
    struct reading *reading = context;
    const struct operand *operand = reading->operand;
    for (size_t piece = begin; piece < end; piece++) {
        size_t index = operand->index[piece];
        double *values = (double *)operand->values + index;
        if (operand->source == OPERAND_ROWS
                ? !number_rows_parse(&operand->array, piece, operand->shape[1], index, values)
                : !number_array_parse(&operand->array, piece, values)) {
            deal_note_first(&reading->first_wrong, piece);
        }
    }
}

/* Which row is wrong shows when all before it are right: the first is sought once more from the start. That the body
 * isn't JSON comes first, wherever it shows. */
static enum problem_kind refuse_rows(struct call *call, const struct operand *operand) {
    if (envelope_check_bulk(&call->envelope, call->body.length, call->progress.cancel, &call->problem)) {
        return call->problem.kind;
    }
    return number_rows_refuse(&operand->array, operand->shape[1], operand->name, call->progress.cancel, &call->problem);
}

enum problem_kind operand_load_numbers(struct call *call, struct operand *operand) {
    struct reading reading = {.operand = operand, .first_wrong = SIZE_MAX};
    if (!take_values(call, operand)) {
        return call->problem.kind;
    }
    if (deal_pieces(call, operand->array.piece_count, read_pieces, &reading) == KERNEL_CANCELLED) {
        return PROBLEM_NONE; /* the server knows why it set the flag */
    }
    size_t wrong = atomic_load(&reading.first_wrong);
    if (wrong == SIZE_MAX) {
        return PROBLEM_NONE;
    }
    if (operand->source == OPERAND_ROWS) {
        return refuse_rows(call, operand);
    }
    enum problem_kind kind = number_array_refuse(&operand->array, wrong, &call->problem);
    envelope_name_overflow(operand->name, &call->problem);
    return kind;
}

/* --- .npy -------------------------------------------------------------------------------------------------------- */

static void convert_pieces(void *context, size_t begin, size_t end) {
    struct reading *reading = context;
    const struct operand *operand = reading->operand;
    for (size_t piece = begin; piece < end; piece++) {
        if (!npy_read_piece(&operand->head, operand->data, piece, operand->dtype, operand->values)) {
            deal_note_first(&reading->first_wrong, piece);
        }
    }
}

static enum problem_kind convert(struct call *call, struct operand *operand) {
    struct reading reading = {.operand = operand, .first_wrong = SIZE_MAX};
    if (!take_values(call, operand)) {
        return call->problem.kind;
    }
    if (deal_pieces(call, npy_piece_count(&operand->head), convert_pieces, &reading) == KERNEL_CANCELLED) {
        return PROBLEM_NONE; /* the server knows why it set the flag */
    }
    size_t wrong = atomic_load(&reading.first_wrong);
    return wrong == SIZE_MAX ? PROBLEM_NONE
                             : npy_refuse_piece(&operand->head, operand->data, wrong, operand->name,
                                                call->progress.cancel, &call->problem);
}

/* Aligned numbers are used where they lie. Others are moved over their own head, which is longer than any number; where
 * others hold the bytes as well, to new memory. */
static enum problem_kind align(struct call *call, struct operand *operand) {
    const struct payload *payload = operand->payload;
    size_t bytes = operand->count * npy_number_bytes(operand->dtype);
    size_t shift = (uintptr_t)operand->data % npy_number_bytes(operand->dtype);
    size_t offset = (size_t)(operand->data - payload->bytes) - shift;
    operand->writable = payload_is_writable(payload);
    operand->has_head_room = operand->writable && offset >= NPY_HEAD_WRITTEN;
    if (shift > 0 && !operand->writable) {
        if (!take_values(call, operand)) {
            return call->problem.kind;
        }
        memcpy(operand->values, operand->data, bytes);
        return PROBLEM_NONE;
    }
    operand->values = payload->bytes + offset;
    if (shift > 0) {
        memmove(operand->values, operand->data, bytes);
    }
    return PROBLEM_NONE;
}

static enum problem_kind load_npy(struct call *call, struct operand *operand) {
    return npy_is_plain(&operand->head, operand->dtype) ? align(call, operand) : convert(call, operand);
}

/* --- all of a call ----------------------------------------------------------------------------------------------- */

static struct operand *find_named(struct operand *const operands[OPERANDS_MAX], const char *name) {
    for (size_t i = 0; operands[i]; i++) {
        if (strcmp(operands[i]->name, name) == 0) {
            return operands[i];
        }
    }
    return NULL;
}

enum problem_kind operands_load(struct call *call, struct operand *const operands[OPERANDS_MAX]) {
    for (size_t i = 0; operands[i]; i++) {
        if (operands[i]->source == OPERAND_NPY && load_npy(call, operands[i])) {
            return call->problem.kind;
        }
    }
    for (size_t i = 0; i < call->envelope.span_count; i++) {
        struct operand *operand = find_named(operands, envelope_span_at(&call->envelope, i)->field->name);
        if (operand && operand_load_numbers(call, operand)) {
            return call->problem.kind;
        }
    }
    if (call->order->body_media == MEDIA_JSON) {
        payload_drop(&call->body);
    }
    return PROBLEM_NONE;
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

struct text_reading {
    char *body;
    const atomic_bool *cancel;
    struct operand_text *text;
    struct json_span spans[OPERAND_TEXT_PIECES_MAX];
    struct problem problems[OPERAND_TEXT_PIECES_MAX];
};

static void read_text_pieces(void *context, size_t begin, size_t end) {
    struct text_reading *reading = context;
    for (size_t i = begin; i < end; i++) {
        enum problem_kind found = json_text_read(reading->body, &reading->spans[i], reading->cancel,
                                                 &reading->text->pieces[i], &reading->problems[i]);
        (void)found; /* who joins the pieces looks at them in order */
    }
}

/* So many pieces that each is worth a hand-over. */
static size_t count_text_pieces(const struct call *call, size_t length) {
    size_t count = length / TEXT_PIECE_BYTES;
    count = count < call->team->threads ? count : call->team->threads;
    return count < 1 ? 1 : count < OPERAND_TEXT_PIECES_MAX ? count : OPERAND_TEXT_PIECES_MAX;
}

/* Texts without escapes stay where they are, as one. */
static enum problem_kind join_text(struct call *call, const struct json_span *span, const struct text_reading *reading,
                                   size_t count) {
    struct operand_text *text = reading->text;
    const struct problem *problem = &reading->problems[0];
    while (!problem->kind && problem < &reading->problems[count - 1]) {
        problem++;
    }
    text->count = count;
    if (!span->has_escape) {
        text->count = 1;
        text->pieces[0].length = span->end - span->begin;
    }
    if (problem->kind) {
        call->problem = *problem;
    }
    return call->problem.kind;
}

/* Where escapes may be resolved: the body, or a copy of it, in which everything has the same offset. */
static char *find_room_to_unescape(struct call *call, const struct operand *operand) {
    const struct payload *body = operand->payload;
    if (!operand->span->has_escape || payload_is_writable(body)) {
        return body->bytes;
    }
    char *copy = call_take(call, body->length);
    if (copy) {
        memcpy(copy, body->bytes, body->length);
    }
    return copy;
}

enum problem_kind operand_load_text(struct call *call, const struct operand *operand, struct operand_text *text) {
    const struct json_span *span = operand->span;
    if (operand->is_shared) {
        *text = operand_find_shared(call, operand->name)->text;
        return PROBLEM_NONE;
    }
    text->count = 1;
    if (operand->data) {
        text->pieces[0] = (struct text_view){operand->data, operand->count};
        return PROBLEM_NONE;
    }
    if (!span) {
        return document_text(call->document, operand->name, &text->pieces[0], &call->problem);
    }
    size_t count = count_text_pieces(call, operand->count);
    struct text_reading reading; /* cleared as far as it is used: all of it takes longer than to read a short text */
    reading.body = find_room_to_unescape(call, operand);
    reading.cancel = call->progress.cancel;
    reading.text = text;
    memset(reading.problems, 0, count * sizeof reading.problems[0]);
    if (!reading.body) {
        return call->problem.kind;
    }
    json_text_cut(reading.body, span, count, reading.spans);
    if (deal_pieces(call, count, read_text_pieces, &reading) == KERNEL_CANCELLED) {
        return PROBLEM_NONE; /* the server knows why it set the flag */
    }
    return join_text(call, span, &reading, count);
}

/* --- results ----------------------------------------------------------------------------------------------------- */

enum problem_kind operand_result(struct call *call, const struct operand *const *over, struct operand *result) {
    result->count = 1;
    for (unsigned i = 0; i < result->dimensions; i++) {
        result->count *= result->shape[i];
    }
    if (named_is_wanted(call)) {
        return named_take(call, result);
    }
    for (; *over; over++) {
        const struct operand *operand = *over;
        if (operand->writable && operand->dtype == result->dtype && operand->count == result->count) {
            result->values = operand->values;
            result->writable = true;
            result->has_head_room = operand->has_head_room;
            return PROBLEM_NONE;
        }
    }
    return take_values(call, result) ? PROBLEM_NONE : call->problem.kind;
}
