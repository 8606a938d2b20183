/* The split doesn't judge. Every value that it cuts out is a value if what comes before it is JSON; if it isn't,
 * jansson stops there, before the first byte that the split may have misjudged. So nothing outside bulk values needs a
 * second parser, and the envelope's verdict is the body's.
 *
 * Places: document_parse counts the bytes of the envelope up to the one that is wrong; what was cut out before is
 * added. That is never one of a placeholder: the split has seen to it that a value may stand there. */
#include "codecs/json/envelope.h"

#include "codecs/byte_order_mark.h"
#include "codecs/json/json_check.h"
#include "codecs/json/json_text.h"
#include "codecs/json/non_finite.h"
#include "codecs/numbers/number_read.h"
#include "codecs/numbers/number_rows.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_BYTES = 1024, PLACEHOLDER_BYTES = 2, DETAIL_MAX = sizeof((struct problem *)0)->detail };

struct reader {
    const char *bytes;
    size_t length;
    bool complete; /* nothing follows the bytes */
    size_t at;
    const _Atomic bool *cancel;
};

static bool envelope_is_cancelled(const _Atomic bool *cancel) {
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* Past spaces to the byte there, '\0' at the end. */
static char peek(struct reader *reader) {
    while (reader->at < reader->length && json_is_space(reader->bytes[reader->at])) {
        reader->at++;
    }
    return reader->at < reader->length ? reader->bytes[reader->at] : '\0';
}

static bool pass(struct reader *reader, char wanted) {
    if (peek(reader) != wanted) {
        return false;
    }
    reader->at++;
    return true;
}

/* It may be cut off yet: then the next split sees it as a whole. */
static void pass_mark(struct reader *reader, struct envelope *envelope) {
    envelope->mark_bytes =
        envelope->begin > 0 ? envelope->begin : byte_order_mark_length(reader->bytes, reader->length);
    reader->at = envelope->mark_bytes;
}

static bool pass_text(struct reader *reader, struct json_span *span) {
    if (!pass(reader, '"')) {
        return false;
    }
    *span = json_span_from(reader->at);
    if (json_scan_text(reader->bytes, reader->length, reader->cancel, span) != JSON_SCAN_CLOSED) {
        return false;
    }
    reader->at = span->end + 1;
    return true;
}

/* Past a number or a literal, whatever it looks like. */
static bool pass_scalar(struct reader *reader) {
    size_t start = reader->at;
    while (reader->at < reader->length) {
        char byte = reader->bytes[reader->at];
        if (byte == ',' || byte == '}' || json_is_space(byte)) {
            break;
        }
        reader->at++;
    }
    return reader->at > start && (reader->at < reader->length || reader->complete);
}

static bool pass_value(struct reader *reader) {
    char first = peek(reader);
    if (first == '"') {
        struct json_span unused;
        return pass_text(reader, &unused);
    }
    if (first == '[' || first == '{') {
        reader->at = json_scan_nested(reader->bytes, reader->length, reader->at, reader->cancel);
        return reader->at < reader->length;
    }
    return pass_scalar(reader);
}

static struct envelope_field *found_at(struct envelope *envelope, size_t index) {
    return index < ENVELOPE_SPANS_OWN ? &envelope->found[index] : &envelope->more->found[index - ENVELOPE_SPANS_OWN];
}

static struct envelope_span *next_span(struct envelope *envelope) {
    size_t index = envelope->span_count;
    return index < ENVELOPE_SPANS_OWN ? &envelope->spans[index] : &envelope->more->spans[index - ENVELOPE_SPANS_OWN];
}

/* For one more span. */
static bool has_room(struct envelope *envelope) {
    if (envelope->span_count < ENVELOPE_SPANS_OWN) {
        return true;
    }
    if (!envelope->more && envelope->memory) {
        envelope->more = memory_take(envelope->memory, sizeof *envelope->more);
    }
    return envelope->more && envelope->span_count < ENVELOPE_SPANS_MAX;
}

/* Any name: it becomes a field of its own. NULL: it is too long, or there are too many. */
static const struct envelope_field *find_array(struct envelope *envelope, struct text_view name) {
    size_t index = envelope->span_count;
    for (size_t i = 0; i < index; i++) {
        const struct envelope_field *known = envelope_span_at(envelope, i)->field;
        if (strlen(known->name) == name.length && memcmp(known->name, name.bytes, name.length) == 0) {
            return known;
        }
    }
    if (name.length >= ENVELOPE_NAME_MAX || memchr(name.bytes, '\0', name.length) || !has_room(envelope)) {
        return NULL;
    }
    char *own = index < ENVELOPE_SPANS_OWN ? envelope->names[index] : envelope->more->names[index - ENVELOPE_SPANS_OWN];
    struct envelope_field *found = found_at(envelope, index);
    memcpy(own, name.bytes, name.length);
    own[name.length] = '\0';
    *found = (struct envelope_field){own, ENVELOPE_NUMBERS};
    return found;
}

/* A key with escapes is unescaped in a copy; one that is too long for that is none of ours. */
static const struct envelope_field *find_field(const char *bytes, const struct json_span *key,
                                               struct envelope *envelope) {
    const struct envelope_field *fields = envelope->fields;
    enum { WRITTEN_MAX = 6 * ENVELOPE_NAME_MAX };
    char copy[WRITTEN_MAX];
    struct text_view name = {.bytes = bytes + key->begin, .length = key->end - key->begin};
    if (key->has_escape) {
        struct problem unused = {0};
        struct json_span inside = {.end = name.length, .has_escape = true};
        if (name.length > sizeof copy) {
            return NULL;
        }
        memcpy(copy, name.bytes, name.length);
        if (json_text_read(copy, &inside, NULL, &name, &unused)) {
            return NULL;
        }
    }
    for (; fields->name; fields++) {
        if (fields->kind == ENVELOPE_ARRAYS) {
            return find_array(envelope, name);
        }
        if (strlen(fields->name) == name.length && memcmp(fields->name, name.bytes, name.length) == 0) {
            return fields->kind == ENVELOPE_DOCUMENT ? NULL : fields;
        }
    }
    return NULL;
}

static bool enter(struct envelope *envelope, const struct reader *reader, enum envelope_state state) {
    envelope->state = state;
    envelope->at = reader->at;
    return true;
}

static char first_of_kind(enum envelope_kind kind) {
    return kind == ENVELOPE_TEXT ? '"' : kind == ENVELOPE_MEMBERS ? '{' : '[';
}

/* A member's name, and what its value is to be. */
static bool split_name(struct reader *reader, struct envelope *envelope) {
    struct json_span key;
    if (!pass_text(reader, &key)) {
        return false;
    }
    const struct envelope_field *field = find_field(reader->bytes, &key, envelope);
    if (field && envelope_find(envelope, field->name)) {
        envelope->twice_at = reader->at; /* jansson needs no more to see that it is there twice */
        return false;
    }
    if (!pass(reader, ':')) {
        return false;
    }
    char first = peek(reader);
    if (first == '\0' && !reader->complete) {
        return false;
    }
    if (!field || first != first_of_kind(field->kind)) {
        return enter(envelope, reader, ENVELOPE_OTHER_VALUE);
    }
    *next_span(envelope) = (struct envelope_span){.field = field, .inside = json_span_from(reader->at + 1)};
    return enter(envelope, reader, ENVELOPE_BULK_VALUE);
}

/* Past the value, if it is what the field declares. Rows and values wait until all is there: they are scanned at 3 to
 * 6 GB/s, others at 18 to 26 (bench/codecs), and who receives a body has no time for that. */
static bool split_bulk(struct reader *reader, struct envelope *envelope) {
    static enum json_scan_end (*const scans[])(const char *, size_t, const _Atomic bool *,
                                               struct json_span *) = {[ENVELOPE_TEXT] = json_scan_text,
                                                                      [ENVELOPE_NUMBERS] = json_scan_numbers,
                                                                      [ENVELOPE_ROWS] = json_scan_rows,
                                                                      [ENVELOPE_VALUES] = json_scan_values,
                                                                      [ENVELOPE_MEMBERS] = json_scan_values};
    struct envelope_span *span = next_span(envelope);
    struct envelope_field *found = found_at(envelope, envelope->span_count);
    if (span->field->kind >= ENVELOPE_ROWS && !reader->complete) {
        return false;
    }
    switch (scans[span->field->kind](reader->bytes, reader->length, reader->cancel, &span->inside)) {
    case JSON_SCAN_CLOSED:
        envelope->span_count++;
        reader->at = span->inside.end + 1;
        return enter(envelope, reader, ENVELOPE_COMMA);
    case JSON_SCAN_FOREIGN:
        if (span->field == found && found->kind == ENVELOPE_NUMBERS) {
            found->kind = ENVELOPE_ROWS;
            span->inside = json_span_from(span->inside.begin);
            return true;
        }
        return enter(envelope, reader, ENVELOPE_OTHER_VALUE);
    case JSON_SCAN_CUT:
        break;
    }
    return false;
}

/* One step further; false where it can't go on: at the object's end, at the bytes' end, or where it isn't JSON. */
static bool split_next(struct reader *reader, struct envelope *envelope) {
    switch (envelope->state) {
    case ENVELOPE_OBJECT:
        pass_mark(reader, envelope);
        return pass(reader, '{') && enter(envelope, reader, ENVELOPE_MEMBER);
    case ENVELOPE_MEMBER:
        return split_name(reader, envelope);
    case ENVELOPE_BULK_VALUE:
        return split_bulk(reader, envelope);
    case ENVELOPE_OTHER_VALUE:
        return pass_value(reader) && enter(envelope, reader, ENVELOPE_COMMA);
    case ENVELOPE_COMMA:
        return pass(reader, ',') && enter(envelope, reader, ENVELOPE_MEMBER);
    }
    return false;
}

void envelope_begin(struct envelope *envelope, const struct envelope_field *fields) {
    static const struct envelope_field none[] = {{NULL, ENVELOPE_TEXT}};
    *envelope = (struct envelope){.fields = fields ? fields : none};
}

void envelope_end(struct envelope *envelope) {
    if (envelope->more) {
        memory_give(envelope->memory, envelope->more, sizeof *envelope->more);
        envelope->more = NULL;
        envelope->span_count = 0;
    }
}

/* Bytes outside bulk values up to `at`. */
static size_t count_outside(const struct envelope *envelope, size_t at) {
    for (size_t i = 0; i < envelope->span_count; i++) {
        const struct json_span *inside = &envelope_span_at(envelope, i)->inside;
        at -= inside->end - inside->begin;
    }
    return at;
}

/* As far as the bytes may be looked at while the body arrives: a bulk value to their end, something else only shortly.
 * What isn't bulk is read again from its beginning when it was cut off: not before twice as much of it is there, so
 * that a body in small pieces costs no more than one in large ones. */
static void split_arriving(struct reader *reader, struct envelope *envelope) {
    size_t length = reader->length;
    do {
        size_t outside = count_outside(envelope, envelope->at);
        size_t end = envelope->at + (outside < ENVELOPE_ARRIVING_MAX ? ENVELOPE_ARRIVING_MAX - outside : 0);
        bool is_free = envelope->state == ENVELOPE_BULK_VALUE || length < end;
        reader->length = is_free ? length : end;
    } while (split_next(reader, envelope));
    if (envelope->state == ENVELOPE_BULK_VALUE) {
        envelope->again_at = 0;
    } else {
        envelope->again_at = reader->length < length ? SIZE_MAX : length + (length - envelope->at);
    }
}

void envelope_split(struct envelope *envelope, const char *bytes, size_t length, bool complete,
                    const _Atomic bool *cancel) {
    struct reader reader = {
        .bytes = bytes, .length = length, .complete = complete, .at = envelope->at, .cancel = cancel};
    envelope->bytes = bytes;
    envelope->length = length;
    if (envelope->twice_at == 0 && complete) {
        while (split_next(&reader, envelope)) {
        }
    } else if (envelope->twice_at == 0 && length >= envelope->again_at) {
        split_arriving(&reader, envelope);
    }
    envelope->read_length = envelope->twice_at > 0 ? envelope->twice_at : length;
}

/* Bytes of the envelope's text. */
static size_t text_length(const struct envelope *envelope) {
    size_t length = envelope->read_length - envelope->mark_bytes;
    for (size_t i = 0; i < envelope->span_count; i++) {
        const struct json_span *inside = &envelope_span_at(envelope, i)->inside;
        length -= inside->end - inside->begin;
    }
    return length;
}

static void write_text(const struct envelope *envelope, char *out) {
    size_t from = envelope->mark_bytes;
    for (size_t i = 0; i <= envelope->span_count; i++) {
        bool last = i == envelope->span_count;
        size_t to = last ? envelope->read_length : envelope_span_at(envelope, i)->inside.begin;
        memcpy(out, envelope->bytes + from, to - from);
        out += to - from;
        from = last ? to : envelope_span_at(envelope, i)->inside.end;
    }
}

/* Where the envelope's byte `at` is in the body. */
static size_t body_offset(const struct envelope *envelope, size_t at) {
    at += envelope->mark_bytes;
    for (size_t i = 0; i < envelope->span_count; i++) {
        const struct json_span *inside = &envelope_span_at(envelope, i)->inside;
        if (at < inside->begin) {
            break;
        }
        at += inside->end - inside->begin;
    }
    return at;
}

/* `word` is what stands there. */
static enum problem_kind refuse_non_finite(const struct envelope *envelope, size_t offset, struct text_view word,
                                           struct problem *problem) {
    bool has_other = envelope->non_finite_media;
    return problem_set(problem, PROBLEM_INVALID_JSON, NULL,
                       "at byte %zu: invalid token near '%.*s': JSON has neither NaN nor infinity%s%s%s", offset + 1,
                       (int)word.length, word.bytes, has_other ? ", " : "", has_other ? envelope->non_finite_media : "",
                       has_other ? " takes them" : "");
}

/* What document_parse said of the envelope's text, said of the body. */
static enum problem_kind relocate(const struct envelope *envelope, const char *text, size_t length,
                                  const struct problem *found, const _Atomic bool *cancel, struct problem *problem) {
    const char *rest;
    size_t byte = problem_byte(found, &rest);
    if (byte == 0) {
        return problem_set(problem, found->kind, found->pointer, "%s", found->detail);
    }
    size_t offset = body_offset(envelope, byte - 1);
    size_t begin, end;
    if (envelope_check_bulk(envelope, offset, cancel, problem)) {
        return problem->kind;
    }
    if (found->kind == PROBLEM_INVALID_JSON && non_finite_find(text, length, byte - 1, &begin, &end)) {
        return refuse_non_finite(envelope, offset, (struct text_view){text + begin, end - begin}, problem);
    }
    return problem_set(problem, found->kind, found->pointer, "at byte %zu%.*s", offset + 1, DETAIL_MAX, rest);
}

static enum problem_kind parse_text(const struct envelope *envelope, const char *text, size_t length,
                                    struct memory *memory, const _Atomic bool *cancel, struct document **out,
                                    size_t *peak_bytes, struct problem *problem) {
    struct problem found = {0};
    enum problem_kind kind = document_parse(text, length, memory, out, peak_bytes, &found);
    if (kind == PROBLEM_NONE) {
        return kind;
    }
    if (kind == PROBLEM_MEMORY_LIMIT || envelope->is_glance) {
        return problem_set(problem, kind, found.pointer, "%s", found.detail);
    }
    return relocate(envelope, text, length, &found, cancel, problem);
}

enum problem_kind envelope_parse(const struct envelope *envelope, struct memory *memory, const _Atomic bool *cancel,
                                 struct document **out, size_t *peak_bytes, struct problem *problem) {
    *out = NULL;
    if (envelope_is_cancelled(cancel)) {
        return document_parse("{}", 2, memory, out, peak_bytes, problem);
    }
    const char *foreign = byte_order_mark_foreign_json(envelope->bytes, envelope->length);
    if (foreign && envelope->begin == 0) {
        return problem_set(problem, PROBLEM_INVALID_UTF8, NULL, "the body is %s; JSON is read as UTF-8", foreign);
    }
    size_t length = text_length(envelope);
    if (envelope->span_count == 0) {
        return parse_text(envelope, envelope->bytes + envelope->mark_bytes, length, memory, cancel, out, peak_bytes,
                          problem);
    }
    char small[SMALL_BYTES];
    if (length <= sizeof small) {
        write_text(envelope, small);
        return parse_text(envelope, small, length, memory, cancel, out, peak_bytes, problem);
    }
    *peak_bytes = length;
    char *text = memory_take(memory, length);
    if (!text) {
        return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "reading the JSON takes at least %zu bytes", length);
    }
    write_text(envelope, text);
    enum problem_kind kind = parse_text(envelope, text, length, memory, cancel, out, peak_bytes, problem);
    *peak_bytes += length;
    memory_give(memory, text, length);
    return kind;
}

