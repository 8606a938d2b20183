/* Totals in parallel: what is counted at a byte depends on its neighbours alone (wordcount_totals_scan.c), so pieces
 * are counted on their own and summed up. Windows need no more than two things of what came before: whether it ended
 * inside a word, and the beginning of a character it cut. */
#include "kernels/wordcount/totals/wordcount_totals.h"

#include "kernels/wordcount/totals/wordcount_totals_scan.h"
#include "kernels/wordcount/totals/wordcount_totals_space.h"

#include <string.h>

/* Bytes per piece, 64 KiB: 3 to 30 us of work, against about 0.1 us to hand one out (bench/kernels). A multiple of the
 * scan's block. */
enum { PIECE_BYTES = 64 * 1024 };

struct counting {
    struct totals_text text;
    atomic_uint_fast64_t lines, words, chars;
};

static void totals_piece(void *context, size_t begin, size_t end) {
    struct counting *counting = context;
    struct wordcount_totals totals = {0};
    totals_scan(&counting->text, begin, end, &totals);
    atomic_fetch_add_explicit(&counting->lines, totals.lines, memory_order_relaxed);
    atomic_fetch_add_explicit(&counting->words, totals.words, memory_order_relaxed);
    atomic_fetch_add_explicit(&counting->chars, totals.chars, memory_order_relaxed);
}

static enum kernel_status totals_add(struct totals_text text, const struct team *team, const struct progress *progress,
                                     struct wordcount_totals *totals) {
    struct counting counting = {.text = text};
    enum kernel_status status = team_for(team, progress, text.length, PIECE_BYTES, totals_piece, &counting);
    totals->lines += atomic_load_explicit(&counting.lines, memory_order_relaxed);
    totals->words += atomic_load_explicit(&counting.words, memory_order_relaxed);
    totals->chars += atomic_load_explicit(&counting.chars, memory_order_relaxed);
    totals->bytes += text.length;
    return status;
}

enum kernel_status wordcount_totals(const char *text, size_t length, const struct team *team,
                                    const struct progress *progress, struct wordcount_totals *totals) {
    *totals = (struct wordcount_totals){0};
    return totals_add((struct totals_text){.bytes = (const uint8_t *)text, .length = length}, team, progress, totals);
}

static bool continues(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/* Bytes of a character that begins with this one. */
static size_t char_bytes(uint8_t lead) {
    return lead < 0xc0 || lead > 0xfd ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : lead < 0xfc ? 5 : 6;
}

/* Bytes at the end that may be the beginning of a character. */
static size_t cut_bytes(const uint8_t *text, size_t length) {
    for (size_t cut = 1; cut <= WORDCOUNT_TOTALS_CUT && cut <= length; cut++) {
        uint8_t byte = text[length - cut];
        if (!continues(byte)) {
            return cut < char_bytes(byte) ? cut : 0;
        }
    }
    return 0;
}

static bool ends_in_word(const uint8_t *text, size_t length) {
    for (size_t bytes = 1; bytes <= 3 && bytes <= length; bytes++) {
        if (totals_space_bytes(text + length - bytes, bytes) == bytes) {
            return false;
        }
    }
    return true;
}

/* Counts whole characters. */
static enum kernel_status feed_whole(struct wordcount_totals_stream *stream, const uint8_t *bytes, size_t length,
                                     const struct team *team, const struct progress *progress) {
    if (length == 0) {
        return KERNEL_DONE;
    }
    struct totals_text text = {.bytes = bytes, .length = length, .in_word = stream->in_word};
    stream->in_word = ends_in_word(bytes, length);
    return totals_add(text, team, progress, &stream->totals);
}

enum kernel_status wordcount_totals_feed(struct wordcount_totals_stream *stream, const char *window, size_t length,
                                         bool last, const struct team *team, const struct progress *progress) {
    const uint8_t *at = (const uint8_t *)window;
    if (stream->cut_length > 0) {
        uint8_t joined[WORDCOUNT_TOTALS_CUT + 1];
        size_t wanted = char_bytes(stream->cut[0]), have = stream->cut_length;
        memcpy(joined, stream->cut, have);
        for (; have < wanted && length > 0 && continues(*at); length--) {
            joined[have++] = *at++;
        }
        if (have < wanted && length == 0 && !last) {
            memcpy(stream->cut, joined, have);
            stream->cut_length = (unsigned char)have;
            return KERNEL_DONE;
        }
        stream->cut_length = 0;
        if (feed_whole(stream, joined, have, team, progress) != KERNEL_DONE) {
            return KERNEL_CANCELLED;
        }
    }
    size_t cut = last ? 0 : cut_bytes(at, length);
    if (cut > 0) {
        memcpy(stream->cut, at + length - cut, cut);
    }
    stream->cut_length = (unsigned char)cut;
    return feed_whole(stream, at, length - cut, team, progress);
}

/* bench/texts: ASCII 0.05 ns per byte, nine scripts 0.28, random bytes 0.5; taken in between. 100 ns is a text of a few
 * words. */
uint64_t wordcount_totals_cost_ns(size_t length) {
    return 100 + length / 5;
}
