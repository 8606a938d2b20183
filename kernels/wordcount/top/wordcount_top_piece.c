/* Runs of bytes between ASCII spaces come from vector code, a block at a time. Most are words, of which the vector code
 * knows the lower case too; they are counted all at once. Those with characters that may be other spaces, or capitals
 * of few scripts, are walked through byte by byte.
 *
 * A word that starts before the end of the piece is counted there even if it ends later. A block's last run that
 * doesn't end in it starts the next block. */
#include "kernels/wordcount/top/wordcount_top_piece.h"

#include "kernels/wordcount/top/wordcount_top_split.h"

/* Bytes of a long word between two looks at the cancel flag: 0.2 ms. */
enum { PAUSE_BYTES = 16 << 10, FIRST_SCRATCH_BYTES = 256, SCRATCH_SLACK = SPLIT_LOWER_BYTES + TABLE_SHORT_BYTES };

static bool piece_keep(struct wordcount_top *top, bool kept) {
    if (!kept) {
        top_stop(top, KERNEL_NO_MEMORY);
    }
    return kept;
}

static bool grow_scratch(struct top_worker *worker, size_t used) {
    size_t bytes = worker->scratch_bytes > 0 ? 2 * worker->scratch_bytes : FIRST_SCRATCH_BYTES;
    uint8_t *scratch = top_arena_take(&worker->arena, bytes);
    if (!scratch) {
        return false;
    }
    if (worker->scratch) {
        if (!top_long_copy(scratch, worker->scratch, used, worker->table.cancel)) {
            return false;
        }
        top_arena_give(&worker->arena, worker->scratch, worker->scratch_bytes);
    }
    worker->scratch = scratch;
    worker->scratch_bytes = bytes;
    return true;
}

/* Looks after the room for more of a word than the `used` bytes that are lowered, and whether to stop. Returns
 * how many bytes may be in use at the next look, 0 to stop. */
static size_t pause_word(const struct top_text *text, struct top_worker *worker, size_t used) {
    if (top_stopped(text->top)) {
        return 0;
    }
    if (worker->scratch_bytes < used + SCRATCH_SLACK && !piece_keep(text->top, grow_scratch(worker, used))) {
        return 0;
    }
    size_t room = worker->scratch_bytes - SCRATCH_SLACK + 1;
    return room - used < PAUSE_BYTES ? room : used + PAUSE_BYTES;
}

static bool add_word(struct top_worker *worker, const uint8_t *bytes, size_t length) {
    if (length > BRIEF_BYTES) {
        return top_table_add(&worker->table, bytes, length);
    }
    uint64_t word = top_brief_word(bytes, length);
    return top_brief_add(&worker->brief, top_brief_hash(&worker->brief.key, word), word);
}

/* Counts the word that starts at `at`; returns where it ends. Most bytes, and all of most scripts, go the short way,
 * which random bytes rarely leave either: each wrong guess of the processor is 5 ns. */
static size_t count_word(const struct top_text *text, struct top_worker *worker, size_t at) {
    const uint8_t *bytes = text->bytes;
    size_t used = 0, pause = 0, taken;
    for (; at < text->length; at += taken) {
        if (used >= pause && (pause = pause_word(text, worker, used)) == 0) {
            return text->length;
        }
        uint8_t byte = bytes[at], kind = top_split_kinds[byte];
        taken = 1;
        if ((kind & SPLIT_MAY_SPACE) && top_split_space(bytes + at, text->length - at) > 0) {
            break;
        }
        if (kind & SPLIT_MAY_CASE) {
            used += top_split_lower(bytes + at, text->length - at, worker->scratch + used, &taken);
        } else {
            worker->scratch[used++] = (uint8_t)(byte | ((uint8_t)(byte - 'A') < 26) << 5);
        }
    }
    worker->words++;
    piece_keep(text->top, add_word(worker, worker->scratch, used));
    return at;
}

/* Counts the words from `at` on, where one starts, that start before `end` and before the next ASCII space; returns how
 * far it came. */
static size_t count_run(const struct top_text *text, struct top_worker *worker, size_t at, size_t end) {
    while (at < end && !top_stopped(text->top)) {
        size_t space = top_split_space(text->bytes + at, text->length - at);
        if (space == 1) {
            break;
        }
        at = space > 0 ? at + space : count_word(text, worker, at);
    }
    return at;
}

