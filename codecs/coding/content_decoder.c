/* gzip and deflate are zlib's, whose memory comes from the request's. A deflate body with zlib's header begins with two
 * bytes that say so; no compressor writes them at the start of one without (they would be a stored block with bits set
 * that are padding). So the first byte is kept until the second has come.
 *
 * libzstd allocates for itself: what it holds is charged right after it grew. It grows at the start of a frame, by the
 * window that the frame's header asks for; so header bytes are fed one at a time and the charge is made before the
 * window has been written to, apart from the first block. A window above the limit is refused before it's allocated.
 *
 * zstd's magic number is checked here as well: libzstd would decode frames of its formats before 1.0, which aren't the
 * "zstd" coding, and whose windows it doesn't limit. A mistake's place is where the section (a block, a checksum)
 * begins that libzstd was fed when it refused: it doesn't tell more, and sections are the same however the body
 * arrives. */
#include "codecs/coding/content_decoder.h"

#include "codecs/coding/zlib_memory.h"

#include <limits.h>
#include <stdint.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    GZIP_ONLY = 16 + MAX_WBITS, /* how inflateInit2 is told the format */
    ZLIB_ONLY = MAX_WBITS,
    DEFLATE_ONLY = -MAX_WBITS,
    ZSTD_WINDOW_LOG_MAX = 23,
    ZSTD_MAGIC_BYTES = 4,
    ZSTD_HEADER_MAX = 18,
    START_BYTES = 4
};

static const uint32_t zstd_magic = 0xFD2FB528;
static const uint32_t zstd_magic_skippable = 0x184D2A50; /* to …5F */

struct content_decoder {
    enum content_coding coding;
    struct memory *memory;
    uint64_t used_bytes;     /* of input */
    char start[START_BYTES]; /* its first ones, as far as they were used */
    bool open;               /* inside a gzip member, deflate stream or zstd frame */
    bool ended;              /* one ended */
    bool pending;            /* the last output was filled, there may be more */
    z_stream zlib;           /* of gzip and deflate */
    enum { DEFLATE_UNSEEN, DEFLATE_FIRST_SEEN, DEFLATE_WITH_HEADER, DEFLATE_BARE } format;
    unsigned char first; /* byte of a deflate body, once seen */
    ZSTD_DStream *zstd;
    size_t charged_bytes;   /* for what zstd holds */
    size_t frame_bytes;     /* fed of the frame's header, counted up to ZSTD_HEADER_MAX */
    uint32_t frame_magic;   /* as far as fed */
    size_t section_left;    /* what libzstd asked for and hasn't been fed yet */
    uint64_t section_start; /* where that began */
};

/* What it looks like, where that is something else than was announced: a client that names the wrong coding, or folds
 * nothing. */
static const char *looks_like(const struct content_decoder *decoder) {
    size_t known = decoder->used_bytes < START_BYTES ? (size_t)decoder->used_bytes : START_BYTES;
    enum content_coding coding = content_coding_of(decoder->start, known);
    if (decoder->ended || known == 0 || coding == decoder->coding) {
        return NULL;
    }
    if (known == 1 && decoder->start[0] == '\x1F') {
        return content_coding_name(CONTENT_GZIP); /* zstd has been refused by its first byte */
    }
    if (decoder->start[0] == '{' || decoder->start[0] == '[') {
        return "JSON that isn't compressed";
    }
    return coding != CONTENT_IDENTITY ? content_coding_name(coding) : NULL;
}

static enum problem_kind refuse_at(const struct content_decoder *decoder, uint64_t place, const char *why,
                                   struct problem *problem) {
    bool is_bare = decoder->coding == CONTENT_DEFLATE && decoder->format == DEFLATE_BARE;
    const char *other = looks_like(decoder);
    return problem_set(problem, PROBLEM_INVALID_ENCODING, NULL, "at byte %llu of the %s body: %s%s%s",
                       (unsigned long long)place, content_coding_name(decoder->coding), why,
                       other     ? "; it looks like "
                       : is_bare ? " (it has no zlib header, so it is read without)"
                                 : "",
                       other ? other : "");
}

static enum problem_kind decoder_refuse(const struct content_decoder *decoder, const char *why,
                                        struct problem *problem) {
    return refuse_at(decoder, decoder->used_bytes, why, problem);
}

static enum problem_kind run_short(const struct content_decoder *decoder, struct problem *problem) {
    return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "there is no memory to decode the %s body",
                       content_coding_name(decoder->coding));
}

static void advance(struct content_decoder *decoder, struct content_io *io, size_t used, size_t written) {
    for (size_t i = 0; i < used && decoder->used_bytes + i < START_BYTES; i++) {
        decoder->start[decoder->used_bytes + i] = io->in[i];
    }
    io->in += used;
    io->in_length -= used;
    io->out += written;
    io->out_room -= written;
    decoder->used_bytes += used;
}

