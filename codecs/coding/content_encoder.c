/* Input goes to the compressor window by window, output into pieces that are taken as they fill. Levels, measured on
 * 9.6 MB of JSON, 500,000 doubles from 0 to 1 printed in full (compressed to, MB/s of input on one thread):
 *
 *     gzip 1  49 %  70      gzip 1, Huffman only  46 %  146      zstd 1  44 %  212      zstd --fast=1  83 %  292
 *     gzip 6  46 %  15                                           zstd 3  48 %   51
 *
 * Digits that look random repeat nothing: all that is saved is that a digit needs less than four bits, and looking for
 * repetitions costs time and even bits. Word lists are the other way round (10 % at 390 MB/s, Huffman only 52 % at
 * 160). So gzip, and deflate with it, tries both on the start of the longest part and goes on with what came out
 * shorter. zstd finds out by itself. The numbers of an .npy answer shrink to 94 %, which is not worth it: coding gives
 * up at 7/8. */
#include "codecs/coding/content_encoder.h"

#include "codecs/coding/zlib_memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <zstd.h>

enum {
    GZIP_FORMAT = 16 + MAX_WBITS, /* how deflateInit2 is told the format */
    DEFLATE_FORMAT = MAX_WBITS,   /* zlib's */
    ZLIB_LEVEL = 1,
    ZLIB_MEMORY_LEVEL = 8,
    ZSTD_LEVEL = 1,
    TRIAL_BYTES = 4096,
    TRIAL_FROM = 16 * TRIAL_BYTES, /* below, the trial costs more than it can save */
    WINDOW_BYTES = 128 << 10,
    PIECE_BYTES = 256 << 10,
    GIVE_UP_EIGHTHS = 7
};

struct encoder {
    enum content_coding coding;
    enum content_effort effort;
    struct memory *memory;
    const _Atomic bool *cancel;
    size_t total; /* of input */
    size_t used;
    z_stream zlib; /* of gzip and deflate */
    ZSTD_CCtx *zstd;
    size_t charged_bytes; /* for what zstd holds */
    struct content_pieces *pieces;
    enum { GOING, GAVE_UP, OUT_OF_MEMORY } state;
};

static bool add_piece(struct encoder *encoder) {
    struct content_pieces *pieces = encoder->pieces;
    if (pieces->count == pieces->list_room) {
        size_t wanted = pieces->list_room > 0 ? 2 * pieces->list_room : 4;
        struct content_piece *list = memory_take(encoder->memory, wanted * sizeof *list);
        if (!list) {
            return false;
        }
        if (pieces->list) {
            memcpy(list, pieces->list, pieces->count * sizeof *list);
        }
        memory_give(encoder->memory, pieces->list, pieces->list_room * sizeof *list);
        pieces->list = list;
        pieces->list_room = wanted;
    }
    /* A small answer gets no more than it can need; a piece too small would only mean one more. */
    size_t left = encoder->total - encoder->used;
    size_t room = left < PIECE_BYTES / 2 ? left + left / 8 + 512 : PIECE_BYTES;
    char *bytes = memory_take(encoder->memory, room);
    if (!bytes) {
        return false;
    }
    pieces->list[pieces->count++] = (struct content_piece){.bytes = bytes, .room = room};
    return true;
}

/* Charges what libzstd took since the last time. */
static bool encoder_account(struct encoder *encoder) {
    size_t held = ZSTD_sizeof_CCtx(encoder->zstd);
    if (held > encoder->charged_bytes) {
        if (!memory_charge(encoder->memory, held - encoder->charged_bytes)) {
            return false;
        }
        encoder->charged_bytes = held;
    }
    return true;
}

/* An empty first call makes libzstd allocate all it will need, so that the charge comes before the use. */
static bool start_zstd(struct encoder *encoder) {
    char none = 0;
    ZSTD_inBuffer in = {.src = &none};
    ZSTD_outBuffer out = {.dst = &none};
    encoder->zstd = ZSTD_createCCtx();
    return encoder->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(encoder->zstd, encoder->total)) &&
           !ZSTD_isError(ZSTD_compressStream2(encoder->zstd, &out, &in, ZSTD_e_continue)) && encoder_account(encoder);
}

static bool encoder_start(struct encoder *encoder) {
    if (encoder->coding == CONTENT_ZSTD) {
        return start_zstd(encoder);
    }
    zlib_memory_init(&encoder->zlib, encoder->memory);
    int format = encoder->coding == CONTENT_GZIP ? GZIP_FORMAT : DEFLATE_FORMAT;
    return deflateInit2(&encoder->zlib, ZLIB_LEVEL, Z_DEFLATED, format, ZLIB_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
}

/* Length of the sample when it is compressed with the strategy; SIZE_MAX if that's more than `piece` has room for. */
static size_t try_strategy(z_stream *stream, int strategy, const struct content_part *sample,
                           const struct content_piece *piece) {
    (void)deflateReset(stream);
    (void)deflateParams(stream, ZLIB_LEVEL, strategy);
    stream->next_in = (const Bytef *)sample->bytes;
    stream->avail_in = (uInt)sample->length;
    stream->next_out = (Bytef *)piece->bytes;
    stream->avail_out = (uInt)piece->room;
    return deflate(stream, Z_FINISH) == Z_STREAM_END ? stream->total_out : SIZE_MAX;
}

/* The longest part is the bulk, the others are what stands around it. */
static void choose_strategy(struct encoder *encoder, const struct content_part *parts, size_t part_count) {
    struct content_part sample = {0};
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].length > sample.length) {
            sample = parts[i];
        }
    }
    if (sample.length > TRIAL_BYTES) {
        sample.length = TRIAL_BYTES;
    }
    const struct content_piece *scratch = encoder->pieces->list;
    size_t huffman = try_strategy(&encoder->zlib, Z_HUFFMAN_ONLY, &sample, scratch);
    size_t matching = try_strategy(&encoder->zlib, Z_DEFAULT_STRATEGY, &sample, scratch);
    (void)deflateReset(&encoder->zlib);
    (void)deflateParams(&encoder->zlib, ZLIB_LEVEL, huffman < matching ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY);
}

