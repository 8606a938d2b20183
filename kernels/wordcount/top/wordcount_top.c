/* A count's life: windows are cut where their last space ends; what comes after it is carried over. */
#include "kernels/wordcount/top/wordcount_top.h"

#include "kernels/wordcount/top/wordcount_top_piece.h"
#include "kernels/wordcount/top/wordcount_top_split.h"

#include <sys/random.h>
#include <time.h>

/* Bytes per piece: 0.1 ms of work, against about 0.1 us to hand one out (bench/kernels). */
enum { PIECE_BYTES = 64 << 10, FIRST_CARRY_BYTES = 256 };

/* Without the kernel's random numbers, which may not be there yet just after the machine has started, a text's writer
 * would have to guess an address and the time. */
static struct top_table_key random_key(const void *address) {
    struct top_table_key key;
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        for (unsigned i = 0; i < sizeof key.secrets / sizeof *key.secrets; i++) {
            key.secrets[i] =
                ((uint64_t)now.tv_nsec << 32 ^ (uintptr_t)address) * (UINT64_C(0x9e3779b97f4a7c15) + 2 * i);
        }
    }
    key.secrets[2] |= 1;
    return key;
}

struct wordcount_top *wordcount_top_new(struct wordcount_memory *memory, unsigned threads) {
    struct top_arena arena;
    top_arena_init(&arena, memory);
    struct wordcount_top *top = top_arena_take(&arena, sizeof *top + threads * sizeof *top->workers);
    if (!top) {
        return NULL;
    }
    top_split_lower_init();
    memset(top, 0, sizeof *top + threads * sizeof *top->workers);
    top->arena = arena;
    top->key = random_key(top);
    top->threads = threads;
    for (unsigned i = 0; i < threads; i++) {
        top_arena_init(&top->workers[i].arena, memory);
    }
    return top;
}

struct top_worker *top_worker(struct wordcount_top *top) {
    struct top_worker *worker = &top->workers[team_thread()];
    if (worker->table.slots || (top_brief_init(&worker->brief, &worker->arena, top->key) &&
                                top_table_init(&worker->table, &worker->arena, top->key))) {
        worker->brief.cancel = worker->table.cancel = top->cancel;
        return worker;
    }
    top_stop(top, KERNEL_NO_MEMORY);
    return NULL;
}

static enum kernel_status top_count(struct wordcount_top *top, const uint8_t *bytes, size_t length,
                                    const struct team *team, const struct progress *progress) {
    struct top_text text = {.top = top, .bytes = bytes, .length = length};
    return top_status(top, team_for(team, progress, length, PIECE_BYTES, top_count_piece, &text));
}

static bool top_carry_more(struct wordcount_top *top, const uint8_t *bytes, size_t length) {
    size_t need = top->carry_length + length;
    if (length == 0) {
        return true;
    }
    if (need > top->carry_capacity) {
        size_t capacity = top->carry_capacity > 0 ? top->carry_capacity : FIRST_CARRY_BYTES;
        while (capacity < need) {
            capacity *= 2;
        }
        uint8_t *carry = top_arena_take(&top->arena, capacity);
        if (!carry) {
            return false;
        }
        if (top->carry) {
            if (!top_long_copy(carry, top->carry, top->carry_length, top->cancel)) {
                return false;
            }
            top_arena_give(&top->arena, top->carry, top->carry_capacity);
        }
        top->carry = carry;
        top->carry_capacity = capacity;
    }
    top->carry_length += length;
    return top_long_copy(top->carry + top->carry_length - length, bytes, length, top->cancel);
}

/* Adds to the carry what the window has of its word; *begin: where the window goes on behind the space that ends it,
 * `length` where none does. A space that begins in the carry is found with the window's first bytes. */
static bool complete_carry(struct wordcount_top *top, const uint8_t *window, size_t length, size_t *begin,
                           bool *ended) {
    size_t carried = top->carry_length, bytes = 0;
    size_t head = length < SPLIT_SPACE_BYTES - 1 ? length : SPLIT_SPACE_BYTES - 1;
    if (!top_carry_more(top, window, head)) {
        return false;
    }
    size_t from = carried < SPLIT_SPACE_BYTES - 1 ? 0 : carried - (SPLIT_SPACE_BYTES - 1);
    size_t at = top_split_first_space(top->carry, top->carry_length, from, &bytes, top->cancel);
    if (at < carried) {
        *begin = at + bytes - carried;
        *ended = true;
        top->carry_length = at;
        return true;
    }
    top->carry_length = carried;
    at = top_split_first_space(window, length, 0, &bytes, top->cancel);
    *ended = at < length;
    *begin = *ended ? at + bytes : length;
    return top_carry_more(top, window, at);
}

/* The part of the window that the carry's word takes. */
static enum kernel_status feed_carry(struct wordcount_top *top, const uint8_t *window, size_t length, bool last,
                                     const struct progress *progress, size_t *begin) {
    bool ended;
    if (!complete_carry(top, window, length, begin, &ended)) {
        return KERNEL_NO_MEMORY;
    }
    if (!ended && !last) {
        return KERNEL_DONE;
    }
    const struct team alone = {.threads = 1};
    const struct progress quiet = {.cancel = progress->cancel};
    enum kernel_status status = top_count(top, top->carry, top->carry_length, &alone, &quiet);
    top->carry_length = 0;
    return status;
}

enum kernel_status wordcount_top_feed(struct wordcount_top *top, const char *window, size_t length, bool last,
                                      const struct team *team, const struct progress *progress) {
    const uint8_t *bytes = (const uint8_t *)(length > 0 ? window : "");
    size_t begin = 0;
    enum kernel_status status = KERNEL_DONE;
    top->cancel = progress->cancel;
    if (top->carry_length > 0) {
        status = feed_carry(top, bytes, length, last, progress, &begin);
    }
    if (status != KERNEL_DONE) {
        return top_status(top, status);
    }
    size_t end = length;
    if (!last && begin < length) {
        end = begin + top_split_last_end(bytes + begin, length - begin, top->cancel);
    }
    if (end > begin) {
        status = top_count(top, bytes + begin, end - begin, team, progress);
    }
    if (status == KERNEL_DONE && !top_carry_more(top, bytes + end, length - end)) {
        status = KERNEL_NO_MEMORY;
    }
    if (progress->done) {
        atomic_fetch_add_explicit(progress->done, begin + (length - end), memory_order_relaxed);
    }
    return top_status(top, status);
}

/* 0.8 ns per byte of English, 1.9 of Cyrillic; 6 where no word comes twice, 15 of random bytes that are no UTF-8, more
 * once the tables outgrow the caches (bench/frequencies, bench/hostile). Taken in between; 1 us is a line of text. */
uint64_t wordcount_top_cost_ns(size_t length) {
    const size_t cached = 256 << 10;
    return 1000 + length * 11 / 2 + (length > cached ? length - cached : 0);
}
