#include "kernels/expression/lexer.h"

#include "kernels/expression/advice.h"
#include "kernels/expression/functions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No number is longer than the text. */
enum { NUMBER_MAX = EXPRESSION_TEXT_MAX + 1 };

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f';
}

/* Python's, each with what takes its place. */
static const struct {
    const char *word, *advice;
} keywords[] = {
    {"and", "write (a) & (b)"},
    {"or", "write (a) | (b)"},
    {"not", "write ~(a)"},
    {"if", "write where(condition, a, b)"},
    {"else", "write where(condition, a, b)"},
    {"elif", "write where(condition, a, b)"},
    {"is", "write =="},
    {"in", "write a == b"},
    {"lambda", "its body alone is the expression"},
    {"def", "its body alone is the expression"},
    {"return", "what is behind the last ; is the result"},
    {"None", "there is nan"},
    {"False", ""},
    {"True", ""},
    {"as", NULL},
    {"assert", NULL},
    {"async", NULL},
    {"await", NULL},
    {"break", NULL},
    {"class", NULL},
    {"continue", NULL},
    {"del", NULL},
    {"except", NULL},
    {"finally", NULL},
    {"for", "all elements are computed, without a loop"},
    {"from", NULL},
    {"global", NULL},
    {"import", "all functions are there, without a module"},
    {"nonlocal", NULL},
    {"pass", NULL},
    {"raise", NULL},
    {"try", NULL},
    {"while", "all elements are computed, without a loop"},
    {"with", NULL},
    {"yield", NULL},
};

const char *lexer_keyword(const char *bytes, size_t length) {
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        const char *word = keywords[i].word;
        if (word[0] == bytes[0] && strlen(word) == length && memcmp(word, bytes, length) == 0) {
            return keywords[i].advice ? keywords[i].advice : "expressions have operators and calls alone";
        }
    }
    return NULL;
}

bool expression_is_name(const char *bytes, size_t length) {
    if (length == 0 || length > EXPRESSION_NAME_MAX || !is_letter(bytes[0])) {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        if (!is_letter(bytes[i]) && !is_digit(bytes[i])) {
            return false;
        }
    }
    return !lexer_keyword(bytes, length);
}

void lexer_refuse(struct lexer *lexer, size_t byte, const char *format, ...) {
    struct expression_error *error = lexer->error;
    if (lexer_failed(lexer)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    error->names_nothing = false;
    error->byte = byte;
    error->offset = 0;
    for (size_t i = 0; i < byte; i++) {
        error->offset += ((unsigned char)lexer->bytes[i] & 0xC0U) != 0x80;
    }
}

static char peek(const struct lexer *lexer, size_t ahead) {
    return lexer->length - lexer->at > ahead ? lexer->bytes[lexer->at + ahead] : '\0';
}

static struct token wrong(struct token token) {
    token.kind = TOKEN_WRONG;
    return token;
}

static int digit_value(char byte) {
    return is_digit(byte) ? byte - '0' : is_letter(byte) && byte != '_' ? (byte | 0x20) - 'a' + 10 : -1;
}

/* Digits of the base, with single _ between them, which become part of the string `out`. False: none. */
static bool take_digits(struct lexer *lexer, int base, char *out, size_t *used) {
    size_t before = *used;
    for (;;) {
        int value = digit_value(peek(lexer, 0));
        if (value >= 0 && value < base) {
            out[(*used)++] = peek(lexer, 0);
            lexer->at++;
        } else if (peek(lexer, 0) == '_' && *used > before && digit_value(peek(lexer, 1)) >= 0) {
            lexer->at++;
        } else {
            out[*used] = '\0';
            return *used > before;
        }
    }
}

static struct token finish_integer(struct lexer *lexer, struct token token, const char *digits, int base) {
    uint64_t value = 0;
    token.end = lexer->at;
    token.kind = TOKEN_INTEGER;
    for (; *digits; digits++) {
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit_value(*digits), &value) || value > UINT64_C(1) << 63) {
            lexer_refuse(lexer, token.begin, "the integer is no int64; with a point it is a float64");
            return wrong(token);
        }
    }
    token.integer = value;
    return token;
}

