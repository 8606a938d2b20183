#include "codecs/coding/content_coding.h"

#include "codecs/weight.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { CODINGS = CONTENT_DEFLATE + 1, ANY = CODINGS, NOT_NAMED = -1, HEADER_SHOWN_MAX = 60 };

/* By enum content_coding; "*" comes last. */
static const char *const names[] = {"identity", "gzip", "zstd", "deflate", "*"};

const char *content_coding_name(enum content_coding coding) {
    return names[coding];
}

enum content_coding content_coding_of(const char *bytes, size_t length) {
    static const char gzip_magic[] = {'\x1F', '\x8B'};
    static const char zstd_magic[] = {'\x28', '\xB5', '\x2F', '\xFD'};
    if (length >= sizeof gzip_magic && memcmp(bytes, gzip_magic, sizeof gzip_magic) == 0) {
        return CONTENT_GZIP;
    }
    if (length >= sizeof zstd_magic && memcmp(bytes, zstd_magic, sizeof zstd_magic) == 0) {
        return CONTENT_ZSTD;
    }
    /* The levels' four without a dictionary, which HTTP has none of: those with one are also the beginning of texts,
     * such as "x ". */
    bool is_zlib = length >= 2 && bytes[0] == '\x78' && memchr("\x01\x5E\x9C\xDA", bytes[1], 4);
    return is_zlib ? CONTENT_DEFLATE : CONTENT_IDENTITY;
}

static bool equals(const char *text, size_t length, const char *name) {
    return length == strlen(name) && strncasecmp(text, name, length) == 0;
}

/* Index into names, ANY + 1 for others. */
static size_t find(const char *text, size_t length) {
    if (equals(text, length, "x-gzip")) {
        return CONTENT_GZIP;
    }
    size_t index = 0;
    while (index <= ANY && !equals(text, length, names[index])) {
        index++;
    }
    return index;
}

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t");
}

enum problem_kind content_coding_parse(const char *content_encoding, enum content_coding *coding,
                                       struct problem *problem) {
    const char *at = skip_space(content_encoding ? content_encoding : "");
    size_t length = strcspn(at, " \t");
    size_t index = length > 0 ? find(at, length) : CONTENT_IDENTITY;
    if (index >= ANY || *skip_space(at + length) != '\0') {
        return problem_set(problem, PROBLEM_UNSUPPORTED_ENCODING, NULL,
                           "Content-Encoding \"%.*s\" is not supported; these are, one at a time: %s", HEADER_SHOWN_MAX,
                           at, CONTENT_CODINGS);
    }
    *coding = (enum content_coding)index;
    return PROBLEM_NONE;
}

/* The weight behind a name, "; q = 0.5"; NOT_NAMED where something else is there. `end`: no white space is before it.
 */
static int read_parameter(const char *at, const char *end) {
    at = skip_space(at);
    if (at >= end) {
        return WEIGHT_MAX;
    }
    if (*at != ';') {
        return NOT_NAMED;
    }
    const char *name = skip_space(at + 1);
    if (name >= end) {
        return WEIGHT_MAX;
    }
    const char *sign = skip_space(name + 1);
    if ((*name != 'q' && *name != 'Q') || *sign != '=') {
        return NOT_NAMED;
    }
    const char *value = skip_space(sign + 1);
    if (value < end && memchr(value, ';', (size_t)(end - value))) {
        return NOT_NAMED;
    }
    return value < end ? (int)weight_read(value, end) : WEIGHT_MAX;
}

/* One element of the list, "gzip;q=0.5". A later mention of the same coding doesn't change the first. */
static void note_element(const char *at, const char *end, int *weights) {
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    size_t length = strcspn(at, " \t;,");
    size_t index = find(at, length);
    if (index <= ANY && weights[index] == NOT_NAMED) {
        weights[index] = read_parameter(at + length, end);
    }
}

/* How many there are of the orders below. */
enum { MADE_CODINGS = 3, STORED_CODINGS = 2 };

/* Of those with the highest weight the best. */
static enum content_coding find_heaviest(const int *weights, size_t count) {
    static const enum content_coding best[] = {CONTENT_ZSTD, CONTENT_GZIP, CONTENT_DEFLATE};
    enum content_coding heaviest = best[0];
    for (size_t i = 1; i < count; i++) {
        if (weights[best[i]] > weights[heaviest]) {
            heaviest = best[i];
        }
    }
    return heaviest;
}

/* What "*" stands for, the most common one first; CONTENT_IDENTITY: all are named. */
static enum content_coding find_unnamed(const int *weights, size_t count) {
    static const enum content_coding common[] = {CONTENT_GZIP, CONTENT_ZSTD, CONTENT_DEFLATE};
    for (size_t i = 0; i < count; i++) {
        if (weights[common[i]] == NOT_NAMED) {
            return common[i];
        }
    }
    return CONTENT_IDENTITY;
}

enum problem_kind content_coding_choose(const char *accept_encoding, enum content_offer offer,
                                        enum content_coding *coding, bool *must, struct problem *problem) {
    int weights[] = {NOT_NAMED, NOT_NAMED, NOT_NAMED, NOT_NAMED, NOT_NAMED};
    static_assert(sizeof weights / sizeof *weights == ANY + 1, "one for each name");
    for (const char *at = accept_encoding ? accept_encoding : ""; *at != '\0';) {
        at = skip_space(at);
        const char *end = at + strcspn(at, ",");
        note_element(at, end, weights);
        at = end + (*end == ',');
    }
    const size_t count = offer == CONTENT_STORED ? STORED_CODINGS : MADE_CODINGS;
    int identity = weights[CONTENT_IDENTITY];
    *must = identity == 0 || (identity == NOT_NAMED && weights[ANY] == 0);
    *coding = find_heaviest(weights, count);
    if (weights[*coding] > 0 && weights[*coding] >= identity) {
        return PROBLEM_NONE;
    }
    *coding = CONTENT_IDENTITY;
    if (!*must) {
        return PROBLEM_NONE;
    }
    if (weights[ANY] > 0) {
        *coding = find_unnamed(weights, count);
    }
    if (*coding != CONTENT_IDENTITY) {
        return PROBLEM_NONE;
    }
    return problem_set(problem, PROBLEM_NOT_ACCEPTABLE, NULL, "Accept-Encoding \"%.*s\" refuses identity and all of %s",
                       HEADER_SHOWN_MAX, accept_encoding, offer == CONTENT_STORED ? "zstd, gzip" : CONTENT_CODINGS);
}