void envelope_name_overflow(const char *name, struct problem *problem) {
    if (problem->kind == PROBLEM_NUMBER_OVERFLOW && problem->pointer[0] == '\0') {
        size_t used = strlen(problem->detail);
        (void)snprintf(problem->pointer, sizeof problem->pointer, "/%s", name);
        (void)snprintf(problem->detail + used, sizeof problem->detail - used,
                       " in \"%s\"; a double ends at " NUMBER_LARGEST_TEXT, name);
    }
}

/* With the brackets around them. */
static enum problem_kind check_values(const char *bytes, const struct json_span *inside, const _Atomic bool *cancel,
                                      struct problem *problem) {
    return json_check(bytes, inside->begin - 1, inside->end + 1, cancel, problem);
}

enum problem_kind envelope_check_bulk(const struct envelope *envelope, size_t end, const _Atomic bool *cancel,
                                      struct problem *problem) {
    static enum problem_kind (*const checks[])(const char *, const struct json_span *, const _Atomic bool *,
                                               struct problem *) = {[ENVELOPE_TEXT] = json_text_check,
                                                                    [ENVELOPE_NUMBERS] = number_array_check,
                                                                    [ENVELOPE_ROWS] = number_rows_check,
                                                                    [ENVELOPE_VALUES] = check_values,
                                                                    [ENVELOPE_MEMBERS] = check_values};
    enum problem_kind kind = PROBLEM_NONE;
    for (size_t i = 0; i < envelope->span_count && !kind && !envelope->is_glance; i++) {
        const struct envelope_span *span = envelope_span_at(envelope, i);
        if (span->inside.begin >= end) {
            break;
        }
        kind = checks[span->field->kind](envelope->bytes, &span->inside, cancel, problem);
        envelope_name_overflow(span->field->name, problem);
    }
    return kind;
}

const struct json_span *envelope_find(const struct envelope *envelope, const char *name) {
    for (size_t i = 0; i < envelope->span_count; i++) {
        const struct envelope_span *span = envelope_span_at(envelope, i);
        if (strcmp(span->field->name, name) == 0) {
            return &span->inside;
        }
    }
    return NULL;
}
