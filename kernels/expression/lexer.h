#pragma once
/* Internal to kernels/expression. A text as tokens. */
#include "kernels/expression/expression.h"

enum token_kind {
    TOKEN_END,
    TOKEN_SEPARATOR, /* ; or the end of a line, outside parentheses */
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_NAME,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_ASSIGN,
    /* Operators, as they bind. */
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_OR,
    TOKEN_XOR,
    TOKEN_AND,
    TOKEN_SHIFT_LEFT,
    TOKEN_SHIFT_RIGHT,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_TIMES,
    TOKEN_DIVIDE,
    TOKEN_FLOOR_DIVIDE,
    TOKEN_MODULO,
    TOKEN_INVERT,
    TOKEN_POWER,
    TOKEN_WRONG /* none that there is: the error has been recorded */
};

struct token {
    enum token_kind kind;
    size_t begin, end; /* bytes of the text */
    uint64_t integer;
    double number;
};

struct lexer {
    const char *bytes;
    size_t length;
    size_t at;
    unsigned open; /* parentheses */
    struct expression_error *error;
};

/* The next token, which begins at or after lexer->at. */
struct token lexer_next(struct lexer *lexer);

/* Records the error, at that byte, if it is the first. */
void lexer_refuse(struct lexer *lexer, size_t byte, const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline bool lexer_failed(const struct lexer *lexer) {
    return lexer->error->message[0] != '\0';
}

/* What a word of Python's is called here: "write & for it". NULL: it is no keyword. */
const char *lexer_keyword(const char *bytes, size_t length);
