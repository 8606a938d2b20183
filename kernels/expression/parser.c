/* Recursive descent, with a climb over the precedences of binary operators. What calls itself counts its depth. */
#include "kernels/expression/parser.h"

#include "kernels/expression/advice.h"

#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 72 };

/* A name that the text has given a value. */
struct local {
    size_t begin, length;
    uint16_t value;
};

struct parser {
    struct builder *builder;
    struct lexer *lexer;
    struct token token; /* the next one */
    unsigned depth;
    size_t local_count;
    struct local locals[EXPRESSION_NAMES_MAX];
};

static uint16_t parse_comparison(struct parser *parser);
static uint16_t parse_unary(struct parser *parser);

static void advance(struct parser *parser) {
    parser->token = lexer_next(parser->lexer);
}

static const char *bytes_of(const struct parser *parser, const struct token *token) {
    return parser->lexer->bytes + token->begin;
}

static int length_of(const struct token *token) {
    return (int)(token->end - token->begin);
}

static uint16_t refuse_token(struct parser *parser, const char *expected) {
    const struct token *token = &parser->token;
    if (token->kind == TOKEN_END) {
        lexer_refuse(parser->lexer, token->begin, "the text ends where %s is expected", expected);
    } else if (token->kind == TOKEN_SEPARATOR) {
        lexer_refuse(parser->lexer, token->begin, "the statement ends where %s is expected", expected);
    } else if (token->kind == TOKEN_ASSIGN) {
        lexer_refuse(parser->lexer, token->begin,
                     "= gives a name a value, as in d = x - y; two sides are compared by ==");
    } else {
        const char *advice =
            token->kind == TOKEN_NAME ? lexer_keyword(bytes_of(parser, token), token->end - token->begin) : NULL;
        lexer_refuse(parser->lexer, token->begin, "%.*s is where %s is expected%s%s", length_of(token),
                     bytes_of(parser, token), expected, advice && *advice ? ": " : "", advice ? advice : "");
    }
    return VALUE_NONE;
}

/* One level deeper; the caller goes up again. */
static bool descend(struct parser *parser, size_t byte) {
    if (parser->depth == EXPRESSION_DEPTH_MAX) {
        lexer_refuse(parser->lexer, byte,
                     "parentheses, calls, signs and powers are more than %d deep; "
                     "name the inner ones: d = x - y; d * d",
                     EXPRESSION_DEPTH_MAX);
        return false;
    }
    parser->depth++;
    return true;
}

static bool count_operation(struct parser *parser, size_t byte) {
    if (parser->builder->operation_count == EXPRESSION_OPERATIONS_MAX) {
        lexer_refuse(parser->lexer, byte, "there are more than %d operations", EXPRESSION_OPERATIONS_MAX);
        return false;
    }
    parser->builder->operation_count++;
    return true;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static bool is_text(const char *name, const char *bytes, size_t length) {
    return name[0] == bytes[0] && strlen(name) == length && memcmp(name, bytes, length) == 0;
}

static size_t find_local(const struct parser *parser, const char *bytes, size_t length) {
    size_t i = 0;
    while (i < parser->local_count && (parser->locals[i].length != length ||
                                       memcmp(parser->lexer->bytes + parser->locals[i].begin, bytes, length) != 0)) {
        i++;
    }
    return i;
}

/* Names as a list, cut to fit. */
static void list_names(const struct parser *parser, char out[LIST_MAX]) {
    const struct builder *builder = parser->builder;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < builder->operand_count + parser->local_count && used < LIST_MAX; i++) {
        const struct local *local = i < builder->operand_count ? NULL : &parser->locals[i - builder->operand_count];
        const char *name = local ? parser->lexer->bytes + local->begin : builder->operands[i].name;
        int length = local ? (int)local->length : (int)strlen(name);
        used += (size_t)snprintf(out + used, LIST_MAX - used, "%s%.*s", used > 0 ? ", " : "", length, name);
    }
    if (used >= LIST_MAX) {
        memcpy(out + LIST_MAX - 4, "...", 4);
    }
}