/* 0x1F, 0o17, 0b101. */
static struct token lex_based(struct lexer *lexer, struct token token, int base) {
    char digits[NUMBER_MAX];
    size_t used = 0;
    lexer->at += peek(lexer, 2) == '_' ? 3 : 2;
    if (!take_digits(lexer, base, digits, &used) || is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0))) {
        lexer_refuse(lexer, token.begin, "this is no integer of base %d", base);
        return wrong(token);
    }
    return finish_integer(lexer, token, digits, base);
}

static bool take_exponent(struct lexer *lexer, char *text, size_t *used) {
    size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
    if ((peek(lexer, 0) != 'e' && peek(lexer, 0) != 'E') || !is_digit(peek(lexer, 1 + sign))) {
        return false;
    }
    text[(*used)++] = 'e';
    if (sign) {
        text[(*used)++] = peek(lexer, 1);
    }
    lexer->at += 1 + sign;
    return take_digits(lexer, 10, text, used);
}

/* Digits, a point, digits, an exponent; strtod rounds them right. */
static struct token lex_number(struct lexer *lexer, struct token token) {
    char text[NUMBER_MAX];
    size_t used = 0;
    bool has_whole = take_digits(lexer, 10, text, &used);
    bool is_float = peek(lexer, 0) == '.';
    bool starts_with_0 = has_whole && text[0] == '0' && used > 1 && strspn(text, "0") < used;
    if (is_float) {
        text[used++] = '.';
        lexer->at++;
        (void)take_digits(lexer, 10, text, &used);
    }
    is_float = take_exponent(lexer, text, &used) || is_float;
    token.end = lexer->at;
    if (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)) || (!is_float && starts_with_0)) {
        bool is_imaginary = peek(lexer, 0) == 'j' || peek(lexer, 0) == 'J';
        lexer_refuse(lexer, token.begin, "this is no number%s",
                     is_imaginary    ? ": there are no complex ones"
                     : starts_with_0 ? ": it begins with a 0"
                                     : ": is an operator missing?");
        return wrong(token);
    }
    if (!is_float) {
        return finish_integer(lexer, token, text, 10);
    }
    token.kind = TOKEN_FLOAT;
    token.number = strtod(text, NULL);
    return token;
}

static struct token lex_name(struct lexer *lexer, struct token token) {
    while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
    token.end = lexer->at;
    token.kind = TOKEN_NAME;
    if (token.end - token.begin > EXPRESSION_NAME_MAX) {
        lexer_refuse(lexer, token.begin, "a name has at most %d characters", EXPRESSION_NAME_MAX);
        return wrong(token);
    }
    return token;
}

static const struct {
    const char *spelling; /* longer ones before what they begin with, frequent ones first */
    enum token_kind kind;
} operators[] = {
    {"(", TOKEN_OPEN},         {")", TOKEN_CLOSE},          {"+", TOKEN_PLUS},          {"-", TOKEN_MINUS},
    {"**", TOKEN_POWER},       {"*", TOKEN_TIMES},          {"//", TOKEN_FLOOR_DIVIDE}, {"/", TOKEN_DIVIDE},
    {",", TOKEN_COMMA},        {"<<", TOKEN_SHIFT_LEFT},    {"<=", TOKEN_LESS_EQUAL},   {"<", TOKEN_LESS},
    {">>", TOKEN_SHIFT_RIGHT}, {">=", TOKEN_GREATER_EQUAL}, {">", TOKEN_GREATER},       {"==", TOKEN_EQUAL},
    {"=", TOKEN_ASSIGN},       {"!=", TOKEN_NOT_EQUAL},     {"&", TOKEN_AND},           {"|", TOKEN_OR},
    {"^", TOKEN_XOR},          {"~", TOKEN_INVERT},         {"%", TOKEN_MODULO},        {";", TOKEN_SEPARATOR},
};