static bool encoder_step_zlib(struct encoder *encoder, struct content_part *in, struct content_piece *piece,
                              bool last) {
    z_stream *stream = &encoder->zlib;
    stream->next_in = (const Bytef *)in->bytes;
    stream->avail_in = (uInt)in->length;
    stream->next_out = (Bytef *)piece->bytes + piece->length;
    stream->avail_out = (uInt)(piece->room - piece->length);
    int state = deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
    in->bytes += in->length - stream->avail_in;
    in->length = stream->avail_in;
    piece->length = piece->room - stream->avail_out;
    return last ? state == Z_STREAM_END : in->length == 0;
}

static bool encoder_step_zstd(struct encoder *encoder, struct content_part *in, struct content_piece *piece,
                              bool last) {
    ZSTD_inBuffer from = {.src = in->bytes, .size = in->length};
    ZSTD_outBuffer to = {.dst = piece->bytes, .size = piece->room, .pos = piece->length};
    size_t left = ZSTD_compressStream2(encoder->zstd, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) || !encoder_account(encoder)) {
        encoder->state = OUT_OF_MEMORY; /* the one error there is: the length pledged was right */
        return true;
    }
    in->bytes += from.pos;
    in->length -= from.pos;
    piece->length = to.pos;
    return last ? left == 0 : in->length == 0;
}

/* Feeds one window; `last` ends the stream after it. */
static void feed(struct encoder *encoder, struct content_part in, bool last) {
    struct content_pieces *pieces = encoder->pieces;
    for (bool done = false; !done;) {
        struct content_piece *piece = &pieces->list[pieces->count - 1];
        if (piece->length == piece->room) {
            if (!add_piece(encoder)) {
                encoder->state = OUT_OF_MEMORY;
                return;
            }
            piece = &pieces->list[pieces->count - 1];
        }
        size_t before = piece->length;
        done = encoder->coding != CONTENT_ZSTD ? encoder_step_zlib(encoder, &in, piece, last)
                                               : encoder_step_zstd(encoder, &in, piece, last);
        pieces->length += piece->length - before;
    }
}

/* Up to the stream's end, out of memory or reason to give up. */
static void encoder_run(struct encoder *encoder, const struct content_part *parts, size_t part_count) {
    for (size_t i = 0; i < part_count; i++) {
        struct content_part rest = parts[i];
        while (rest.length > 0 && encoder->state == GOING) {
            size_t length = rest.length < WINDOW_BYTES ? rest.length : WINDOW_BYTES;
            feed(encoder, (struct content_part){.bytes = rest.bytes, .length = length}, false);
            rest.bytes += length;
            rest.length -= length;
            encoder->used += length;
            bool pointless = encoder->effort == CONTENT_IF_SMALLER && encoder->used >= WINDOW_BYTES &&
                             encoder->pieces->length > encoder->used / 8 * GIVE_UP_EIGHTHS;
            if (encoder->state == GOING &&
                (pointless || (encoder->cancel && atomic_load_explicit(encoder->cancel, memory_order_relaxed)))) {
                encoder->state = GAVE_UP;
            }
        }
    }
    if (encoder->state == GOING) {
        feed(encoder, (struct content_part){.bytes = ""}, true);
    }
    if (encoder->state == GOING && encoder->effort == CONTENT_IF_SMALLER &&
        encoder->pieces->length > encoder->total / 8 * GIVE_UP_EIGHTHS) {
        encoder->state = GAVE_UP;
    }
}

static void encoder_stop(struct encoder *encoder) {
    (void)deflateEnd(&encoder->zlib); /* does nothing to a stream that wasn't started */
    ZSTD_freeCCtx(encoder->zstd);
    memory_refund(encoder->memory, encoder->charged_bytes);
}

enum problem_kind content_encode(enum content_coding coding, enum content_effort effort,
                                 const struct content_part *parts, size_t part_count, struct memory *memory,
                                 const _Atomic bool *cancel, struct content_pieces *out, struct problem *problem) {
    struct encoder encoder = {
        .coding = coding, .effort = effort, .memory = memory, .cancel = cancel, .pieces = out, .state = OUT_OF_MEMORY};
    *out = (struct content_pieces){.memory = memory};
    for (size_t i = 0; i < part_count; i++) {
        encoder.total += parts[i].length;
    }
    if (encoder_start(&encoder) && add_piece(&encoder)) {
        encoder.state = GOING;
        if (coding != CONTENT_ZSTD && encoder.total >= TRIAL_FROM) {
            choose_strategy(&encoder, parts, part_count);
        }
        encoder_run(&encoder, parts, part_count);
    }
    encoder_stop(&encoder);
    if (encoder.state != GOING) {
        content_pieces_free(out);
    }
    if (encoder.state == OUT_OF_MEMORY) {
        return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "there is no memory to code the answer as %s",
                           content_coding_name(coding));
    }
    return PROBLEM_NONE;
}

void content_pieces_free(struct content_pieces *pieces) {
    for (size_t i = 0; i < pieces->count; i++) {
        memory_give(pieces->memory, pieces->list[i].bytes, pieces->list[i].room);
    }
    if (pieces->list) {
        memory_give(pieces->memory, pieces->list, pieces->list_room * sizeof *pieces->list);
    }
    *pieces = (struct content_pieces){0};
}