/* A third of its letters wrong may be meant so, or one of two; of one none. */
static unsigned nearness(size_t length) {
    return length == 2 ? 2 : (unsigned)length / 3 + 1;
}

static uint16_t refuse_name(struct parser *parser, const struct token *token) {
    const char *bytes = bytes_of(parser, token);
    size_t length = token->end - token->begin;
    const char *advice = lexer_keyword(bytes, length);
    char list[LIST_MAX];
    unsigned best = nearness(length);
    const char *nearest = NULL;
    if (advice) {
        lexer_refuse(parser->lexer, token->begin, "%.*s has no meaning here: %s", (int)length, bytes, advice);
        return VALUE_NONE;
    }
    if (function_find(bytes, length)) {
        lexer_refuse(parser->lexer, token->begin, "%.*s is a function: its arguments follow in parentheses",
                     (int)length, bytes);
        return VALUE_NONE;
    }
    for (size_t i = 0; i < parser->builder->operand_count; i++) {
        nearest = function_near(bytes, length, parser->builder->operands[i].name, &best, nearest);
    }
    nearest = function_near_constant(bytes, length, &best, nearest);
    if (lexer_failed(parser->lexer)) {
        return VALUE_NONE; /* by what follows the name */
    }
    list_names(parser, list);
    lexer_refuse(parser->lexer, token->begin, "there is no \"%.*s\"%s%s%s; there are %s%spi, e, inf, nan", (int)length,
                 bytes, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "", list,
                 *list ? ", and " : "no operands, only ");
    parser->lexer->error->names_nothing = true;
    return VALUE_NONE;
}

