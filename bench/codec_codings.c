/* gzip and zstd, both ways. */
#include "bench/codec_runs.h"
#include "codecs/coding/content_decoder.h"
#include "codecs/coding/content_encoder.h"
#include "codecs/numbers/number_print.h"

#include <stdio.h>
#include <stdlib.h>

enum { WINDOW_BYTES = 256 * 1024 };

struct coded {
    enum content_coding coding;
    struct content_part part;
    struct content_pieces pieces;
    char *window;
};

static void forget_pieces(void *context) {
    struct coded *coded = context;
    content_pieces_free(&coded->pieces);
}

static void run_encode(void *context) {
    struct coded *coded = context;
    struct problem problem = {0};
    insist(
        !content_encode(coded->coding, CONTENT_ALWAYS, &coded->part, 1, &memory.base, NULL, &coded->pieces, &problem),
        "content_encode");
}

static void run_decode(void *context) {
    struct coded *coded = context;
    struct content_decoder *decoder;
    struct problem problem = {0};
    size_t length = 0;
    insist(!content_decoder_new(coded->coding, &memory.base, &decoder, &problem), "content_decoder_new");
    for (size_t i = 0; i < coded->pieces.count; i++) {
        struct content_io io = {.in = coded->pieces.list[i].bytes, .in_length = coded->pieces.list[i].length};
        do {
            io.out = coded->window;
            io.out_room = WINDOW_BYTES;
            insist(!content_decode(decoder, &io, &problem), "content_decode");
            length += WINDOW_BYTES - io.out_room;
        } while (io.in_length > 0 || io.out_room == 0);
    }
    content_decoder_free(decoder);
    insist(length == coded->part.length, "unfolding");
}

void compare_codings(const char *zen) {
    static const size_t sizes[] = {CONTENT_WORTH_BYTES, 65536, TEXT_BYTES};
    char *printed = take(TEXT_BYTES + NUMBER_PRINT_MAX);
    for (size_t at = 0; at < TEXT_BYTES;) {
        at += (size_t)snprintf(printed + at, NUMBER_PRINT_MAX, "%.17g,", next_random());
    }
    const char *const contents[] = {zen, printed}, *const names[] = {"Zen of Python", "numbers in full"};
    struct coded coded = {.window = take(WINDOW_BYTES)};
    printf("\ncoding                        bytes   coded to    encode MB/s       us    decode MB/s       us\n");
    for (int content = 0; content < 2; content++) {
        for (enum content_coding coding = CONTENT_GZIP; coding <= CONTENT_ZSTD; coding++) {
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                coded.coding = coding;
                coded.part = (struct content_part){.bytes = contents[content], .length = sizes[s]};
                double length = (double)sizes[s], encode = best_ns(run_encode, forget_pieces, &coded);
                double decode = best_ns(run_decode, NULL, &coded);
                printf("%-16s %-5s %12zu %9.1f%% %14.0f %8.1f %14.0f %8.1f\n", names[content],
                       content_coding_name(coding), sizes[s], 100 * (double)coded.pieces.length / length,
                       length / encode * 1e3, encode / 1e3, length / decode * 1e3, decode / 1e3);
                content_pieces_free(&coded.pieces);
            }
        }
    }
    free(coded.window);
    free(printed);
}
