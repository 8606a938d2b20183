/* The envelope (codecs/json/envelope.h) is told the one span that there is, as if it had found it in an object. What
 * isn't such a value is parsed as it is, for what is wrong with it, and then read as the member of an object that is
 * made around it: a single number, or a value that isn't wanted. */
#include "handlers/bare_value.h"

#include "codecs/byte_order_mark.h"
#include "codecs/json/json_check.h"

#include <string.h>

#define BEFORE "{\"data\":"

enum { BEFORE_BYTES = sizeof BEFORE - 1 };

static const char name[] = "data";

void bare_value_point(struct problem *problem) {
    size_t length = strlen("/data");
    if (strncmp(problem->pointer, "/data", length) == 0) {
        memmove(problem->pointer, problem->pointer + length, strlen(problem->pointer + length) + 1);
    }
}

/* --- as a member ------------------------------------------------------------------------------------------------- */

/* JSON with no bulk member located in it. */
static enum problem_kind parse_json(struct call *call, const char *bytes, size_t length, struct document **document) {
    struct envelope envelope;
    size_t peak_bytes = 0;
    envelope_begin(&envelope, NULL);
    envelope.non_finite_media = call->envelope.non_finite_media;
    envelope_split(&envelope, bytes, length, true, &call->cancel);
    if (envelope_parse(&envelope, call->memory, &call->cancel, document, &peak_bytes, &call->problem) ==
        PROBLEM_MEMORY_LIMIT) {
        call->problem = (struct problem){0};
        return call_memory_short(call, peak_bytes);
    }
    return call->problem.kind;
}

/* In the object it may be one level too deep: where it is so in the body. */
static void move_place(struct problem *problem, size_t mark_bytes) {
    const char *rest;
    const struct problem found = *problem;
    size_t byte = problem_byte(&found, &rest);
    if (byte > BEFORE_BYTES) {
        *problem = (struct problem){0};
        (void)problem_set(problem, found.kind, found.pointer, "at byte %zu%s", byte - BEFORE_BYTES + mark_bytes, rest);
    }
}

/* The body is JSON, and no object; the value is what is behind its mark. */
static enum problem_kind read_member(struct call *call, size_t mark_bytes, unsigned takes, struct operand *operand) {
    const struct text_view value = {call->body.bytes + mark_bytes, call->body.length - mark_bytes};
    struct document *options = call->document;
    struct document *member = NULL;
    char *object = call_take(call, BEFORE_BYTES + value.length + 1);
    if (!object) {
        return call->problem.kind;
    }
    memcpy(object, BEFORE, BEFORE_BYTES);
    memcpy(object + BEFORE_BYTES, value.bytes, value.length);
    object[BEFORE_BYTES + value.length] = '}';
    if (parse_json(call, object, BEFORE_BYTES + value.length + 1, &member)) {
        move_place(&call->problem, mark_bytes);
    } else if (!call_is_cancelled(call)) {
        call->document = member;
        enum problem_kind found = operand_find(call, name, takes, operand);
        (void)found; /* it is the call's, too */
        call->document = options;
    }
    document_free(member);
    return call->problem.kind;
}

static enum problem_kind read_as_member(struct call *call, size_t mark_bytes, unsigned takes, struct operand *operand) {
    const struct payload *body = &call->body;
    struct document *document = NULL;
    enum problem_kind kind = parse_json(call, body->bytes, body->length, &document);
    document_free(document);
    if (call_is_cancelled(call)) {
        return PROBLEM_NONE; /* whoever set the flag knows why */
    }
    if (!kind) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, NULL,
                           "the body is an object; an array of numbers or of rows, a number or a string is expected, "
                           "and options in the query");
    }
    if (kind != PROBLEM_NOT_AN_OBJECT) {
        return kind;
    }
    call->problem = (struct problem){0};
    return read_member(call, mark_bytes, takes, operand);
}

/* --- as a span --------------------------------------------------------------------------------------------------- */

static size_t skip_spaces(const struct call *call, size_t at) {
    return at + json_scan_spaces(call->body.bytes + at, call->body.length - at);
}

/* Of a value that begins at `at`. */
static enum envelope_kind kind_at(const struct call *call, size_t at) {
    if (call->body.bytes[at] == '"') {
        return ENVELOPE_TEXT;
    }
    size_t inside = skip_spaces(call, at + 1);
    return inside < call->body.length && call->body.bytes[inside] == '[' ? ENVELOPE_ROWS : ENVELOPE_NUMBERS;
}

