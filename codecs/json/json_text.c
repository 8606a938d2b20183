/* Two passes, the second only where there is a backslash: UTF-8 over the raw bytes (escapes are ASCII and don't disturb
 * it), then escape by escape with the runs between them moved as they are. Of two mistakes the first one is reported.
 */
#include "codecs/json/json_text.h"

#include "codecs/json/byte_vector.h"
#include "codecs/json/utf8_check.h"

#include <stdatomic.h>
#include <string.h>

enum { WINDOW_BYTES = 1024 * 1024, ESCAPE_DIGITS = 4 };

/* Unescaping, or only looking. */
struct pass {
    const char *body;
    size_t at;
    size_t end;
    bool writes;
    char *out;         /* where it writes: never ahead of `at` */
    size_t refused_at; /* the first byte that no escape has, or a surrogate's backslash; SIZE_MAX without one */
    bool is_surrogate; /* that stands alone */
};

static bool json_text_is_cancelled(const _Atomic bool *cancel) {
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* The character that a two-byte escape stands for, 0 where there is no such escape. */
static const char short_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};

/* Values of hexadecimal digits, with bit 4 set: that is 0 for what is none. */
static const unsigned char digit_values[256] = {
    ['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21, ['6'] = 22, ['7'] = 23,
    ['8'] = 24, ['9'] = 25, ['a'] = 26, ['b'] = 27, ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
    ['A'] = 26, ['B'] = 27, ['C'] = 28, ['D'] = 29, ['E'] = 30, ['F'] = 31};

static unsigned digit_value(char digit) {
    return digit_values[(unsigned char)digit];
}

/* Where a \u escape isn't one. */
static size_t find_no_digit(const struct pass *pass, size_t at) {
    while (at < pass->end && digit_value(pass->body[at]) != 0) {
        at++;
    }
    return at;
}

/* The four digits of a \u escape; false, with pass->refused_at, where one isn't there. */
static bool read_unit(struct pass *pass, size_t digits_at, unsigned *unit) {
    const char *digits = pass->body + digits_at;
    if (pass->end - digits_at >= ESCAPE_DIGITS) {
        unsigned a = digit_value(digits[0]), b = digit_value(digits[1]);
        unsigned c = digit_value(digits[2]), d = digit_value(digits[3]);
        *unit = (a & 15) << 12 | (b & 15) << 8 | (c & 15) << 4 | (d & 15);
        if (a & b & c & d & 16) {
            return true;
        }
    }
    pass->refused_at = find_no_digit(pass, digits_at);
    return false;
}

static char continuation(unsigned code, unsigned shift) {
    return (char)(0x80 | (code >> shift & 0x3F));
}

static void put_code(struct pass *pass, unsigned code) {
    char *out = pass->out;
    if (!pass->writes) {
        return;
    }
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = continuation(code, 0);
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = continuation(code, 6);
        *out++ = continuation(code, 0);
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = continuation(code, 12);
        *out++ = continuation(code, 6);
        *out++ = continuation(code, 0);
    }
    pass->out = out;
}

