/* GET and HEAD of /v1/data/{name}: the data, rows of it, or what it is (?meta). An array as JSON or .npy, a text as a
 * JSON string or plain: .npy and plain texts are sent from where they lie, and in parts where a range is asked for. */
#include "handlers/array_reply.h"
#include "handlers/byte_range.h"
#include "handlers/data.h"
#include "handlers/named.h"
#include "handlers/options.h"

#include "codecs/json/utf8_check.h"
#include "codecs/numbers/number_print.h"
#include "server/data/data_tags.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { PRINTED_TEXT_BYTES_PER_NS = 1, HASHED_BYTES_PER_NS = 1, TAG_BYTES = DATA_TAG_MAX + 32 };

struct arguments {
    struct data_version *version; /* held by the call */
    struct operand view;          /* of numbers: those that are asked for */
    bool is_meta;
    bool is_unchanged; /* the client has it */
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

/* --- decode ------------------------------------------------------------------------------------------------------ */

static enum problem_kind find_version(struct call *call, struct arguments *arguments) {
    struct text_view name = call->order->part;
    if (data_name_check(name, NULL, &call->problem)) {
        return call->problem.kind;
    }
    struct data_version *version = data_store_find(call->host->data, name);
    if (!version) {
        return problem_set(&call->problem, PROBLEM_NOT_FOUND, NULL, "there is no data of the name \"%.*s\"",
                           (int)name.length, name.bytes);
    }
    (void)named_hold(call, version, 0, version->length); /* the call's problem says the same */
    data_version_drop(version);
    arguments->version = version;
    return call->problem.kind;
}

/* Digits; else -1. Empty: `absent`. */
static int64_t read_row(const char *bytes, size_t length, int64_t absent) {
    int64_t row = 0;
    if (length == 0) {
        return absent;
    }
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < '0' || bytes[i] > '9' || length > 15) {
            return -1;
        }
        row = row * 10 + (bytes[i] - '0');
    }
    return row;
}

/* "2:5", ":5", "2:" or ":". */
static enum problem_kind read_rows(struct call *call, const struct data_version *version,
                                   struct document_reference *rows) {
    struct text_view text;
    if (document_text(call->document, "rows", &text, &call->problem)) {
        return call->problem.kind;
    }
    if (version->about.kind == DATA_TEXT) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/rows", "\"%s\" is a text, which has no rows",
                           version->name);
    }
    const char *colon = memchr(text.bytes, ':', text.length);
    size_t first = colon ? (size_t)(colon - text.bytes) : 0;
    rows->has_rows = true;
    rows->begin = colon ? read_row(text.bytes, first, 0) : -1;
    rows->end = colon ? read_row(colon + 1, text.length - first - 1, (int64_t)version->about.shape[0]) : -1;
    if (rows->begin < 0 || rows->end < 0) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/rows",
                           "\"rows\" is written 2:5, for rows 2, 3 and 4; either end may be left out");
    }
    if (version->about.dimensions == 0) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/rows", "\"%s\" is a single number, which has no rows",
                           version->name);
    }
    if ((uint64_t)rows->end > version->about.shape[0]) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/rows",
                           "\"rows\" ends with %lld; \"%s\" has %zu rows", (long long)rows->end, version->name,
                           version->about.shape[0]);
    }
    if (rows->end < rows->begin) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/rows",
                           "\"rows\" ends with %lld, before it begins with %lld", (long long)rows->end,
                           (long long)rows->begin);
    }
    return PROBLEM_NONE;
}

static enum problem_kind find_view(struct call *call, struct arguments *arguments) {
    struct document_reference rows = {0};
    bool has_rows = document_type_of(call->document, "rows") != DOCUMENT_ABSENT;
    arguments->is_meta = document_type_of(call->document, "meta") != DOCUMENT_ABSENT;
    if (has_rows && arguments->is_meta) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/rows",
                           "\"meta\" tells of the whole; give it or \"rows\"");
    }
    if (has_rows && read_rows(call, arguments->version, &rows)) {
        return call->problem.kind;
    }
    return arguments->version->about.kind == DATA_TEXT
               ? PROBLEM_NONE
               : operand_view(call, "rows", &rows, arguments->version, &arguments->view);
}

/* The first of what the client takes that there is of this. */
static enum problem_kind choose_media(struct call *call, const struct arguments *arguments) {
    unsigned there = arguments->is_meta                            ? MEDIA_JSON
                     : arguments->version->about.kind == DATA_TEXT ? MEDIA_JSON | MEDIA_TEXT
                                                                   : MEDIA_JSON | MEDIA_NPY;
    char names[MEDIA_NAMES_MAX];
    for (const enum media *choice = call->order->reply_choices; *choice != MEDIA_NONE; choice++) {
        if (there & *choice) {
            call->answer_media = *choice;
            return PROBLEM_NONE;
        }
    }
    return problem_set(&call->problem, PROBLEM_NOT_ACCEPTABLE, NULL, "this is there as %s",
                       media_list(there, names, sizeof names));
}

