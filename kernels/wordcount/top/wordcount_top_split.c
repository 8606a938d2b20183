/* The vector code is portable C that the compilers turn into byte compares; what they can't do is to gather truth
 * values into the bits of a word, which a multiplication does, eight at a time. */
#include "kernels/wordcount/top/wordcount_top_split.h"

#include "kernels/clones.h"
#include "kernels/wordcount/top/wordcount_top_long.h"

#include <string.h>

enum { GROUP = 64 };

/* Bit i is byte i's lowest bit; all others are 0. The products' ones meet nowhere, so nothing is carried. */
KERNEL_INLINE uint64_t split_gather(const uint8_t *truths) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < GROUP / 8; i++) {
        uint64_t eight;
        memcpy(&eight, truths + (size_t)8 * i, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        eight = __builtin_bswap64(eight);
#endif
        bits |= (eight * UINT64_C(0x0102040810204080)) >> 56 << 8 * i;
    }
    return bits;
}

KERNEL_INLINE uint64_t top_split_group(const uint8_t *restrict text, uint8_t *restrict lower) {
    uint8_t space[GROUP];
    for (unsigned i = 0; i < GROUP; i++) {
        uint8_t byte = text[i];
        uint8_t capital = (uint8_t)(byte - 'A') < 26;
        lower[i] = (uint8_t)(byte | capital << 5);
        space[i] = (byte == ' ') | ((uint8_t)(byte - '\t') < 5);
    }
    return split_gather(space);
}

/* Writes the places of the bits, eight at a time: that many are there or not is guessed wrong less often than where the
 * last one is. Writes up to seven too many. */
KERNEL_INLINE size_t split_list(uint64_t bits, size_t base, uint16_t *edges, size_t count) {
    size_t end = count + (size_t)__builtin_popcountll(bits);
    while (count < end) {
        for (unsigned i = 0; i < 8; i++) {
            edges[count + i] = (uint16_t)(base + (size_t)__builtin_ctzll(bits | UINT64_C(1) << 63));
            bits &= bits - 1;
            __asm__("" : "+r"(bits)); /* or gcc gathers the eight in a vector first, which takes longer */
        }
        count += 8;
    }
    return end;
}

KERNEL_CLONES
size_t top_split_block_portable(const uint8_t *text, size_t length, uint8_t *lower, uint16_t *edges) {
    size_t count = 0, at = 0;
    uint64_t before = 1;
    for (; length - at >= GROUP; at += GROUP) {
        uint64_t space = top_split_group(text + at, lower + at);
        count = split_list(space ^ (space << 1 | before), at, edges, count);
        before = space >> 63;
    }
    uint8_t rest[GROUP];
    memset(rest, ' ', sizeof rest);
    memcpy(rest, text + at, length - at);
    uint64_t space = top_split_group(rest, lower + at);
    memset(lower + at + GROUP, ' ', GROUP);
    return split_list(space ^ (space << 1 | before), at, edges, count) / 2;
}

size_t top_split_block(const uint8_t *text, size_t length, uint8_t *lower, uint16_t *edges) {
#if SPLIT_HAS_VBMI2
    if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw")) {
        return top_split_block_vbmi2(text, length, lower, edges);
    }
#endif
    return top_split_block_portable(text, length, lower, edges);
}

size_t top_split_first_space(const uint8_t *text, size_t length, size_t begin, size_t *bytes,
                             const atomic_bool *cancel) {
    for (size_t at = begin; at < length; at++) {
        *bytes = top_split_space(text + at, length - at);
        if (*bytes > 0) {
            return at;
        }
        if (at % TOP_PAUSE_BYTES == 0 && top_cancelled(cancel)) {
            break;
        }
    }
    return length;
}

size_t top_split_last_end(const uint8_t *text, size_t length, const atomic_bool *cancel) {
    for (size_t at = length; at > 0 && !(at % TOP_PAUSE_BYTES == 0 && top_cancelled(cancel)); at--) {
        size_t bytes = top_split_space(text + at - 1, length - at + 1);
        if (bytes > 0) {
            return at - 1 + bytes;
        }
    }
    return 0;
}