/* False: it is no string or array as it is wanted. */
static bool locate(struct call *call, size_t at, enum envelope_kind kind) {
    static const struct envelope_field fields[] = {[ENVELOPE_TEXT] = {name, ENVELOPE_TEXT},
                                                   [ENVELOPE_NUMBERS] = {name, ENVELOPE_NUMBERS},
                                                   [ENVELOPE_ROWS] = {name, ENVELOPE_ROWS}};
    static enum json_scan_end (*const scans[])(const char *, size_t, const _Atomic bool *, struct json_span *) = {
        [ENVELOPE_TEXT] = json_scan_text, [ENVELOPE_NUMBERS] = json_scan_numbers, [ENVELOPE_ROWS] = json_scan_rows};
    const struct payload *body = &call->body;
    struct envelope_span *span = &call->envelope.spans[0];
    *span = (struct envelope_span){.field = &fields[kind], .inside = json_span_from(at + 1)};
    if (scans[kind](body->bytes, body->length, &call->cancel, &span->inside) != JSON_SCAN_CLOSED) {
        return false;
    }
    call->envelope.bytes = body->bytes;
    call->envelope.length = call->envelope.read_length = body->length;
    call->envelope.span_count = 1;
    return true;
}

/* The value is followed by something; the first mistake may be in it. */
static enum problem_kind refuse_rest(struct call *call, size_t mark_bytes) {
    const struct payload *body = &call->body;
    if (envelope_check_bulk(&call->envelope, body->length, &call->cancel, &call->problem)) {
        return call->problem.kind;
    }
    return json_check_body(body->bytes, mark_bytes, body->length, &call->cancel, &call->problem);
}

static enum problem_kind find_located(struct call *call, size_t mark_bytes, enum envelope_kind kind,
                                      struct operand *operand) {
    if (skip_spaces(call, call->envelope.spans[0].inside.end + 1) < call->body.length) {
        return refuse_rest(call, mark_bytes);
    }
    if (kind != ENVELOPE_TEXT) {
        return operand_find(call, name, kind == ENVELOPE_ROWS ? OPERAND_TAKES_ROWS : OPERAND_TAKES_NUMBERS, operand);
    }
    const struct json_span *span = &call->envelope.spans[0].inside;
    *operand = (struct operand){
        .name = name, .source = OPERAND_TEXT, .payload = &call->body, .span = span, .count = span->end - span->begin};
    return PROBLEM_NONE;
}

static enum problem_kind refuse_empty(struct call *call) {
    return problem_set(&call->problem, PROBLEM_EMPTY_BODY, NULL,
                       "an array of numbers or of rows, a number or a string is expected");
}

/* The value begins at `at`. */
static enum problem_kind find_value(struct call *call, size_t at, size_t mark_bytes, struct operand *operand) {
    const struct payload *body = &call->body;
    bool is_array = body->bytes[at] == '[';
    bool may_be_located = is_array || body->bytes[at] == '"';
    enum envelope_kind kind = may_be_located ? kind_at(call, at) : ENVELOPE_NUMBERS;
    if (may_be_located && locate(call, at, kind)) {
        return find_located(call, mark_bytes, kind, operand);
    }
    unsigned takes =
        kind == ENVELOPE_ROWS ? OPERAND_TAKES_ROWS : OPERAND_TAKES_NUMBERS | (is_array ? 0 : OPERAND_TAKES_NUMBER);
    return read_as_member(call, mark_bytes, takes, operand);
}

enum problem_kind bare_value_find(struct call *call, struct operand *operand) {
    const struct payload *body = &call->body;
    if (!body->bytes || body->length == 0) {
        return refuse_empty(call);
    }
    const char *foreign = byte_order_mark_foreign_json(body->bytes, body->length);
    if (foreign) {
        return problem_set(&call->problem, PROBLEM_INVALID_UTF8, NULL, "the body is %s; JSON is read as UTF-8",
                           foreign);
    }
    size_t mark_bytes = byte_order_mark_length(body->bytes, body->length);
    size_t at = skip_spaces(call, mark_bytes);
    return at == body->length ? refuse_empty(call) : find_value(call, at, mark_bytes, operand);
}
