/* Whether a line ends, a word starts or a character begins at a byte is a matter of the few bytes around it, in any
 * text: a byte that can begin a character (anything but 80 to BF) is never inside of another one, so each such byte is
 * a character or an encoding error by what follows it alone; and the spaces are found by their bytes
 * (wordcount_totals_space.h). So nothing is decoded, no state goes from byte to byte, pieces and vectors may begin
 * anywhere, and text that is no UTF-8 takes no longer than text that is.
 *
 * Blocks of ASCII take a shorter way. Blocks that touch an end of the text are copied into a window: before the text
 * stands a space, or a letter where a word goes on, and behind it spaces, which end a character that is cut. */
#include "kernels/wordcount/totals/wordcount_totals_scan.h"

#include "kernels/clones.h"
#include "kernels/wordcount/totals/wordcount_totals_space.h"

#include <string.h>

/* Sums are kept per lane, in bytes: at most 255 rows. 64 rows are as fast as 128 (bench/texts: ASCII 23 GB/s, with 32
 * rows 17, with 16 13) and ASCII more often. */
enum { LANES = 64, ROWS = 64, BLOCK = LANES * ROWS, LEFT = 3, AHEAD = 5 };

struct lanes {
    uint8_t lines[LANES], words[LANES], chars[LANES];
};

static uint64_t add_up(const uint8_t *lanes) {
    uint64_t sum = 0;
    for (size_t i = 0; i < LANES; i++) {
        sum += lanes[i];
    }
    return sum;
}

/* Whether the block and the byte before it are ASCII; if so, counts it. */
KERNEL_CLONES
static bool count_ascii(const uint8_t *at, size_t rows, struct lanes *lanes) {
    uint8_t lines[LANES] = {0}, words[LANES] = {0}, bits[LANES] = {at[-1]};
    for (size_t row = 0; row < rows; row++, at += LANES) {
        for (size_t i = 0; i < LANES; i++) {
            bits[i] |= at[i];
            lines[i] = (uint8_t)(lines[i] + (at[i] == '\n'));
            words[i] = (uint8_t)(words[i] + (totals_space_one(at[i - 1]) & (totals_space_one(at[i]) ^ 1)));
        }
    }
    uint8_t any = 0;
    for (size_t i = 0; i < LANES; i++) {
        any |= bits[i];
    }
    if (any >= 0x80) {
        return false;
    }
    memcpy(lanes->lines, lines, sizeof lines);
    memcpy(lanes->words, words, sizeof words);
    return true;
}