/* Does the answer get a tag of its own beside that of its media? Parts of it are never coded. */
static bool is_coded(const struct call *call) {
    const struct order *order = call->order;
    return order->reply_coding != CONTENT_IDENTITY && (!order->fields.range.bytes || order->reply_must_be_coded);
}

/* The version's tag, with what tells this representation from others. */
static void print_tag(const struct call *call, const struct arguments *arguments, char tag[TAG_BYTES]) {
    enum media media = call_answer_media(call);
    const char *plain = arguments->version->tag;
    (void)snprintf(tag, TAG_BYTES, "%.*s%s%s%s\"", (int)strlen(plain) - 1, plain,
                   arguments->is_meta    ? ".meta"
                   : media == MEDIA_NPY  ? ".npy"
                   : media == MEDIA_TEXT ? ".txt"
                                         : "",
                   is_coded(call) ? "." : "", is_coded(call) ? content_coding_name(call->order->reply_coding) : "");
}

static enum problem_kind check_conditions(struct call *call, struct arguments *arguments) {
    const struct order_fields *fields = &call->order->fields;
    const struct text_view *match = &fields->if_match;
    const struct text_view *none = &fields->if_none_match;
    char tag[TAG_BYTES];
    if (match->bytes && !data_tags_is_any(*match) &&
        !data_tags_has(*match, arguments->version->tag, DATA_TAGS_STRONG, true)) {
        return problem_set(&call->problem, PROBLEM_PRECONDITION_FAILED, NULL,
                           "If-Match doesn't allow it: the ETag of \"%s\" is %s", arguments->version->name,
                           arguments->version->tag);
    }
    print_tag(call, arguments, tag);
    arguments->is_unchanged =
        none->bytes && (data_tags_is_any(*none) || data_tags_has(*none, tag, DATA_TAGS_WEAK, false));
    call->status = arguments->is_unchanged ? 304 : 200;
    return PROBLEM_NONE;
}

static uint64_t predict_ns(const struct call *call, const struct arguments *arguments) {
    struct digest unused;
    const struct data_version *version = arguments->version;
    if (arguments->is_unchanged || call_answer_media(call) != MEDIA_JSON) {
        return 0;
    }
    if (arguments->is_meta) {
        return data_version_knows_digest(version, &unused) ? 0 : version->length / HASHED_BYTES_PER_NS;
    }
    return version->about.kind == DATA_TEXT ? version->length / PRINTED_TEXT_BYTES_PER_NS
                                            : array_reply_cost_ns(arguments->view.count);
}

static enum problem_kind data_get_decode(struct call *call) {
    static const struct field fields[] = {{"rows", FIELD_TEXT}, {"meta", FIELD_TEXT}, {NULL, FIELD_TEXT}};
    struct arguments *arguments = arguments_of(call);
    if (options_read(call, fields, OPTIONS_NONE) || find_version(call, arguments) || find_view(call, arguments) ||
        choose_media(call, arguments) || check_conditions(call, arguments)) {
        return call->problem.kind;
    }
    call->demand.cost_ns = predict_ns(call, arguments);
    bool is_for_a_team = !arguments->is_meta && arguments->version->about.kind != DATA_TEXT;
    call->demand.tasks = is_for_a_team ? 0 : 1;
    return PROBLEM_NONE;
}

/* --- compute ----------------------------------------------------------------------------------------------------- */

static enum problem_kind data_get_compute(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    struct digest digest;
    if (arguments->is_meta && !arguments->is_unchanged) {
        bool is_known = data_version_digest(arguments->version, &call->cancel, &digest);
        (void)is_known; /* whoever set the cancel flag knows why */
    }
    return PROBLEM_NONE;
}

/* --- encode ------------------------------------------------------------------------------------------------------ */

static enum problem_kind write_json(struct call *call, const struct arguments *arguments) {
    const struct data_version *version = arguments->version;
    if (version->about.kind != DATA_TEXT) {
        size_t wrong = arguments->view.count;
        if (array_reply_bare(call, &arguments->view, NUMBER_PRECISION_MAX, &wrong) || wrong == arguments->view.count) {
            return call->problem.kind;
        }
        return call_is_cancelled(call) ? PROBLEM_NONE : array_reply_refuse(call, "", &arguments->view, wrong);
    }
    size_t valid = utf8_check(version->bytes, version->length);
    if (valid < version->length) {
        return problem_set(&call->problem, PROBLEM_INVALID_UTF8, NULL,
                           "byte %zu of the text is no UTF-8, which JSON is in; Accept: text/plain gets it", valid + 1);
    }
    json_text(&call->reply, version->bytes, version->length);
    return PROBLEM_NONE;
}