/* A point that is no number's, by what follows it: np.exp, x.sum(), x.shape. */
static struct token refuse_point(struct lexer *lexer, struct token token) {
    const char *name = lexer->bytes + token.begin + 1;
    size_t length = 0, room = lexer->length - token.begin - 1;
    while (length < room && (is_letter(name[length]) || is_digit(name[length]))) {
        length++;
    }
    const char *advice = length > 0 ? advice_function(name, length) : NULL;
    if (length > 0 && (function_find(name, length) || function_constant(name, length))) {
        lexer_refuse(lexer, token.begin, ". means nothing here: there are no modules and no methods, write %.*s%s",
                     (int)length, name, function_find(name, length) ? "(...)" : "");
    } else if (advice) {
        lexer_refuse(lexer, token.begin, ". means nothing here: names have no attributes; %s", advice);
    } else {
        lexer_refuse(lexer, token.begin, ". means nothing here: names have no attributes, and functions no module");
    }
    return wrong(token);
}

static struct token refuse_byte(struct lexer *lexer, struct token token) {
    char byte = lexer->bytes[token.begin];
    const char *advice = advice_character(lexer->bytes + token.begin, lexer->length - token.begin);
    if (byte >= ' ' && byte < 0x7F) {
        lexer_refuse(lexer, token.begin, "%c means nothing here%s", byte, advice);
    } else if (!((unsigned char)byte & 0x80U)) {
        lexer_refuse(lexer, token.begin, "the control character \\x%02x means nothing here", (unsigned)byte);
    } else {
        lexer_refuse(lexer, token.begin, "a character that isn't ASCII's means nothing here%s", advice);
    }
    return wrong(token);
}

/* Other languages' operators, of which the first byte alone is one here. */
static const struct {
    char spelling[3];
    const char *advice;
} foreign[] = {
    {"&&", "write (a) & (b)"},
    {"||", "write (a) | (b)"},
    {"<>", "write !="},
};

static struct token lex_operator(struct lexer *lexer, struct token token) {
    char first = peek(lexer, 0), second = peek(lexer, 1);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (foreign[i].spelling[0] == first && foreign[i].spelling[1] == second) {
            lexer_refuse(lexer, token.begin, "%s means nothing here: %s", foreign[i].spelling, foreign[i].advice);
            return wrong(token);
        }
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        const char *spelling = operators[i].spelling;
        if (spelling[0] == first && (!spelling[1] || spelling[1] == second)) {
            lexer->at += strlen(spelling);
            token.end = lexer->at;
            token.kind = operators[i].kind;
            lexer->open += token.kind == TOKEN_OPEN;
            lexer->open -= token.kind == TOKEN_CLOSE && lexer->open > 0;
            return token;
        }
    }
    return first == '.' ? refuse_point(lexer, token) : refuse_byte(lexer, token);
}

/* Past blanks, lines that go on within parentheses, and # with what is behind it. True: at the end of a line. */
static bool skip_blanks(struct lexer *lexer) {
    while (lexer->at < lexer->length && (is_blank(peek(lexer, 0)) || peek(lexer, 0) == '#')) {
        if (peek(lexer, 0) == '#') {
            while (lexer->at < lexer->length && peek(lexer, 0) != '\n') {
                lexer->at++;
            }
        } else if (peek(lexer, 0) == '\n' && lexer->open == 0) {
            return true;
        } else {
            lexer->at++;
        }
    }
    return false;
}

struct token lexer_next(struct lexer *lexer) {
    bool is_line_end = skip_blanks(lexer);
    struct token token = {.kind = TOKEN_END, .begin = lexer->at, .end = lexer->at};
    char first = peek(lexer, 0);
    if (lexer->at == lexer->length) {
        return token;
    }
    if (is_line_end) {
        lexer->at++;
        token.kind = TOKEN_SEPARATOR;
        token.end = lexer->at;
        return token;
    }
    if (is_letter(first)) {
        return lex_name(lexer, token);
    }
    if (first == '0' && peek(lexer, 1) != '\0' && strchr("xXoObB", peek(lexer, 1))) {
        char base = (char)(peek(lexer, 1) | 0x20);
        return lex_based(lexer, token, base == 'x' ? 16 : base == 'o' ? 8 : 2);
    }
    if (is_digit(first) || (first == '.' && is_digit(peek(lexer, 1)))) {
        return lex_number(lexer, token);
    }
    return lex_operator(lexer, token);
}