KERNEL_INLINE uint8_t continues(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/* Of characters of up to four bytes: does one begin here. */
KERNEL_INLINE uint8_t begins(const uint8_t *at) {
    uint8_t a = at[0], b = at[1];
    uint8_t cut = ((a >= 0xc0) & (continues(b) ^ 1)) | ((a >= 0xe0) & (continues(at[2]) ^ 1)) |
                  ((a >= 0xf0) & (continues(at[3]) ^ 1));
    uint8_t longer = ((a & 0xfe) == 0xc0) | ((a == 0xe0) & (b < 0xa0)) | ((a == 0xf0) & (b < 0x90));
    uint8_t surrogate = (a == 0xed) & (b >= 0xa0);
    return (continues(a) | cut | longer | surrogate | (a >= 0xf8)) ^ 1;
}

/* Which space begins here, if any: a bit for each length. */
KERNEL_INLINE uint8_t space_kind(const uint8_t *at) {
    return (uint8_t)(totals_space_one(at[0]) | totals_space_two(at[0], at[1]) << 1 |
                     totals_space_three(at[0], at[1], at[2]) << 2);
}

/* kind: of the space that begins at a byte, and of those before it. */
KERNEL_INLINE uint8_t starts_word(const uint8_t *kind) {
    return (((kind[-1] & 1) | (kind[-2] & 2) | (kind[-3] & 4)) != 0) & (kind[0] == 0);
}

/* Returns whether there may be characters of more than four bytes, which aren't counted. */
KERNEL_CLONES
static bool count_any(const uint8_t *at, size_t rows, struct lanes *lanes) {
    uint8_t lines[LANES] = {0}, words[LANES] = {0}, chars[LANES] = {0}, most[LANES] = {0};
    uint8_t kinds[LANES + BLOCK], *kind = kinds + LANES;
    for (ptrdiff_t i = -LEFT; i < 0; i++) {
        kind[i] = space_kind(at + i);
    }
    for (size_t row = 0; row < rows; row++, at += LANES, kind += LANES) {
        for (size_t i = 0; i < LANES; i++) {
            kind[i] = space_kind(at + i);
            lines[i] = (uint8_t)(lines[i] + (at[i] == '\n'));
            chars[i] = (uint8_t)(chars[i] + begins(at + i));
            most[i] |= at[i] >= 0xf8;
        }
        for (size_t i = 0; i < LANES; i++) {
            words[i] = (uint8_t)(words[i] + starts_word(kind + i));
        }
    }
    memcpy(lanes->lines, lines, sizeof lines);
    memcpy(lanes->words, words, sizeof words);
    memcpy(lanes->chars, chars, sizeof chars);
    uint8_t any = 0;
    for (size_t i = 0; i < LANES; i++) {
        any |= most[i];
    }
    return any;
}

/* Characters of five and six bytes, which Unicode doesn't have but glibc does. */
KERNEL_CLONES
static uint64_t count_long_chars(const uint8_t *at, size_t length) {
    uint64_t count = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t a = at[i], b = at[i + 1];
        uint8_t five = continues(b) & continues(at[i + 2]) & continues(at[i + 3]) & continues(at[i + 4]);
        uint8_t is_five = ((a & 0xfc) == 0xf8) & five & ((a > 0xf8) | (b >= 0x88));
        uint8_t is_six = ((a & 0xfe) == 0xfc) & five & continues(at[i + 5]) & ((a > 0xfc) | (b >= 0x84));
        count += is_five | is_six;
    }
    return count;
}

static void count_rows(const uint8_t *at, size_t rows, struct wordcount_totals *totals) {
    struct lanes lanes;
    if (count_ascii(at, rows, &lanes)) {
        totals->chars += rows * LANES;
    } else {
        if (count_any(at, rows, &lanes)) {
            totals->chars += count_long_chars(at, rows * LANES);
        }
        totals->chars += add_up(lanes.chars);
    }
    totals->lines += add_up(lanes.lines);
    totals->words += add_up(lanes.words);
}

/* The last bytes, less than a row. */
static void count_bytes(const uint8_t *at, size_t length, struct wordcount_totals *totals) {
    uint8_t kind[LEFT + LANES] = {0};
    for (size_t i = 0; i < LEFT + length; i++) {
        kind[i] = space_kind(at + i - LEFT);
    }
    for (size_t i = 0; i < length; i++) {
        totals->lines += at[i] == '\n';
        totals->words += starts_word(kind + LEFT + i);
        totals->chars += begins(at + i);
    }
    totals->chars += count_long_chars(at, length);
}

/* Counts [begin, end), at most a block, from a copy. */
static void count_copied(const struct totals_text *text, size_t begin, size_t end, struct wordcount_totals *totals) {
    uint8_t window[LEFT + BLOCK + AHEAD];
    size_t length = end - begin, rows = length / LANES;
    size_t before = begin < LEFT ? begin : LEFT;
    size_t behind = text->length - end < AHEAD ? text->length - end : AHEAD;
    size_t filled = LEFT + length + behind;
    memset(window, text->in_word ? 'x' : ' ', LEFT);
    memcpy(window + LEFT - before, text->bytes + begin - before, before + length + behind);
    memset(window + filled, ' ', sizeof window - filled);
    if (rows > 0) {
        count_rows(window + LEFT, rows, totals);
    }
    count_bytes(window + LEFT + rows * LANES, length - rows * LANES, totals);
}

void totals_scan(const struct totals_text *text, size_t begin, size_t end, struct wordcount_totals *totals) {
    totals->bytes += end - begin;
    while (begin < end) {
        size_t length = end - begin < BLOCK ? end - begin : BLOCK;
        if (begin < LEFT || length < BLOCK || text->length - begin < BLOCK + AHEAD) {
            count_copied(text, begin, begin + length, totals);
        } else {
            count_rows(text->bytes + begin, ROWS, totals);
        }
        begin += length;
    }
}
