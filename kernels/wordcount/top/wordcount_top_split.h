#pragma once
/* Internal to kernels/wordcount/top. Where words begin and end, and what they are in lower case.
 *
 * Spaces are told by their bytes alone: no byte of a well-formed character but the first looks like a first one, so the
 * bytes of a space are that space wherever they stand, also among bytes that are no UTF-8. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPLIT_BLOCK = 4096, SPLIT_AHEAD = 64, SPLIT_SPACE_BYTES = 3 /* of the longest space */ };

/* Vector code over 1 to SPLIT_BLOCK bytes: lower[i] is text[i] with ASCII capitals lowered, then come SPLIT_AHEAD
 * spaces; edges[] are the places where runs of bytes other than ASCII spaces begin and end, in turn, the text being
 * taken to have spaces around it. Returns the number of runs. lower: SPLIT_BLOCK + 2 * SPLIT_AHEAD bytes; edges:
 * SPLIT_BLOCK + SPLIT_AHEAD of them. */
size_t top_split_block(const uint8_t *text, size_t length, uint8_t *lower, uint16_t *edges);

/* The same where the processor has AVX512_VBMI2; top_split_block asks. */
#if defined(__x86_64__) && defined(__GNUC__)
#define SPLIT_HAS_VBMI2 1
size_t top_split_block_vbmi2(const uint8_t *text, size_t length, uint8_t *lower, uint16_t *edges);
#else
#define SPLIT_HAS_VBMI2 0
#endif

/* The same in portable C. */
size_t top_split_block_portable(const uint8_t *text, size_t length, uint8_t *lower, uint16_t *edges);

/* Whether a block, in lower case as above, has a byte beyond ASCII. */
bool top_split_beyond_ascii(const uint8_t *lower, size_t length);

/* For such blocks: lowers the capitals that begin with bytes C3 and D0 as well (Latin-1 and Cyrillic), and marks with 1
 * in odd[0 .. length), which is 0 elsewhere, every character that may be a space or another capital. A run without a
 * mark is a word, and lower[] has it in lower case. */
void top_split_letters(uint8_t *lower, size_t length, uint8_t *odd);

/* What a byte may begin: a space, a character beyond ASCII that has a lower case, both or neither. */
enum { SPLIT_MAY_SPACE = 1, SPLIT_MAY_CASE = 2 };
extern const uint8_t top_split_kinds[256];

/* Bytes of the space at text[0], 0 if there is none. length >= 1. */
static inline size_t top_split_space(const uint8_t *text, size_t length) {
    uint8_t first = text[0];
    if (first < 0x80) {
        return first == ' ' || (uint8_t)(first - '\t') < 5;
    }
    if (first > 0xe3 || length < 2) {
        return 0;
    }
    if (first == 0xc2) {
        return text[1] == 0x85 || text[1] == 0xa0 ? 2 : 0;
    }
    if (first < 0xe1 || length < 3) {
        return 0;
    }
    unsigned rest = (unsigned)text[1] << 8 | text[2];
    if (first == 0xe1) {
        return rest == 0x9a80 ? 3 : 0; /* U+1680 */
    }
    if (first == 0xe3) {
        return rest == 0x8080 ? 3 : 0; /* U+3000 */
    }
    bool space = (rest >= 0x8080 && rest <= 0x808a) || rest == 0x80a8 || rest == 0x80a9 || rest == 0x80af ||
                 rest == 0x819f; /* U+2000 to 200A, 2028, 2029, 202F, 205F */
    return space ? 3 : 0;
}

/* Place of the first space from `begin` on, *bytes long; `length` if there is none, or once cancelled (NULL: never). */
size_t top_split_first_space(const uint8_t *text, size_t length, size_t begin, size_t *bytes,
                             const atomic_bool *cancel);

/* Where the last space ends, 0 if there is none, or once cancelled. */
size_t top_split_last_end(const uint8_t *text, size_t length, const atomic_bool *cancel);

/* Lowercases the character at text[0], which is no ASCII character, into at most SPLIT_LOWER_BYTES bytes; a byte that
 * begins none is copied. *taken: bytes read. Returns the bytes written. top_split_lower_init comes first. */
enum { SPLIT_LOWER_BYTES = 4 };
size_t top_split_lower(const uint8_t *text, size_t length, uint8_t *lowered, size_t *taken);

/* Sets up what top_split_lower looks up, once per process; any thread. */
void top_split_lower_init(void);
