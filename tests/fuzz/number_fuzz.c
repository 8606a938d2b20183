/* libFuzzer target: number text. The input as text must be a number exactly if a regular expression says so, with the
 * bits that strtod gives; its first eight bytes as a double must be printed so that strtod reads the same bits back,
 * and with fewer digits be rounded as printf rounds, never having more digits than the shortest text has. As a list the
 * text must be the numbers that it is one by one, and all of its doubles must be printed together as they are one by
 * one.
 */
#include "tests/fuzz/target.h"

#include "codecs/numbers/number_list.h"
#include "codecs/numbers/number_print.h"
#include "codecs/numbers/number_read.h"

#include <math.h>
#include <regex.h>

enum { TEXT_MAX = 1 << 12, TOGETHER_MAX = 100 };

static regex_t number_form;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    static const char *const form = "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$";
    require(regcomp(&number_form, form, REG_EXTENDED | REG_NOSUB) == 0, "a number's expression");
    return 0;
}

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

/* `text` ends with a NUL, which no number contains. */
static void compare_read(const char *text, size_t length) {
    double found = NAN;
    struct number_reading reading = number_read(text, text + length, &found);
    require(reading.end >= text && reading.end <= text + length, "where it ends");
    bool is_number = reading.status != NUMBER_MALFORMED && reading.end == text + length;
    bool matches = strlen(text) == length && regexec(&number_form, text, 0, NULL, 0) == 0;
    require(is_number == matches, "whether it is a number");
    if (matches) {
        double expected = strtod(text, NULL);
        require(reading.status == (isinf(expected) ? NUMBER_OVERFLOWS : NUMBER_READ), "whether a double can hold it");
        require(isinf(expected) || same_bits(found, expected), "a number's bits");
    }
}

/* A limit that the text's first byte chooses; the list starts at the second. */
static void compare_list(const char *text, size_t length) {
    if (length == 0) {
        return;
    }
    const char *at = text + 1;
    const char *end = text + length;
    size_t rest = (size_t)(end - at);
    size_t cut = (unsigned char)*text;
    struct number_text list = {.begin = at, .end = end, .limit = cut < rest ? end - cut : end};
    double *values = take((length + 1) * sizeof *values);
    double *out = values;
    const char *stop = number_read_list(&list, at, &out);
    for (double *value = values;; value++) {
        double expected = NAN;
        at += strspn(at, " \t\r\n");
        struct number_reading reading = number_read(at, end, &expected);
        if (reading.status != NUMBER_READ || *reading.end != ',' || reading.end >= list.limit) {
            require(value == out, "how many numbers a list has");
            break;
        }
        require(value < out && same_bits(*value, expected), "a number of a list");
        at = reading.end + 1;
    }
    require(stop == at, "where a list ends");
    free(values);
}

/* From the first that isn't 0 to the last. */
static size_t count_digits(const char *text) {
    size_t seen = 0;
    size_t significant = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        bool is_digit = *text >= '0' && *text <= '9';
        seen += is_digit && (seen > 0 || *text != '0') ? 1 : 0;
        significant = is_digit && *text != '0' ? seen : significant;
    }
    return significant;
}

static void compare_printed(double value) {
    size_t shortest = NUMBER_PRINT_MAX; /* as text: large whole numbers are written out */
    for (unsigned precision = NUMBER_PRECISION_MAX; precision > 0; precision--) {
        char rounded[NUMBER_PRINT_MAX + 8];
        char text[NUMBER_PRINT_MAX + 1];
        size_t length = 0;
        size_t printed = number_print_piece(&value, 1, precision, false, text, NUMBER_PRINT_MAX, &length);
        require(printed == (isfinite(value) ? 1 : 0) && length <= NUMBER_PRINT_MAX, "how many are printed");
        text[length] = '\0'; /* ends the number for those who read it back */
        if (!isfinite(value)) {
            continue;
        }
        size_t digits = count_digits(text);
        bool is_whole = precision == NUMBER_PRECISION_MAX || fabs(value) > 1e308;
        require(digits <= shortest && (digits <= precision || is_whole), "how many digits");
        shortest = precision == NUMBER_PRECISION_MAX ? digits : shortest;
        (void)snprintf(rounded, sizeof rounded, "%.*g", (int)precision, value);
        double found = strtod(text, NULL);
        is_whole = is_whole || shortest <= precision;
        require(same_bits(found, is_whole ? value : strtod(rounded, NULL)), "what is printed");
        compare_read(text, length);
    }
}

/* Into a buffer of `capacity` bytes, which may be too small for all. */
static void compare_together(const double *values, size_t count, size_t capacity) {
    char *expected = take(count * NUMBER_PRINT_MAX);
    char *text = take(capacity);
    size_t length = 0;
    size_t printed = number_print_piece(values, count, NUMBER_PRECISION_MAX, false, text, capacity, &length);
    require(printed <= count && length <= capacity, "how many are printed together");
    size_t used = 0;
    for (size_t i = 0; i < printed; i++) {
        size_t added = 0;
        require(number_print_piece(values + i, 1, NUMBER_PRECISION_MAX, i > 0, expected + used, NUMBER_PRINT_MAX,
                                   &added) == 1,
                "what is printed together is finite");
        used += added;
    }
    require(length == used && memcmp(text, expected, used) == 0, "numbers printed together");
    require(printed == count || !isfinite(values[printed]) || capacity - length < NUMBER_PRINT_MAX, "why it stopped");
    free(text);
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > TEXT_MAX) {
        return 0;
    }
    char *text = take(size + 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    compare_read(text, size);
    compare_list(text, size);
    free(text);
    double value = 0;
    if (size >= sizeof value) {
        memcpy(&value, data, sizeof value);
    }
    compare_printed(value);
    size_t count = size / sizeof value < TOGETHER_MAX ? size / sizeof value : TOGETHER_MAX;
    double *values = take(count * sizeof value);
    if (count > 0) {
        memcpy(values, data, count * sizeof value);
    }
    compare_together(values, count, count * NUMBER_PRINT_MAX);
    compare_together(values, count, size * 2);
    free(values);
    return 0;
}