static void end_unit(struct content_decoder *decoder) {
    decoder->open = false;
    decoder->pending = false;
    decoder->ended = true;
}

/* Charges or refunds what libzstd took or gave since the last time. */
static bool decoder_account(struct content_decoder *decoder) {
    size_t held = ZSTD_sizeof_DStream(decoder->zstd);
    if (held > decoder->charged_bytes && !memory_charge(decoder->memory, held - decoder->charged_bytes)) {
        return false;
    }
    if (held < decoder->charged_bytes) {
        memory_refund(decoder->memory, decoder->charged_bytes - held);
    }
    decoder->charged_bytes = held;
    return true;
}

static bool decoder_start(struct content_decoder *decoder) {
    if (decoder->coding != CONTENT_ZSTD) {
        zlib_memory_init(&decoder->zlib, decoder->memory);
        return inflateInit2(&decoder->zlib, decoder->coding == CONTENT_GZIP ? GZIP_ONLY : ZLIB_ONLY) == Z_OK;
    }
    decoder->zstd = ZSTD_createDStream();
    return decoder->zstd && decoder_account(decoder) &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
}

enum problem_kind content_decoder_new(enum content_coding coding, struct memory *memory, struct content_decoder **out,
                                      struct problem *problem) {
    struct content_decoder fresh = {.coding = coding, .memory = memory};
    *out = NULL;
    struct content_decoder *decoder = memory_take(memory, sizeof *decoder);
    if (!decoder) {
        return run_short(&fresh, problem);
    }
    *decoder = fresh;
    if (!decoder_start(decoder)) {
        content_decoder_free(decoder);
        return run_short(&fresh, problem);
    }
    *out = decoder;
    return PROBLEM_NONE;
}

static uInt clamp(size_t length) {
    return length < UINT_MAX ? (uInt)length : UINT_MAX;
}

/* What zlib says of bytes that it refuses. */
static enum problem_kind refuse_zlib(const struct content_decoder *decoder, int state, struct problem *problem) {
    const char *why = decoder->zlib.msg ? decoder->zlib.msg : "it is not what was announced";
    if (state == Z_NEED_DICT) {
        return decoder_refuse(decoder, "it needs a preset dictionary", problem);
    }
    return decoder_refuse(decoder, why, problem);
}

static enum problem_kind decoder_step_zlib(struct content_decoder *decoder, struct content_io *io,
                                           struct problem *problem) {
    z_stream *stream = &decoder->zlib;
    uInt in_length = clamp(io->in_length);
    uInt out_room = clamp(io->out_room);
    stream->next_in = (z_const Bytef *)io->in;
    stream->avail_in = in_length;
    stream->next_out = (Bytef *)io->out;
    stream->avail_out = out_room;
    int state = inflate(stream, Z_NO_FLUSH);
    advance(decoder, io, in_length - stream->avail_in, out_room - stream->avail_out);
    decoder->open = true;
    decoder->pending = stream->avail_out == 0;
    switch (state) {
    case Z_OK:
    case Z_BUF_ERROR: /* nothing was pending after all */
        return PROBLEM_NONE;
    case Z_STREAM_END:
        end_unit(decoder);
        (void)inflateReset(stream); /* fails only for a stream that isn't one */
        return PROBLEM_NONE;
    case Z_MEM_ERROR:
        return run_short(decoder, problem);
    default:
        return refuse_zlib(decoder, state, problem);
    }
}

/* Is this how the zlib format begins: deflate, a window of at most 32 KiB, and a sum that fits (RFC 1950, 2.2)? */
static bool is_zlib_header(unsigned char first, unsigned char second) {
    return first % 16 == Z_DEFLATED && first / 16 <= MAX_WBITS - 8 && (first * 256 + second) % 31 == 0;
}

static void keep_first(struct content_decoder *decoder, struct content_io *io) {
    decoder->first = (unsigned char)*io->in;
    decoder->format = DEFLATE_FIRST_SEEN;
    decoder->open = true;
    advance(decoder, io, 1, 0);
}

/* With the second byte there: chooses the format, and feeds the first. */
static void choose_format(struct content_decoder *decoder, unsigned char second) {
    z_stream *stream = &decoder->zlib;
    bool has_header = is_zlib_header(decoder->first, second);
    decoder->format = has_header ? DEFLATE_WITH_HEADER : DEFLATE_BARE;
    (void)inflateReset2(stream, has_header ? ZLIB_ONLY : DEFLATE_ONLY); /* fails only for a stream that isn't one */
}

