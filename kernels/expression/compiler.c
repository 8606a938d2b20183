#include "kernels/expression/emitter.h"
#include "kernels/expression/parser.h"

size_t expression_compile(const struct expression_text *texts, size_t text_count,
                          const struct expression_operand *operands, size_t operand_count, void *memory,
                          struct expression_error *error) {
    struct builder builder; /* the table of values is set as far as there are any */
    uint16_t results[EXPRESSION_RESULTS_MAX];
    *error = (struct expression_error){0};
    builder_init(&builder, operands, operand_count);
    for (size_t i = 0; i < text_count; i++) {
        error->text = i;
        builder.text = i;
        builder.lexer = (struct lexer){.bytes = texts[i].bytes, .length = texts[i].length, .error = error};
        if (texts[i].length > EXPRESSION_TEXT_MAX) {
            lexer_refuse(&builder.lexer, EXPRESSION_TEXT_MAX, "the text has %zu bytes; %d are allowed", texts[i].length,
                         EXPRESSION_TEXT_MAX);
            return 0;
        }
        results[i] = parser_read(&builder);
        if (results[i] == VALUE_NONE) {
            return 0;
        }
    }
    return emitter_write(&builder, results, text_count, memory);
}

enum expression_type expression_result_type(const struct expression_program *program, size_t result) {
    return (enum expression_type)program->result_types[result];
}

bool expression_uses(const struct expression_program *program, size_t operand) {
    return program->used >> operand & 1;
}

bool expression_assigns(const struct expression_program *program, size_t operand) {
    return program->assigned >> operand & 1;
}