static uint16_t look_up(struct parser *parser, const struct token *token) {
    struct builder *builder = parser->builder;
    const char *bytes = bytes_of(parser, token);
    size_t length = token->end - token->begin;
    size_t local = find_local(parser, bytes, length);
    if (local < parser->local_count) {
        return parser->locals[local].value;
    }
    size_t operand = builder_find_operand(builder, bytes, length);
    if (operand < builder->operand_count) {
        return builder_operand(builder, operand);
    }
    const double *constant = function_constant(bytes, length);
    if (constant) {
        return builder_float(builder, *constant);
    }
    if (is_text("True", bytes, length) || is_text("False", bytes, length)) {
        return builder_bool(builder, bytes[0] == 'T');
    }
    return refuse_name(parser, token);
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static uint16_t refuse_function(struct parser *parser, const struct token *token) {
    const char *bytes = bytes_of(parser, token);
    size_t length = token->end - token->begin;
    bool is_value = find_local(parser, bytes, length) < parser->local_count ||
                    builder_find_operand(parser->builder, bytes, length) < parser->builder->operand_count;
    unsigned best = nearness(length);
    const char *elsewhere = advice_function(bytes, length);
    const char *nearest = function_near_any(bytes, length, &best, NULL);
    const char *advice = lexer_keyword(bytes, length);
    if (elsewhere) {
        lexer_refuse(parser->lexer, token->begin, "there is no function \"%.*s\": %s", (int)length, bytes, elsewhere);
    } else if (advice && *advice) {
        lexer_refuse(parser->lexer, token->begin, "%.*s has no meaning here: %s", (int)length, bytes, advice);
    } else if (is_value && !nearest) {
        lexer_refuse(parser->lexer, token->begin, "%.*s is no function; is a * missing?", (int)length, bytes);
    } else {
        lexer_refuse(parser->lexer, token->begin, "there is no function \"%.*s\"%s%s%s", (int)length, bytes,
                     nearest ? "; did you mean \""
                             : "; docs/expressions.md lists those there are: where, abs, sqrt, exp, ...",
                     nearest ? nearest : "", nearest ? "\"?" : "");
    }
    return VALUE_NONE;
}

static uint16_t refuse_arguments(struct parser *parser, const struct token *name, const struct function *function) {
    lexer_refuse(parser->lexer, name->begin, "%s takes %u argument%s", function->row.name, function->row.arguments,
                 function->row.arguments == 1 ? "" : "s");
    return VALUE_NONE;
}

/* From the opening parenthesis on. */
static uint16_t parse_call(struct parser *parser, const struct token *name) {
    const struct function *function = function_find(bytes_of(parser, name), name->end - name->begin);
    uint16_t arguments[OPERATION_INPUTS_MAX];
    unsigned count = 0;
    if (!function) {
        return refuse_function(parser, name);
    }
    if (!count_operation(parser, name->begin) || !descend(parser, name->begin)) {
        return VALUE_NONE;
    }
    advance(parser);
    while (parser->token.kind != TOKEN_CLOSE) {
        if (count == function->row.arguments) {
            return refuse_arguments(parser, name, function);
        }
        arguments[count++] = parse_comparison(parser);
        if (lexer_failed(parser->lexer)) {
            return VALUE_NONE;
        }
        if (parser->token.kind == TOKEN_COMMA) {
            advance(parser);
        } else if (parser->token.kind != TOKEN_CLOSE) {
            return refuse_token(parser, "an operator, a comma or the closing parenthesis");
        }
    }
    if (count < function->row.arguments) {
        return refuse_arguments(parser, name, function);
    }
    advance(parser);
    parser->depth--;
    return builder_call(parser->builder, function, arguments, name->begin);
}

/* --- operands and operators -------------------------------------------------------------------------------------- */

static uint16_t parse_parentheses(struct parser *parser) {
    if (!descend(parser, parser->token.begin)) {
        return VALUE_NONE;
    }
    advance(parser);
    uint16_t value = parse_comparison(parser);
    if (lexer_failed(parser->lexer)) {
        return VALUE_NONE;
    }
    if (parser->token.kind != TOKEN_CLOSE) {
        return refuse_token(parser, "an operator or the closing parenthesis");
    }
    advance(parser);
    parser->depth--;
    return value;
}

static uint16_t parse_integer(struct parser *parser, bool is_negative) {
    struct token token = parser->token;
    if (token.integer > INT64_MAX && !is_negative) {
        lexer_refuse(parser->lexer, token.begin, "the integer is no int64; with a point it is a float64");
        return VALUE_NONE;
    }
    advance(parser);
    return builder_integer(parser->builder, (int64_t)(is_negative ? -token.integer : token.integer));
}

static uint16_t parse_primary(struct parser *parser) {
    struct token token = parser->token;
    switch (token.kind) {
    case TOKEN_INTEGER:
        return parse_integer(parser, false);
    case TOKEN_FLOAT:
        advance(parser);
        return builder_float(parser->builder, token.number);
    case TOKEN_NAME:
        advance(parser);
        return parser->token.kind == TOKEN_OPEN ? parse_call(parser, &token) : look_up(parser, &token);
    case TOKEN_OPEN:
        return parse_parentheses(parser);
    default:
        return refuse_token(parser, "a number, a name, a call or a parenthesis");
    }
}

/* ** binds more tightly than a sign before it, and less than one behind. */
static uint16_t parse_power(struct parser *parser) {
    uint16_t base = parse_primary(parser);
    size_t byte = parser->token.begin;
    if (lexer_failed(parser->lexer) || parser->token.kind != TOKEN_POWER) {
        return base;
    }
    if (!count_operation(parser, byte) || !descend(parser, byte)) {
        return VALUE_NONE;
    }
    advance(parser);
    uint16_t exponent = parse_unary(parser);
    parser->depth--;
    return builder_binary(parser->builder, OPERATION_POWER, base, exponent, byte);
}

static uint16_t parse_unary(struct parser *parser) {
    size_t byte = parser->token.begin;
    enum token_kind kind = parser->token.kind;
    if (kind != TOKEN_PLUS && kind != TOKEN_MINUS && kind != TOKEN_INVERT) {
        return parse_power(parser);
    }
    if (!count_operation(parser, byte) || !descend(parser, byte)) {
        return VALUE_NONE;
    }
    advance(parser);
    bool is_least = kind == TOKEN_MINUS && parser->token.kind == TOKEN_INTEGER && parser->token.integer > INT64_MAX;
    uint16_t value = is_least ? parse_integer(parser, true) : parse_unary(parser);
    parser->depth--;
    if (is_least || lexer_failed(parser->lexer)) {
        return value;
    }
    return builder_unary(parser->builder,
                         kind == TOKEN_PLUS    ? OPERATION_FILL
                         : kind == TOKEN_MINUS ? OPERATION_NEGATE
                                               : OPERATION_INVERT,
                         value, byte);
}

/* 0: no binary operator, or a comparison. */
static unsigned binding_of(enum token_kind kind, enum expression_operation *operation) {
    static const struct {
        unsigned binding;
        enum expression_operation operation;
    } binary[] = {
        [TOKEN_OR] = {1, OPERATION_OR},
        [TOKEN_XOR] = {2, OPERATION_XOR},
        [TOKEN_AND] = {3, OPERATION_AND},
        [TOKEN_SHIFT_LEFT] = {4, OPERATION_SHIFT_LEFT},
        [TOKEN_SHIFT_RIGHT] = {4, OPERATION_SHIFT_RIGHT},
        [TOKEN_PLUS] = {5, OPERATION_ADD},
        [TOKEN_MINUS] = {5, OPERATION_SUBTRACT},
        [TOKEN_TIMES] = {6, OPERATION_MULTIPLY},
        [TOKEN_DIVIDE] = {6, OPERATION_DIVIDE},
        [TOKEN_FLOOR_DIVIDE] = {6, OPERATION_FLOOR_DIVIDE},
        [TOKEN_MODULO] = {6, OPERATION_REMAINDER},
    };
    if (kind < TOKEN_OR || kind > TOKEN_MODULO) {
        return 0;
    }
    *operation = binary[kind].operation;
    return binary[kind].binding;
}

static uint16_t parse_binary(struct parser *parser, unsigned least) {
    enum expression_operation operation = OPERATION_ADD;
    unsigned binding = 0;
    uint16_t left = parse_unary(parser);
    while (!lexer_failed(parser->lexer) && (binding = binding_of(parser->token.kind, &operation)) >= least) {
        enum expression_operation own = operation;
        size_t byte = parser->token.begin;
        if (!count_operation(parser, byte)) {
            return VALUE_NONE;
        }
        advance(parser);
        uint16_t right = parse_binary(parser, binding + 1);
        if (lexer_failed(parser->lexer)) {
            return VALUE_NONE;
        }
        left = builder_binary(parser->builder, own, left, right, byte);
    }
    return left;
}

static bool is_comparison(enum token_kind kind) {
    return kind >= TOKEN_LESS && kind <= TOKEN_NOT_EQUAL;
}

static uint16_t parse_comparison(struct parser *parser) {
    uint16_t left = parse_binary(parser, 1);
    enum token_kind kind = parser->token.kind;
    size_t byte = parser->token.begin;
    if (lexer_failed(parser->lexer) || !is_comparison(kind)) {
        return left;
    }
    if (!count_operation(parser, byte)) {
        return VALUE_NONE;
    }
    advance(parser);
    uint16_t right = parse_binary(parser, 1);
    if (lexer_failed(parser->lexer)) {
        return VALUE_NONE;
    }
    if (is_comparison(parser->token.kind)) {
        lexer_refuse(parser->lexer, parser->token.begin, "comparisons don't chain: write (a < b) & (b < c)");
        return VALUE_NONE;
    }
    bool is_swapped = kind == TOKEN_GREATER || kind == TOKEN_GREATER_EQUAL;
    enum expression_operation operation = kind == TOKEN_LESS || kind == TOKEN_GREATER ? OPERATION_LESS
                                          : kind == TOKEN_LESS_EQUAL || kind == TOKEN_GREATER_EQUAL
                                              ? OPERATION_LESS_EQUAL
                                          : kind == TOKEN_EQUAL ? OPERATION_EQUAL
                                                                : OPERATION_NOT_EQUAL;
    return builder_binary(parser->builder, operation, is_swapped ? right : left, is_swapped ? left : right, byte);
}

/* --- statements -------------------------------------------------------------------------------------------------- */

/* `name` is followed by =, which is the next token. */
static void parse_assignment(struct parser *parser, const struct token *name) {
    const char *bytes = bytes_of(parser, name);
    size_t length = name->end - name->begin;
    size_t local = find_local(parser, bytes, length);
    if (lexer_keyword(bytes, length)) {
        lexer_refuse(parser->lexer, name->begin, "%.*s can't be given a value", (int)length, bytes);
        return;
    }
    if (local == parser->local_count && parser->local_count + parser->builder->operand_count == EXPRESSION_NAMES_MAX) {
        lexer_refuse(parser->lexer, name->begin, "there are more than %d names", EXPRESSION_NAMES_MAX);
        return;
    }
    advance(parser);
    uint16_t value = parse_comparison(parser);
    if (lexer_failed(parser->lexer)) {
        return;
    }
    if (parser->token.kind == TOKEN_END) {
        lexer_refuse(parser->lexer, parser->token.begin,
                     "the text ends without a result: leave out \"%.*s =\", or the result follows behind a ;",
                     (int)length, bytes);
    } else if (parser->token.kind != TOKEN_SEPARATOR) {
        (void)refuse_token(parser, "an operator or ;");
    }
    size_t operand = builder_find_operand(parser->builder, bytes, length);
    if (operand < parser->builder->operand_count) {
        parser->builder->assigned |= UINT64_C(1) << operand;
    }
    parser->locals[local] = (struct local){.begin = name->begin, .length = length, .value = value};
    parser->local_count += local == parser->local_count;
}

/* Is the next token a name that is given a value? Then it is read. */
static bool take_name(struct parser *parser, struct token *name) {
    struct lexer before = *parser->lexer;
    *name = parser->token;
    if (name->kind != TOKEN_NAME) {
        return false;
    }
    struct expression_error nothing = {0};
    parser->lexer->error = &nothing; /* what is wrong behind it is found when it is read for good */
    struct token next = lexer_next(parser->lexer);
    parser->lexer->error = before.error;
    if (next.kind == TOKEN_ASSIGN) {
        parser->token = next;
        return true;
    }
    *parser->lexer = before;
    return false;
}

static void skip_separators(struct parser *parser) {
    while (parser->token.kind == TOKEN_SEPARATOR) {
        advance(parser);
    }
}

uint16_t parser_read(struct builder *builder) {
    struct parser parser; /* locals are set as far as they are counted */
    struct token name;
    parser.builder = builder;
    parser.lexer = &builder->lexer;
    parser.depth = 0;
    parser.local_count = 0;
    advance(&parser);
    skip_separators(&parser);
    while (!lexer_failed(parser.lexer) && take_name(&parser, &name)) {
        parse_assignment(&parser, &name);
        skip_separators(&parser);
    }
    if (!lexer_failed(parser.lexer) && parser.token.kind == TOKEN_END) {
        lexer_refuse(parser.lexer, parser.token.begin,
                     parser.local_count > 0 ? "the text ends without a result" : "the text is empty");
    }
    uint16_t value = lexer_failed(parser.lexer) ? VALUE_NONE : parse_comparison(&parser);
    if (!lexer_failed(parser.lexer) && parser.token.kind == TOKEN_SEPARATOR) {
        size_t byte = parser.token.begin;
        skip_separators(&parser);
        if (parser.token.kind != TOKEN_END) {
            lexer_refuse(parser.lexer, byte, "what is before this has no name: the result comes last");
        }
    } else if (!lexer_failed(parser.lexer) && parser.token.kind != TOKEN_END) {
        (void)refuse_token(&parser, "an operator");
    }
    return lexer_failed(parser.lexer) ? VALUE_NONE : value;
}