static enum problem_kind list_text(struct call *call, const struct data_version *version) {
    struct reply_piece *piece = call_take(call, sizeof *piece);
    if (!piece) {
        return call->problem.kind;
    }
    *piece = (struct reply_piece){version->bytes, version->length};
    call->reply_pieces = piece;
    call->reply_piece_count = 1;
    return PROBLEM_NONE;
}

/* Leaves of the reply's pieces what is in [begin, end). */
static enum problem_kind cut_pieces(struct call *call, size_t begin, size_t end) {
    struct reply_piece *pieces = call_take(call, call->reply_piece_count * sizeof *pieces);
    size_t count = 0;
    size_t at = 0;
    if (!pieces) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < call->reply_piece_count; i++) {
        const struct reply_piece *piece = &call->reply_pieces[i];
        size_t from = begin > at ? begin - at : 0;
        size_t to = end - at < piece->length ? end - at : piece->length;
        if (at < end && from < to) {
            pieces[count++] = (struct reply_piece){piece->bytes + from, to - from};
        }
        at += piece->length;
    }
    call->reply_pieces = pieces;
    call->reply_piece_count = count;
    return PROBLEM_NONE;
}

/* If-Range: the range is of the representation that the client has a part of, or it gets the whole. */
static bool wants_range(const struct call *call, const char *tag) {
    const struct order_fields *fields = &call->order->fields;
    return fields->range.bytes && !is_coded(call) &&
           (!fields->if_range.bytes || data_tags_has(fields->if_range, tag, DATA_TAGS_STRONG, false));
}

static enum problem_kind cut_range(struct call *call, const char *tag) {
    char range[80];
    size_t length = 0;
    size_t begin = 0;
    size_t end = 0;
    for (size_t i = 0; i < call->reply_piece_count; i++) {
        length += call->reply_pieces[i].length;
    }
    if (!wants_range(call, tag)) {
        return PROBLEM_NONE;
    }
    switch (byte_range_read(call->order->fields.range, length, &begin, &end)) {
    case BYTE_RANGE_WHOLE:
        return PROBLEM_NONE;
    case BYTE_RANGE_OUTSIDE:
        (void)snprintf(range, sizeof range, "bytes */%zu", length);
        return call_add_field(call, "Content-Range", range)
                   ? call->problem.kind
                   : problem_set(&call->problem, PROBLEM_RANGE_NOT_SATISFIABLE, NULL, "there are %zu bytes", length);
    case BYTE_RANGE_PART:
        break;
    }
    (void)snprintf(range, sizeof range, "bytes %zu-%zu/%zu", begin, end - 1, length);
    call->status = 206;
    return cut_pieces(call, begin, end) ? call->problem.kind : call_add_field(call, "Content-Range", range);
}

static enum problem_kind add_fields(struct call *call, const char *tag) {
    bool has_ranges = call_answer_media(call) != MEDIA_JSON;
    if (call_add_field(call, "ETag", tag) || call_add_field(call, "Vary", "Accept") ||
        call_add_field(call, "Cache-Control", "no-cache")) { /* kept, and asked for every time */
        return call->problem.kind;
    }
    return has_ranges ? call_add_field(call, "Accept-Ranges", "bytes") : PROBLEM_NONE;
}

static enum problem_kind data_get_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    enum media media = call_answer_media(call);
    char tag[TAG_BYTES];
    print_tag(call, arguments, tag);
    if (add_fields(call, tag) || arguments->is_unchanged) {
        return call->problem.kind;
    }
    if (arguments->is_meta) {
        json_begin_object(&call->reply);
        named_write_meta(&call->reply, arguments->version);
        json_end_object(&call->reply);
        return PROBLEM_NONE;
    }
    if (media == MEDIA_JSON) {
        return write_json(call, arguments);
    }
    enum problem_kind kind =
        media == MEDIA_NPY ? array_reply_npy(call, &arguments->view) : list_text(call, arguments->version);
    return kind ? kind : cut_range(call, tag);
}

const struct endpoint data_get_endpoint = {
    .path = "/v1/data/{name...}",
    .summary = "named data: all of it, rows, or what it is (?meta)",
    .method = ENDPOINT_GET,
    .writes_all = true,
    .produces = MEDIA_JSON | MEDIA_NPY | MEDIA_TEXT,
    .decode = data_get_decode,
    .compute = data_get_compute,
    .encode = data_get_encode,
};
