#pragma once
/* Internal to kernels/wordcount/top. The words of at most BRIEF_BYTES that one thread has met, and how often: nine of
 * ten in English. Such a word and its length fill eight bytes, so it stands in the table itself, and finding and
 * counting it touches one cache line: that of a bucket, which holds BRIEF_SLOTS words and their counts.
 *
 * A word's bucket is the hash's topmost bits, or the next one behind that isn't full; within it words stand in the
 * order in which they came. So a bucket with a free slot ends a search, and buckets lie in the order of their words'
 * hashes but for a few places, which merging lives on (wordcount_top_finish.c). The hash is keyed as the other table's.
 *
 * A large table is cut into segments. It grows segment by segment, and what the one leaves the next ones take, so that
 * growing needs half as much memory again at most. */
#include "kernels/wordcount/top/wordcount_top_table.h"

#include <endian.h>
#include <stdalign.h>

enum { BRIEF_BYTES = 7, BRIEF_SLOTS = 4, BRIEF_HASH_BITS = 32, BRIEF_SEGMENT_BITS = 14 /* 1 MiB */ };

struct top_brief_bucket {
    alignas(64) uint64_t cells[2 * BRIEF_SLOTS]; /* words (0: free), then the count of each */
};

struct top_brief {
    struct top_brief_bucket **segments; /* of 2^BRIEF_SEGMENT_BITS buckets, where there are that many */
    unsigned bits;                      /* of the number of buckets */
    uint32_t used;
    uint32_t limit; /* of used, then the table grows */
    struct top_table_key key;
    struct top_arena *arena;
    const atomic_bool *cancel; /* may be NULL, and another one from call to call */
};

/* False: memory was refused. `arena` must outlive the table. */
bool top_brief_init(struct top_brief *brief, struct top_arena *arena, struct top_table_key key);

/* Counts one more of a word, wherever it stands or if it is new. False: memory was refused, or cancelled; the table is
 * of no more use then. */
bool top_brief_add(struct top_brief *brief, uint32_t hash, uint64_t word);

/* Counts the words among runs of bytes in `lower` that have at most BRIEF_BYTES, and lists the others: edges[] are
 * where runs begin and end, in turn, longer[] the same of those that are left (room for BRIEF_AHEAD more of each).
 * Behind lower's last run 8 bytes must be readable. False as above. */
enum { BRIEF_AHEAD = 64 };
bool top_brief_count(struct top_brief *brief, const uint8_t *lower, const uint16_t *edges, size_t runs,
                     uint16_t *longer, size_t *longer_runs);

/* The same where the processor has AVX-512 with VL, BW and DQ; top_brief_count asks. */
#if defined(__x86_64__) && defined(__GNUC__)
#define BRIEF_HAS_AVX512 1
bool top_brief_count_avx512(struct top_brief *brief, const uint8_t *lower, const uint16_t *edges, size_t runs,
                            uint16_t *longer, size_t *longer_runs);
#else
#define BRIEF_HAS_AVX512 0
#endif

/* The same in portable C. */
bool top_brief_count_portable(struct top_brief *brief, const uint8_t *lower, const uint16_t *edges, size_t runs,
                              uint16_t *longer, size_t *longer_runs);

/* A word of 1 to BRIEF_BYTES bytes as a number: in memory its bytes, zeros, and in the last byte its length. 8 bytes
 * must be readable. */
KERNEL_INLINE uint64_t top_brief_word(const uint8_t *bytes, size_t length) {
    uint64_t eight;
    memcpy(&eight, bytes, 8);
    return htole64((le64toh(eight) & ((UINT64_C(1) << 8 * length) - 1)) | (uint64_t)length << 56);
}

/* The second multiplication spreads over the upper half what the first one, and the shift, left below. */
KERNEL_INLINE uint32_t top_brief_hash(const struct top_table_key *key, uint64_t word) {
    uint64_t hash = (word ^ key->secrets[0]) * key->secrets[2];
    hash ^= hash >> 32;
    return (uint32_t)(hash * (key->secrets[1] | 1) >> 32);
}

KERNEL_INLINE uint64_t *top_brief_cells(const struct top_brief *brief, size_t bucket) {
    return brief->segments[bucket >> BRIEF_SEGMENT_BITS][bucket & ((1U << BRIEF_SEGMENT_BITS) - 1)].cells;
}

/* A word's count stands BRIEF_SLOTS cells behind it. */
static inline struct top_table_text top_brief_text(const uint64_t *word) {
    return (struct top_table_text){.bytes = (const uint8_t *)word, .length = le64toh(*word) >> 56};
}