struct runs {
    size_t count;
    uint8_t lower[SPLIT_BLOCK + 2 * SPLIT_AHEAD];
    uint16_t edges[SPLIT_BLOCK + SPLIT_AHEAD];
};

/* Counts the runs that may be other than words in lower case, and drops them. */
static void sift_runs(const struct top_text *text, struct top_worker *worker, size_t at, size_t length, size_t end,
                      struct runs *runs) {
    uint8_t odd[SPLIT_BLOCK];
    top_split_letters(runs->lower, length, odd);
    const uint8_t *next = memchr(odd, 1, length);
    size_t kept = 0;
    for (size_t i = 0; i < runs->count; i++) {
        size_t run_start = runs->edges[2 * i], run_end = runs->edges[2 * i + 1];
        if (next && next < odd + run_end) {
            count_run(text, worker, at + run_start, end);
            next = memchr(odd + run_end, 1, length - run_end);
            continue;
        }
        memmove(runs->edges + 2 * kept++, runs->edges + 2 * i, 2 * sizeof *runs->edges);
    }
    runs->count = kept;
}

/* A copy of the key stays in registers: through the table's pointers anything might change. */
KERNEL_CLONES
static bool count_longer(struct top_table *table, const uint8_t *lower, const uint16_t *edges, size_t count) {
    const struct top_table_key key = table->key;
    for (const uint16_t *edge = edges; edge < edges + 2 * count; edge += 2) {
        const uint8_t *bytes = lower + edge[0];
        size_t length = (size_t)edge[1] - edge[0];
        if (length > TABLE_SHORT_BYTES) {
            if (!top_table_add(table, bytes, length)) {
                return false;
            }
            continue;
        }
        struct top_table_short word = top_table_load_short(bytes, length);
        uint32_t tag = top_table_tag(&key, word.low, word.high, length);
        if (!top_table_bump_short(table, tag, word) && !top_table_insert_short(table, tag, bytes, length)) {
            return false;
        }
    }
    return true;
}

static bool count_words(struct top_worker *worker, const struct runs *runs) {
    uint16_t longer[SPLIT_BLOCK + BRIEF_AHEAD];
    size_t count;
    worker->words += runs->count;
    return top_brief_count(&worker->brief, runs->lower, runs->edges, runs->count, longer, &count) &&
           count_longer(&worker->table, runs->lower, longer, count);
}

/* Counts a block from `at` on, where a word starts or a space is; returns where the next one begins. */
static size_t piece_count_block(const struct top_text *text, struct top_worker *worker, size_t at, size_t end) {
    struct runs runs;
    size_t rest = text->length - at, length = end - at + SPLIT_AHEAD;
    length = length < rest ? length : rest;
    length = length < SPLIT_BLOCK ? length : SPLIT_BLOCK;
    runs.count = top_split_block(text->bytes + at, length, runs.lower, runs.edges);
    size_t next = at + length;
    if (runs.count > 0 && runs.edges[2 * runs.count - 1] == length && length < rest) {
        size_t start = runs.edges[2 * --runs.count];
        if (start == 0) {
            return count_run(text, worker, at, end);
        }
        next = at + start;
    }
    while (runs.count > 0 && at + runs.edges[2 * runs.count - 2] >= end) {
        runs.count--;
    }
    if (top_split_beyond_ascii(runs.lower, length)) {
        sift_runs(text, worker, at, length, end, &runs);
    }
    piece_keep(text->top, count_words(worker, &runs));
    return next;
}

/* The first place from `begin` on where a word may start: behind the first space that ends there or later. */
static size_t first_start(const struct top_text *text, size_t begin, size_t end) {
    size_t at = begin < SPLIT_SPACE_BYTES ? 0 : begin - SPLIT_SPACE_BYTES;
    while (at < end) {
        size_t space = top_split_space(text->bytes + at, text->length - at);
        if (space > 0 && at + space >= begin) {
            return at + space;
        }
        at += space > 0 ? space : 1;
    }
    return end;
}

void top_count_piece(void *context, size_t begin, size_t end) {
    const struct top_text *text = context;
    struct top_worker *worker = top_worker(text->top);
    if (!worker) {
        return;
    }
    size_t at = begin > 0 ? first_start(text, begin, end) : 0;
    while (at < end && !top_stopped(text->top)) {
        at = piece_count_block(text, worker, at, end);
    }
}