static bool is_low(unsigned unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* A \u escape, or a pair of them; pass->at is at its backslash. False where it is none, or half a pair. */
static bool unescape_unit(struct pass *pass) {
    unsigned unit;
    unsigned low;
    size_t start = pass->at;
    if (!read_unit(pass, start + 2, &unit)) {
        return false;
    }
    pass->at += 2 + ESCAPE_DIGITS;
    bool pairs = unit >= 0xD800 && unit <= 0xDBFF && pass->end - pass->at >= 2 && pass->body[pass->at] == '\\' &&
                 pass->body[pass->at + 1] == 'u';
    if (pairs) {
        if (!read_unit(pass, pass->at + 2, &low)) {
            return false;
        }
        if (is_low(low)) {
            pass->at += 2 + ESCAPE_DIGITS;
            put_code(pass, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
            return true;
        }
    }
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        pass->refused_at = start;
        pass->is_surrogate = true;
        return false;
    }
    put_code(pass, unit);
    return true;
}

/* The escape at pass->at; false where it isn't one. */
static bool unescape(struct pass *pass) {
    char letter = pass->at + 1 < pass->end ? pass->body[pass->at + 1] : '\0';
    if (letter == 'u') {
        return unescape_unit(pass);
    }
    char character = short_escapes[(unsigned char)letter];
    if (!character) {
        pass->refused_at = pass->at + 1;
        return false;
    }
    if (pass->writes) {
        *pass->out++ = character;
    }
    pass->at += 2;
    return true;
}

static void put_run(struct pass *pass, const char *from, char *out) {
    pass->at = (size_t)(from - pass->body);
    pass->out = out;
}

/* Moves what comes before the next backslash, or `limit`. A whole vector is written, and what is too much of it written
 * over later, once the text has fallen so far behind that nothing unread is hit. */
static void pass_run(struct pass *pass, size_t limit) {
    const char *from = pass->body + pass->at;
    const char *end = pass->body + limit;
    char *out = pass->out;
    while (end - from >= VECTOR_BYTES) {
        byte_vector vector = vector_load(from);
        byte_vector backslashes = vector_equal(vector, '\\');
        bool stops = vector_any(backslashes);
        if (stops && from - out < VECTOR_BYTES) {
            break;
        }
        size_t count = stops ? vector_first(backslashes) : VECTOR_BYTES;
        vector_store(out, vector);
        from += count;
        out += count;
        if (stops) {
            put_run(pass, from, out);
            return;
        }
    }
    while (from < end && *from != '\\') {
        *out++ = *from++;
    }
    put_run(pass, from, out);
}

static inline uint64_t mask_backslashes(const char *block) {
    byte_vector stride[4];
    memcpy(stride, block, sizeof stride);
    return stride_equal(stride, '\\');
}

/* Goes through the text up to near the limit, or to an escape that has no two bytes. How long runs are can't be
 * predicted, so they are moved as a block, however short. It takes 64 escapes for the text to have fallen so far behind
 * that this hits nothing unread. The last block that is moved begins 65 bytes behind another block's start at most, and
 * has to end with the text: what follows may be another piece, and another thread's. Zen of Python, bench/codecs: 7.4
 * GB/s run by run, 12.2 so. */
static void pass_blocks(struct pass *pass, size_t limit) {
    const char *from = pass->body + pass->at;
    const char *end = pass->body + limit;
    char *out = pass->out;
    while (end - from > 2 * STRIDE_BYTES) {
        const char *block = from;
        uint64_t backslashes = mask_backslashes(block);
        memcpy(out, from, STRIDE_BYTES);
        while (backslashes) {
            const char *backslash = block + __builtin_ctzll(backslashes);
            out += backslash - from;
            from = backslash;
            char character = short_escapes[(unsigned char)from[1]];
            if (!character) {
                put_run(pass, from, out);
                return;
            }
            *out++ = character;
            from += 2;
            memcpy(out, from, STRIDE_BYTES);
            backslashes = from - block < STRIDE_BYTES ? backslashes & UINT64_MAX << (from - block) : 0;
        }
        if (from - block < STRIDE_BYTES) {
            out += block + STRIDE_BYTES - from;
            from = block + STRIDE_BYTES;
        }
    }
    put_run(pass, from, out);
}

/* The same without an output. */
static void skip_run(struct pass *pass, size_t limit) {
    const char *backslash = memchr(pass->body + pass->at, '\\', limit - pass->at);
    pass->at = backslash ? (size_t)(backslash - pass->body) : limit;
}

/* Up to the end, or the first escape that isn't one, or until cancelled. */
static void json_text_run(struct pass *pass, const _Atomic bool *cancel) {
    size_t window_end = pass->at;
    while (pass->at < pass->end) {
        if (pass->at >= window_end) {
            if (json_text_is_cancelled(cancel)) {
                return;
            }
            window_end = pass->end - pass->at > WINDOW_BYTES ? pass->at + WINDOW_BYTES : pass->end;
        }
        if (pass->writes) {
            if (pass->body + pass->at - pass->out >= STRIDE_BYTES) {
                pass_blocks(pass, window_end);
            }
            pass_run(pass, window_end);
        } else {
            skip_run(pass, window_end);
        }
        while (pass->at < window_end && pass->body[pass->at] == '\\') {
            if (!unescape(pass)) {
                return;
            }
        }
    }
}

/* SIZE_MAX without one. */
static size_t find_invalid(const char *body, const struct json_span *span, const _Atomic bool *cancel) {
    size_t at = span->begin;
    while (!span->is_ascii && at < span->end && !json_text_is_cancelled(cancel)) {
        size_t left = span->end - at;
        size_t valid = utf8_check(body + at, left < WINDOW_BYTES ? left : WINDOW_BYTES);
        at += valid;
        /* A window's last character may be cut off. */
        if (valid < left && (left <= WINDOW_BYTES || valid < WINDOW_BYTES - 3)) {
            return at;
        }
    }
    return SIZE_MAX;
}

static enum problem_kind json_text_refuse(const struct pass *pass, size_t invalid_at, struct problem *problem) {
    if (invalid_at < pass->refused_at) {
        return problem_set(problem, PROBLEM_INVALID_UTF8, NULL, "at byte %zu: unable to decode byte 0x%02x",
                           invalid_at + 1, (unsigned char)pass->body[invalid_at]);
    }
    return pass->is_surrogate
               ? problem_set(problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: invalid Unicode '%.6s'",
                             pass->refused_at + 1, pass->body + pass->refused_at)
               : problem_set(problem, PROBLEM_INVALID_JSON, NULL, "at byte %zu: invalid escape", pass->refused_at + 1);
}

/* Unescapes to *out and moves it behind the text, where out isn't NULL. */
static enum problem_kind process(const char *body, const struct json_span *span, const _Atomic bool *cancel, char **out,
                                 struct problem *problem) {
    size_t invalid_at = find_invalid(body, span, cancel);
    struct pass pass = {.body = body,
                        .at = span->begin,
                        .end = span->end,
                        .writes = out && invalid_at == SIZE_MAX,
                        .out = out ? *out : NULL,
                        .refused_at = SIZE_MAX};
    if (span->has_escape) {
        json_text_run(&pass, cancel);
    }
    if (invalid_at < SIZE_MAX || pass.refused_at < SIZE_MAX) {
        return json_text_refuse(&pass, invalid_at, problem);
    }
    if (out) {
        *out = pass.out;
    }
    return PROBLEM_NONE;
}

enum problem_kind json_text_check(const char *body, const struct json_span *span, const _Atomic bool *cancel,
                                  struct problem *problem) {
    return process(body, span, cancel, NULL, problem);
}

enum problem_kind json_text_read(char *body, const struct json_span *span, const _Atomic bool *cancel,
                                 struct text_view *out, struct problem *problem) {
    char *end = body + span->begin;
    *out = (struct text_view){.bytes = end, .length = span->end - span->begin};
    enum problem_kind kind = process(body, span, cancel, span->has_escape ? &end : NULL, problem);
    if (span->has_escape) {
        out->length = (size_t)(end - out->bytes);
    }
    return kind;
}

/* ---- cutting ---- */

/* "\ud83d\ude00" is the longest escape. */
enum { ESCAPE_MAX = 12, SEARCH_BYTES = 64 * 1024 };

/* Is there the first half of a pair just before `at`? It may be taken for one where it isn't. */
static bool follows_high(const char *body, const struct json_span *span, size_t at) {
    enum { UNIT = 2 + ESCAPE_DIGITS };
    const char *unit = body + at - UNIT;
    return at - span->begin >= UNIT && unit[0] == '\\' && unit[1] == 'u' && (unit[2] | 0x20) == 'd' &&
           (digit_value(unit[3]) & 28) == 24;
}

static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* The first place from `at` on where a character begins and an escape, if any: the end, if it isn't near. A backslash
 * behind something else begins an escape; and what has none before it, as far as an escape is long, is in none. (In
 * strings that aren't right this may cut an escape; its first half is what is wrong with it, then.) */
static size_t find_cut(const char *body, const struct json_span *span, size_t at) {
    size_t clean = 0; /* bytes before `at` without a backslash, as far as they matter */
    while (clean < ESCAPE_MAX && at - clean > span->begin && body[at - clean - 1] != '\\') {
        clean++;
    }
    size_t limit = span->end - at > SEARCH_BYTES ? at + SEARCH_BYTES : span->end;
    for (; at < limit; at++) {
        bool is_start = body[at] == '\\' && clean > 0 && !follows_high(body, span, at);
        if (is_start || (clean >= ESCAPE_MAX && !is_continuation(body[at]))) {
            return at;
        }
        clean = body[at] == '\\' ? 0 : clean + 1;
    }
    return span->end;
}

void json_text_cut(const char *body, const struct json_span *span, size_t count, struct json_span *pieces) {
    size_t length = span->end - span->begin;
    size_t begin = span->begin;
    for (size_t i = 0; i < count; i++) {
        size_t wanted = span->begin + length / count * (i + 1);
        size_t end = i + 1 == count ? span->end : wanted <= begin ? begin : find_cut(body, span, wanted);
        pieces[i] = *span;
        pieces[i].begin = begin;
        pieces[i].end = begin = end;
    }
}
