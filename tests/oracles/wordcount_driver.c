/* Counts words as told on stdin, for an oracle written in another language.
 *
 * Input: cases, each three little-endian 32-bit numbers (match: 0 exact, 1 letters, 2 words; bytes of needle; bytes of
 * text) and then the needle and the text. Output: a line per case with the simple version's count and the kernel's; if
 * teams disagree, the first count that differs from the simple one's. */
#include "kernels/wordcount/search/wordcount.h"
#include "tests/reference/wordcount_simple.h"

#include <stdio.h>
#include <stdlib.h>

struct input_case {
    enum wordcount_match match;
    size_t word_length, length;
    char *word, *text;
};

static const struct team teams[] = {
    {.threads = 1},
    {.threads = 1, .chunk = 1},
    {.threads = 2, .schedule = TEAM_DYNAMIC, .chunk = 7},
    {.threads = 2, .schedule = TEAM_GUIDED, .chunk = 64},
};

/* False at the end of the input, before the first byte of a number. A truncated one ends the program. */
static bool read_number(size_t *number) {
    unsigned char bytes[4];
    size_t got = fread(bytes, 1, sizeof bytes, stdin);
    if (got == 0) {
        return false;
    }
    if (got < sizeof bytes) {
        exit(2);
    }
    *number = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    return true;
}

static char *read_bytes(size_t length) {
    char *bytes = malloc(length ? length : 1);
    if (!bytes || fread(bytes, 1, length, stdin) != length) {
        exit(2);
    }
    return bytes;
}

static bool read_case(struct input_case *input) {
    size_t match;
    if (!read_number(&match)) {
        return false;
    }
    if (!read_number(&input->word_length) || !read_number(&input->length)) {
        exit(2);
    }
    input->match = match == 0 ? WORDCOUNT_EXACT : match == 1 ? WORDCOUNT_LETTERS : WORDCOUNT_WORDS;
    input->word = read_bytes(input->word_length);
    input->text = read_bytes(input->length);
    return true;
}

static uint64_t count_with_all_teams(const struct input_case *input, uint64_t expected) {
    uint64_t count = 0;
    for (size_t i = 0; i < sizeof teams / sizeof *teams; i++) {
        struct progress progress = {0};
        enum kernel_status status = wordcount(input->text, input->length, input->word, input->word_length, input->match,
                                              &teams[i], &progress, &count);
        if (status != KERNEL_DONE) {
            exit(3);
        }
        if (count != expected) {
            break;
        }
    }
    return count;
}

int main(void) {
    struct input_case input;
    while (read_case(&input)) {
        uint64_t simple = wordcount_simple(input.text, input.length, input.word, input.word_length, input.match);
        printf("%llu %llu\n", (unsigned long long)simple, (unsigned long long)count_with_all_teams(&input, simple));
        free(input.word);
        free(input.text);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
