/* libFuzzer target: gzip, zstd and deflate. The input's first byte chooses the coding and what the rest is, the second
 * and third the pieces that input arrives in and the windows that output goes to.
 *
 * A text is encoded, in two parts, and must come back whole, and twice if its coding is sent twice (which of deflate is
 * refused); cut short that must be refused. Bytes as they are must be decoded alike in one go and piece by piece. No
 * decoder may hold more than it says or write beyond its window, and all memory must come back. */
#include "tests/fuzz/target.h"

#include "codecs/coding/content_decoder.h"
#include "codecs/coding/content_encoder.h"

enum { MEMORY_LIMIT_BYTES = 64 << 20, OUTPUT_MAX = 1 << 16, WINDOW_MAX = 256 };

struct output {
    char *bytes; /* OUTPUT_MAX of them */
    size_t length;
    bool overflowed;
};

struct cut {
    size_t step; /* bytes of input at a time */
    size_t room; /* bytes of a window */
};

static struct plain_memory plain;

/* Everything that the piece gives, appended to the output, until that is full. */
static enum problem_kind decode_piece(struct content_decoder *decoder, const char *piece, size_t length, size_t room,
                                      struct output *output, struct problem *problem) {
    struct content_io io = {.in = piece, .in_length = length};
    do {
        char *window = take(room);
        io.out = window;
        io.out_room = room;
        enum problem_kind kind = content_decode(decoder, &io, problem);
        size_t written = (size_t)(io.out - window);
        require(written + io.out_room == room && io.in + io.in_length == piece + length, "what is left");
        require(plain.used_bytes <= CONTENT_DECODER_BYTES_MAX, "what a decoder holds");
        output->overflowed = written > OUTPUT_MAX - output->length;
        if (!output->overflowed) {
            memcpy(output->bytes + output->length, window, written);
            output->length += written;
        }
        free(window);
        if (kind) {
            return kind;
        }
        require(io.in_length == 0 || io.out_room == 0, "when it returns");
    } while ((io.in_length > 0 || io.out_room == 0) && !output->overflowed);
    return PROBLEM_NONE;
}

static enum problem_kind decode(enum content_coding coding, const char *coded, size_t length, struct cut cut,
                                struct output *output, struct problem *problem) {
    struct content_decoder *decoder = NULL;
    size_t before = plain.used_bytes;
    require(before == 0, "memory from before");
    output->length = 0;
    output->overflowed = false;
    require(content_decoder_new(coding, &plain.base, &decoder, problem) == PROBLEM_NONE, "a new decoder");
    enum problem_kind kind = PROBLEM_NONE;
    for (size_t at = 0; at < length && !kind && !output->overflowed;) {
        size_t piece_length = cut.step < length - at ? cut.step : length - at;
        char *piece = copy(coded + at, piece_length);
        kind = decode_piece(decoder, piece, piece_length, cut.room, output, problem);
        free(piece);
        at += piece_length;
    }
    if (!kind && !output->overflowed) {
        kind = content_decoder_finish(decoder, problem);
    }
    content_decoder_free(decoder);
    require(plain.used_bytes == 0, "memory given back");
    require(kind == problem->kind, "the problem recorded");
    require(kind == PROBLEM_NONE || kind == PROBLEM_INVALID_ENCODING, "the kind");
    return kind;
}

static struct output whole_output;
static struct output cut_output;

static void compare_decoded(enum content_coding coding, const char *coded, size_t length, struct cut cut) {
    struct problem whole = {0};
    struct problem pieces = {0};
    const struct cut one_go = {.step = length, .room = OUTPUT_MAX};
    (void)!decode(coding, coded, length, one_go, &whole_output, &whole);
    (void)!decode(coding, coded, length, cut, &cut_output, &pieces);
    if (whole_output.overflowed || cut_output.overflowed) {
        return; /* which of them noticed a mistake behind that is not told */
    }
    if (whole.kind != pieces.kind || strcmp(whole.detail, pieces.detail) != 0) {
        (void)fprintf(stderr, "one go: %s, pieces: %s\n", whole.detail, pieces.detail);
        abort();
    }
    if (!whole.kind) {
        require(whole_output.length == cut_output.length, "the length");
        require(memcmp(whole_output.bytes, cut_output.bytes, cut_output.length) == 0, "the content");
    }
}

/* The pieces, twice. */
static char *join(const struct content_pieces *pieces) {
    char *coded = take(2 * pieces->length);
    size_t length = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        memcpy(coded + length, pieces->list[i].bytes, pieces->list[i].length);
        length += pieces->list[i].length;
    }
    require(length == pieces->length, "the pieces' length");
    memcpy(coded + length, coded, length);
    return coded;
}

static void compare_round_trip(enum content_coding coding, const char *text, size_t length, struct cut cut) {
    size_t border = cut.step < length ? cut.step : length;
    const struct content_part parts[] = {{text, border}, {text + border, length - border}};
    struct content_pieces pieces = {0};
    struct problem problem = {0};
    require(content_encode(coding, CONTENT_ALWAYS, parts, 2, &plain.base, NULL, &pieces, &problem) == PROBLEM_NONE,
            "an encoding");
    char *coded = join(&pieces);
    size_t once = pieces.length;
    content_pieces_free(&pieces);
    size_t times = coding == CONTENT_DEFLATE ? 1 : 2;
    require(decode(coding, coded, times * once, cut, &cut_output, &problem) == PROBLEM_NONE, "a decoding");
    require(cut_output.length == times * length, "how much comes back");
    require(memcmp(cut_output.bytes, text, length) == 0, "what comes back");
    require(memcmp(cut_output.bytes + (times - 1) * length, text, length) == 0, "what comes back of the last");
    size_t kept = 2 * once * cut.room / (WINDOW_MAX + 1);
    enum problem_kind kind = decode(coding, coded, kept, cut, &cut_output, &problem);
    require(kind == (kept == once ? PROBLEM_NONE : PROBLEM_INVALID_ENCODING), "a body cut short");
    free(coded);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    plain_memory_init(&plain, MEMORY_LIMIT_BYTES);
    whole_output.bytes = take(OUTPUT_MAX);
    cut_output.bytes = take(OUTPUT_MAX);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) {
        return 0;
    }
    enum content_coding coding = data[0] % 8 < 4 ? data[0] % 2 == 0 ? CONTENT_GZIP : CONTENT_ZSTD : CONTENT_DEFLATE;
    const struct cut cut = {.step = (size_t)data[1] + 1, .room = (size_t)data[2] % WINDOW_MAX + 1};
    char *rest = copy(data + 3, size - 3);
    if (data[0] % 4 < 2 || size - 3 > OUTPUT_MAX / 2) {
        compare_decoded(coding, rest, size - 3, cut);
    } else {
        compare_round_trip(coding, rest, size - 3, cut);
    }
    free(rest);
    return 0;
}