static enum problem_kind decoder_step_deflate(struct content_decoder *decoder, struct content_io *io,
                                              struct problem *problem) {
    if (decoder->ended) {
        return refuse_at(decoder, decoder->used_bytes + 1, "there is something behind its end", problem);
    }
    if (decoder->format == DEFLATE_UNSEEN) {
        keep_first(decoder, io);
        return PROBLEM_NONE;
    }
    if (decoder->format == DEFLATE_FIRST_SEEN) {
        struct content_io first = {(const char *)&decoder->first, 1, io->out, io->out_room}; /* gives nothing yet */
        choose_format(decoder, (unsigned char)*io->in);
        decoder->used_bytes--;
        if (decoder_step_zlib(decoder, &first, problem)) {
            return problem->kind;
        }
    }
    return decoder_step_zlib(decoder, io, problem);
}

/* May a frame start with the first `count` bytes (1 to 4) of `magic`? */
static bool is_magic(uint32_t magic, size_t count) {
    uint32_t mask = UINT32_MAX >> (32 - 8 * count);
    return ((magic ^ zstd_magic) & mask) == 0 || ((magic ^ zstd_magic_skippable) & mask & ~UINT32_C(15)) == 0;
}

static enum problem_kind refuse_zstd(const struct content_decoder *decoder, size_t state, struct problem *problem) {
    switch (ZSTD_getErrorCode(state)) {
    case ZSTD_error_memory_allocation:
        return run_short(decoder, problem);
    case ZSTD_error_frameParameter_windowTooLarge:
        return decoder_refuse(decoder, "the frame needs a window of more than 8 MiB", problem);
    default:
        return refuse_at(decoder, decoder->section_start + 1, ZSTD_getErrorName(state), problem);
    }
}

static enum problem_kind decoder_step_zstd(struct content_decoder *decoder, struct content_io *io,
                                           struct problem *problem) {
    bool header = io->in_length > 0 && decoder->frame_bytes < ZSTD_HEADER_MAX;
    uint32_t magic = decoder->frame_magic;
    if (header && decoder->frame_bytes < ZSTD_MAGIC_BYTES) {
        magic |= (uint32_t)(unsigned char)io->in[0] << (8 * decoder->frame_bytes);
        if (!is_magic(magic, decoder->frame_bytes + 1)) {
            advance(decoder, io, 1, 0);
            return decoder_refuse(decoder, "no zstd frame starts here", problem);
        }
    }
    size_t section = header ? 1 : decoder->section_left;
    ZSTD_inBuffer in = {.src = io->in, .size = section < io->in_length ? section : io->in_length};
    ZSTD_outBuffer out = {.dst = io->out, .size = io->out_room};
    size_t state = ZSTD_decompressStream(decoder->zstd, &out, &in);
    if (ZSTD_isError(state)) {
        return refuse_zstd(decoder, state, problem);
    }
    if (!decoder_account(decoder)) {
        return run_short(decoder, problem);
    }
    if (header && in.pos > 0) {
        decoder->frame_magic = magic;
        decoder->frame_bytes++;
    }
    decoder->open = true;
    decoder->pending = out.pos == out.size;
    advance(decoder, io, in.pos, out.pos);
    decoder->section_left = in.pos < section ? section - in.pos : state;
    decoder->section_start = in.pos < section ? decoder->section_start : decoder->used_bytes;
    if (state == 0) {
        end_unit(decoder);
        decoder->frame_bytes = 0;
        decoder->frame_magic = 0;
    }
    return PROBLEM_NONE;
}

static enum problem_kind decoder_step(struct content_decoder *decoder, struct content_io *io, struct problem *problem) {
    switch (decoder->coding) {
    case CONTENT_DEFLATE:
        return decoder_step_deflate(decoder, io, problem);
    case CONTENT_ZSTD:
        return decoder_step_zstd(decoder, io, problem);
    default:
        return decoder_step_zlib(decoder, io, problem);
    }
}

enum problem_kind content_decode(struct content_decoder *decoder, struct content_io *io, struct problem *problem) {
    while (io->out_room > 0 && (io->in_length > 0 || decoder->pending)) {
        if (decoder_step(decoder, io, problem)) {
            return problem->kind;
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind content_decoder_finish(const struct content_decoder *decoder, struct problem *problem) {
    if (decoder->open || !decoder->ended) {
        return refuse_at(decoder, decoder->used_bytes + 1, "it ends early", problem); /* also where it has no byte */
    }
    return PROBLEM_NONE;
}

void content_decoder_free(struct content_decoder *decoder) {
    if (!decoder) {
        return;
    }
    (void)inflateEnd(&decoder->zlib); /* does nothing to a stream that wasn't started */
    ZSTD_freeDStream(decoder->zstd);
    memory_refund(decoder->memory, decoder->charged_bytes);
    memory_give(decoder->memory, decoder, sizeof *decoder);
}
