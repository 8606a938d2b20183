#include "codecs/json/json_scan.h"

#include "codecs/json/byte_vector.h"

#include <stdatomic.h>

enum { WINDOW_BYTES = 1024 * 1024, PART_ROUNDS = 255 };

/* 0xFF where the scan has to look. */
typedef byte_vector stop_rule(byte_vector vector);

static inline byte_vector stop_in_text(byte_vector vector) {
    return vector_equal(vector, '"') | vector_equal(vector, '\\') | vector_below(vector, 0x20);
}

/* Numbers, commas and spaces lie below ':', but for e and E; so do the quote and characters that no JSON value has. */
static inline byte_vector stop_in_numbers(byte_vector vector) {
    return (vector_at_least(vector, '9' + 1) & ~vector_equal(vector | 0x20, 'e')) | vector_equal(vector, '"');
}

/* Index of the first byte that the rule stops at, `length` without one; ORs what it passed into *seen. */
static inline __attribute__((always_inline)) size_t find(const char *bytes, size_t length, stop_rule *rule,
                                                         byte_vector *seen) {
    size_t at = 0;
    for (; length - at >= STRIDE_BYTES; at += STRIDE_BYTES) {
        byte_vector a = vector_load(bytes + at);
        byte_vector b = vector_load(bytes + at + VECTOR_BYTES);
        byte_vector c = vector_load(bytes + at + 2 * (size_t)VECTOR_BYTES);
        byte_vector d = vector_load(bytes + at + 3 * (size_t)VECTOR_BYTES);
        *seen |= a | b | c | d;
        if (vector_any(rule(a) | rule(b) | rule(c) | rule(d))) {
            break;
        }
    }
    for (; length - at >= VECTOR_BYTES; at += VECTOR_BYTES) {
        byte_vector vector = vector_load(bytes + at);
        byte_vector stops = rule(vector);
        *seen |= vector;
        if (vector_any(stops)) {
            return at + vector_first(stops);
        }
    }
    if (at < length) {
        byte_vector vector = vector_load_part(bytes + at, length - at, '0');
        byte_vector stops = rule(vector);
        *seen |= vector;
        return vector_any(stops) ? at + vector_first(stops) : length;
    }
    return length;
}

