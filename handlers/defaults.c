#include "handlers/defaults.h"

/* What is wrong with the defaults themselves, whatever the items have: the rest shows in items, which may have members
 * of their own instead. */
static bool is_theirs(const struct item *item) {
    const struct problem *problem = &item->call.problem;
    return problem->kind && (problem_status(problem->kind) != 422 || problem->kind == PROBLEM_UNKNOWN_FIELD);
}

static enum problem_kind measure(struct call *call, const struct envelope_field *field, struct operand *operand) {
    switch (field->kind) {
    case ENVELOPE_TEXT:
        return operand_find_text(call, field->name, operand);
    case ENVELOPE_ROWS:
        return operand_find(call, field->name, OPERAND_TAKES_ROWS, operand);
    default:
        return operand_find(call, field->name, OPERAND_TAKES_NUMBERS, operand);
    }
}

enum problem_kind defaults_find(struct defaults *defaults, struct item *item, const struct json_span *inside) {
    struct call *call = &item->call;
    defaults->item = item;
    defaults->count = 0;
    item_open(item, inside->begin - 1, inside->end + 1, NULL, item->heap.items->whole->team);
    if (item_decode(item) && is_theirs(item)) {
        return call->problem.kind;
    }
    call->problem = (struct problem){0};
    for (size_t i = 0; i < call->envelope.span_count; i++) {
        if (measure(call, envelope_span_at(&call->envelope, i)->field, &defaults->members[i].operand)) {
            return call->problem.kind;
        }
        defaults->count++;
    }
    item_hand_over(item);
    return PROBLEM_NONE;
}

enum problem_kind defaults_load(struct defaults *defaults, const struct team *team) {
    struct call *call = &defaults->item->call;
    call->team = team;
    for (size_t i = 0; i < defaults->count; i++) {
        struct operand_shared *shared = &defaults->members[i];
        struct operand *operand = &shared->operand;
        if (operand->source == OPERAND_TEXT ? operand_load_text(call, operand, &shared->text)
                                            : operand_load_numbers(call, operand)) {
            return call->problem.kind;
        }
        operand->is_shared = true;
        operand->writable = false;
        operand->has_head_room = false;
    }
    item_hand_over(defaults->item);
    return PROBLEM_NONE;
}

const struct document *defaults_document(const struct call *call) {
    return call->defaults ? call->defaults->item->call.document : NULL;
}