static bool json_scan_is_cancelled(const _Atomic bool *cancel) {
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* find() from `at` on, window by window. */
static inline __attribute__((always_inline)) size_t find_from(const char *bytes, size_t length, size_t at,
                                                              stop_rule *rule, byte_vector *seen,
                                                              const _Atomic bool *cancel) {
    while (length - at > WINDOW_BYTES) {
        size_t found = find(bytes + at, WINDOW_BYTES, rule, seen);
        at += found;
        if (found < WINDOW_BYTES) {
            return at;
        }
        if (json_scan_is_cancelled(cancel)) {
            return length;
        }
    }
    return at + find(bytes + at, length - at, rule, seen);
}

static inline uint64_t mask_controls(const byte_vector stride[4]) {
    uint64_t mask = 0;
    for (unsigned i = 4; i-- > 0;) {
        mask = mask << VECTOR_BYTES | vector_mask(vector_below(stride[i], 0x20));
    }
    return mask;
}

/* The bytes that are escaped; `carry` is whether the first one is by the stride before. In a run of backslashes every
 * other one escapes, from the run's first: a subtraction whose borrow runs along the run tells where, for all runs at
 * once (as in Langdale and Lemire, "Parsing gigabytes of JSON per second"). */
static inline uint64_t mask_escaped(uint64_t backslashes, bool carry) {
    const uint64_t odd = 0xAAAAAAAAAAAAAAAA;
    uint64_t starters = backslashes & ~(uint64_t)carry;
    uint64_t involved = ((starters << 1 | odd) - starters) ^ odd; /* those that escape, and what they escape */
    return involved ^ (backslashes | carry);
}

/* The stride at `at`, followed by zeros where the bytes end within it. */
static inline void load_stride(const char *bytes, size_t length, size_t at, byte_vector stride[4]) {
    char padded[STRIDE_BYTES];
    const char *from = bytes + at;
    if (length - at < STRIDE_BYTES) {
        memset(padded, '0', sizeof padded);
        memcpy(padded, from, length - at);
        from = padded;
    }
    memcpy(stride, from, sizeof padded);
}

/* Is a quote or a control character among them? */
static inline bool has_stop(const byte_vector stride[4]) {
    byte_vector stops = {0};
    for (unsigned i = 0; i < 4; i++) {
        stops |= vector_equal(stride[i], '"') | vector_below(stride[i], 0x20);
    }
    return vector_any(stops);
}

/* Does the stride's last byte escape the one after it? `carry`: is its first one escaped? */
static inline bool escapes_next(const char stride[STRIDE_BYTES], bool carry) {
    size_t run = 0;
    while (run < STRIDE_BYTES && stride[STRIDE_BYTES - 1 - run] == '\\') {
        run++;
    }
    return (run - (run == STRIDE_BYTES && carry)) % 2 != 0;
}

/* Moves span->end to the quote that ends a string, or to a control character before it, from a backslash on: a stride
 * at a time however many escapes there are. Which backslashes escape matters where a quote is, and at a stride's end:
 * that is cheap where the text has few quotes (bench/codecs: Zen of Python). False if there is neither; a stride that
 * isn't complete is looked at again then. */
static bool find_end(const char *bytes, size_t length, const _Atomic bool *cancel, struct json_span *span,
                     byte_vector *seen) {
    size_t at = span->end;
    bool carry = span->carry;
    bool found = false;
    for (size_t round = 1; at < length; at += STRIDE_BYTES, round++) {
        byte_vector stride[4];
        load_stride(bytes, length, at, stride);
        *seen |= stride[0] | stride[1] | stride[2] | stride[3];
        if (has_stop(stride)) {
            uint64_t escaped = mask_escaped(stride_equal(stride, '\\'), carry);
            uint64_t stops = (stride_equal(stride, '"') & ~escaped) | mask_controls(stride);
            found = stops != 0;
            if (found) {
                at += (size_t)__builtin_ctzll(stops);
                break;
            }
        }
        if (length - at < STRIDE_BYTES ||
            (round % (WINDOW_BYTES / STRIDE_BYTES) == 0 && json_scan_is_cancelled(cancel))) {
            break;
        }
        carry = escapes_next(bytes + at, carry);
    }
    span->end = at;
    span->carry = carry;
    return found;
}

enum json_scan_end json_scan_text(const char *bytes, size_t length, const _Atomic bool *cancel,
                                  struct json_span *span) {
    byte_vector seen = {0};
    bool found = false;
    if (!span->has_escape) {
        span->end = find_from(bytes, length, span->end, stop_in_text, &seen, cancel);
        found = span->end < length;
        span->has_escape = found && bytes[span->end] == '\\';
    }
    if (span->has_escape) {
        found = find_end(bytes, length, cancel, span, &seen);
    }
    span->is_ascii &= !vector_any(vector_at_least(seen, 0x80));
    if (!found) {
        return JSON_SCAN_CUT;
    }
    return bytes[span->end] == '"' ? JSON_SCAN_CLOSED : JSON_SCAN_FOREIGN;
}

enum json_scan_end json_scan_numbers(const char *bytes, size_t length, const _Atomic bool *cancel,
                                     struct json_span *span) {
    byte_vector unused = {0};
    span->end = find_from(bytes, length, span->end, stop_in_numbers, &unused, cancel);
    if (span->end == length) {
        return JSON_SCAN_CUT;
    }
    return bytes[span->end] == ']' ? JSON_SCAN_CLOSED : JSON_SCAN_FOREIGN;
}

/* Bytes that neither numbers, nor what is around them, nor brackets have. */
static inline uint64_t mask_foreign(const byte_vector stride[4]) {
    uint64_t mask = 0;
    for (unsigned i = 4; i-- > 0;) {
        byte_vector brackets = vector_equal(stride[i], '[') | vector_equal(stride[i], ']');
        mask = mask << VECTOR_BYTES | vector_mask(stop_in_numbers(stride[i]) & ~brackets);
    }
    return mask;
}

/* Bytes that can't be between two rows; a control character that can't either is left to the reader. */
static inline uint64_t mask_solid(const byte_vector stride[4]) {
    uint64_t mask = 0;
    for (unsigned i = 4; i-- > 0;) {
        mask = mask << VECTOR_BYTES | vector_mask(vector_at_least(stride[i], 0x21) & ~vector_equal(stride[i], ','));
    }
    return mask;
}

/* Bit i: whether bits 0 … i have an odd number of ones. */
static inline uint64_t parities(uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

/* The bits of those of a stride's bytes that are there. */
static inline uint64_t mask_present(size_t left) {
    return left < STRIDE_BYTES ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
}

/* Brackets of rows open and close in turn, so that how many there are up to a byte tells whether it is in a row. The
 * first that is out of turn is the one that closes the array, if all is well. */
enum json_scan_end json_scan_rows(const char *bytes, size_t length, const _Atomic bool *cancel,
                                  struct json_span *span) {
    size_t at = span->end; /* in *span both would be written for each stride: a quarter more time */
    uint64_t inside = 0 - (uint64_t)span->carry; /* all ones where a row goes on from the stride before */
    for (size_t round = 1; at < length; at += STRIDE_BYTES, round++) {
        byte_vector stride[4];
        load_stride(bytes, length, at, stride);
        uint64_t opening = stride_equal(stride, '[');
        uint64_t closing = stride_equal(stride, ']');
        uint64_t rows = parities(opening | closing) ^ inside; /* with their opening brackets */
        uint64_t out_of_turn = (opening & ~rows) | (closing & rows);
        uint64_t stops = out_of_turn | mask_foreign(stride) | (mask_solid(stride) & ~rows & ~closing);
        stops &= mask_present(length - at);
        if (stops) {
            span->end = at + (size_t)__builtin_ctzll(stops);
            return bytes[span->end] == ']' ? JSON_SCAN_CLOSED : JSON_SCAN_FOREIGN;
        }
        if (length - at < STRIDE_BYTES ||
            (round % (WINDOW_BYTES / STRIDE_BYTES) == 0 && json_scan_is_cancelled(cancel))) {
            break;
        }
        inside = 0 - (rows >> 63);
    }
    span->end = at;
    span->carry = inside != 0;
    return JSON_SCAN_CUT;
}

/* A stride's brackets and commas outside strings. */
struct structure {
    uint64_t opening;
    uint64_t closing;
    uint64_t commas;
};

/* How far a scan of nested values has come. */
struct nesting {
    size_t depth;     /* brackets that are open, beside the first */
    uint64_t in_text; /* all ones: a string goes on from the stride before */
    bool carry;       /* the stride's first byte is escaped */
};

/* [ { and ] } differ in bit 5 only. */
static inline void find_brackets(const byte_vector stride[4], uint64_t *opening, uint64_t *closing) {
    byte_vector folded[4];
    for (unsigned i = 0; i < 4; i++) {
        folded[i] = stride[i] | 0x20;
    }
    *opening = stride_equal(folded, '{');
    *closing = stride_equal(folded, '}');
}

static inline struct structure find_structure(const char *bytes, size_t length, size_t at, struct nesting *nesting) {
    byte_vector stride[4];
    load_stride(bytes, length, at, stride);
    uint64_t backslashes = stride_equal(stride, '\\');
    uint64_t quotes = stride_equal(stride, '"');
    if (backslashes != 0 || nesting->carry) {
        quotes &= ~mask_escaped(backslashes, nesting->carry);
        nesting->carry = escapes_next((const char *)stride, nesting->carry);
    }
    struct structure found = {0};
    uint64_t inside = nesting->in_text;
    if (quotes != 0) {
        inside ^= parities(quotes);
        nesting->in_text = 0 - (inside >> 63);
    }
    if (inside != UINT64_MAX) {
        find_brackets(stride, &found.opening, &found.closing);
        found.opening &= ~inside;
        found.closing &= ~inside;
        found.commas = stride_equal(stride, ',') & ~inside;
    }
    return found;
}

/* Commas between the values themselves. */
struct commas {
    size_t *at;
    size_t count;
    size_t most;
};

/* From just after an opening bracket to the one that closes it: its offset, `length` where there is none, or where
 * there are too many commas, which may be NULL: nobody wants them. */
static size_t pass_nested(const char *bytes, size_t length, size_t at, const _Atomic bool *cancel,
                          struct commas *commas) {
    struct nesting nesting = {0};
    for (size_t round = 1; at < length; at += STRIDE_BYTES, round++) {
        struct structure found = find_structure(bytes, length, at, &nesting);
        uint64_t marks = found.opening | found.closing;
        if (commas && (marks != 0 || nesting.depth == 0)) {
            marks |= found.commas;
        }
        for (; marks != 0; marks &= marks - 1) {
            uint64_t mark = marks & (0 - marks);
            size_t offset = at + (size_t)__builtin_ctzll(marks);
            if (mark & found.opening) {
                nesting.depth++;
            } else if (mark & found.closing) {
                if (nesting.depth == 0) {
                    return offset;
                }
                nesting.depth--;
            } else if (commas && nesting.depth == 0) {
                if (commas->count == commas->most) {
                    return length;
                }
                commas->at[commas->count++] = offset;
            }
        }
        if (length - at < STRIDE_BYTES ||
            (round % (WINDOW_BYTES / STRIDE_BYTES) == 0 && json_scan_is_cancelled(cancel))) {
            break;
        }
    }
    return length;
}

size_t json_scan_nested(const char *bytes, size_t length, size_t at, const _Atomic bool *cancel) {
    size_t end = pass_nested(bytes, length, at + 1, cancel, NULL);
    return end < length ? end + 1 : length;
}

enum json_scan_end json_scan_values(const char *bytes, size_t length, const _Atomic bool *cancel,
                                    struct json_span *span) {
    span->end = pass_nested(bytes, length, span->begin, cancel, NULL);
    return span->end < length ? JSON_SCAN_CLOSED : JSON_SCAN_CUT;
}

size_t json_scan_split(const char *bytes, const struct json_span *span, const _Atomic bool *cancel, size_t *ends,
                       size_t most) {
    struct commas commas = {.at = ends, .most = most};
    size_t length = span->end - span->begin;
    if (json_scan_spaces(bytes + span->begin, length) == length) {
        return 0;
    }
    size_t end = pass_nested(bytes, span->end + 1, span->begin, cancel, &commas);
    if (commas.count < most && end == span->end) {
        ends[commas.count] = end;
    }
    return commas.count + 1;
}

static inline byte_vector stop_in_spaces(byte_vector vector) {
    return ~(vector_equal(vector, ' ') | vector_equal(vector, '\n') | vector_equal(vector, '\r') |
             vector_equal(vector, '\t'));
}

size_t json_scan_spaces(const char *bytes, size_t length) {
    byte_vector unused = {0};
    return find(bytes, length, stop_in_spaces, &unused);
}

size_t json_scan_commas(const char *bytes, size_t length) {
    size_t count = 0;
    size_t at = 0;
    while (length - at >= STRIDE_BYTES) {
        byte_vector sums[4] = {{0}, {0}, {0}, {0}};
        for (int round = 0; round < PART_ROUNDS && length - at >= STRIDE_BYTES; round++, at += STRIDE_BYTES) {
            sums[0] -= vector_equal(vector_load(bytes + at), ',');
            sums[1] -= vector_equal(vector_load(bytes + at + VECTOR_BYTES), ',');
            sums[2] -= vector_equal(vector_load(bytes + at + 2 * (size_t)VECTOR_BYTES), ',');
            sums[3] -= vector_equal(vector_load(bytes + at + 3 * (size_t)VECTOR_BYTES), ',');
        }
        for (size_t i = 0; i < VECTOR_BYTES; i++) {
            count += (size_t)sums[0][i] + sums[1][i] + sums[2][i] + sums[3][i];
        }
    }
    for (; at < length; at++) {
        count += bytes[at] == ',';
    }
    return count;
}
