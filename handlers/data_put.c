/* PUT /v1/data/{name}. What comes in the layout that kernels want (.npy of little-endian floats, plain text) stays in
 * the block it was received in, which becomes the store's; all else is read by the team into a block of the store's.
 *
 * Where the store is durable, the former goes to a file while it comes: hashed, and for the most part on the disk, when
 * it is all here. It has no name before all checks are done. */
#include "handlers/bare_value.h"
#include "handlers/data.h"
#include "handlers/named.h"
#include "handlers/options.h"

#include "codecs/byte_order_mark.h"
#include "codecs/npy_numbers.h"
#include "server/engine/arrival.h"

#include <assert.h>
#include <string.h>

/* What is shorter is written as a whole when it is here, as what has to be converted is. */
enum { ARRIVING_LEAST_BYTES = 1024 * 1024 };

/* One thread copies so much, where a block can't be taken over. */
enum { COPIED_BYTES_PER_NS = 4 };

struct arguments {
    struct operand data;                /* numbers, or a text in JSON */
    struct operand_text text;           /* of that: where it lies in the body */
    double number;                      /* a single one in JSON */
    size_t mark_bytes;                  /* of UTF-8's mark before a plain text */
    const struct data_version *version; /* that was made of it */
    bool has_begun;                     /* the body: its first piece has been looked at */
    struct arrival *arrival;            /* of its numbers, or its text, as they lie in it; NULL: it is written later */
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

/* --- before the body comes --------------------------------------------------------------------------------------- */

static bool is_as_long_as_declared(const struct order *order) {
    return order->is_declared && order->body_media != MEDIA_JSON && order->body_coding == CONTENT_IDENTITY;
}

static enum problem_kind data_put_open(struct call *call) {
    const struct order *order = call->order;
    if (data_name_check(order->part, NULL, &call->problem)) {
        return call->problem.kind;
    }
    size_t bytes = is_as_long_as_declared(order) ? (size_t)order->declared_bytes : 0;
    return named_check_room(call, order->part, bytes > NPY_HEAD_READ_MAX ? bytes - NPY_HEAD_READ_MAX : 0);
}

/* --- while it comes ---------------------------------------------------------------------------------------------- */

static enum keeping data_put_keeps(const struct call *call) {
    const struct order *order = call->order;
    bool may_arrive = call->host->arrivals && data_store_folder(call->host->data) >= 0;
    bool is_worth_it = is_as_long_as_declared(order) && order->declared_bytes >= ARRIVING_LEAST_BYTES;
    return may_arrive && is_worth_it ? KEEP_WHOLE : KEEP_NOTHING;
}

/* Where what is kept begins in a body of which this is the first piece. False: it is converted, or refused, later. */
static bool find_kept(const struct call *call, const char *bytes, size_t length, size_t *from) {
    struct npy_head head;
    struct problem unused = {0};
    if (call->order->body_media == MEDIA_TEXT) {
        *from = byte_order_mark_length(bytes, length);
        return !byte_order_mark_foreign(bytes, length);
    }
    if (npy_read_head(bytes, length, &head, "data", &unused) || !head.complete) {
        return false;
    }
    *from = head.head_bytes;
    return npy_is_plain(&head, npy_dtype_kept(head.dtype));
}

static void drop_arrival(void *object) {
    arrival_drop(object);
}

static void arrived(void *context) {
    call_wake(context);
}

/* Whatever goes wrong here is tried once more when the body is complete, and told then. */
static bool data_put_keep(struct call *call, const char *bytes, size_t length, bool last) {
    struct arguments *arguments = arguments_of(call);
    size_t from = 0;
    if (!arguments->has_begun && find_kept(call, bytes, length, &from)) {
        struct arrival *arrival = arrival_new(call->host->arrivals, data_store_folder(call->host->data));
        arguments->arrival = arrival && !call_own(call, arrival, drop_arrival) ? arrival : NULL;
    }
    arguments->has_begun = true;
    if (!arguments->arrival || arrival_error(arguments->arrival)) {
        call->problem = (struct problem){0};
        return false;
    }
    arrival_add(arguments->arrival, bytes + from, length - from, last, arrived, call);
    return true;
}

/* --- decode ------------------------------------------------------------------------------------------------------ */

static enum problem_kind find_array(struct call *call, struct operand *data) {
    size_t offset = 0;
    if (call->body.length == 0) {
        return problem_set(&call->problem, PROBLEM_EMPTY_BODY, NULL, "an array in the .npy format is expected");
    }
    if (operand_next(call, &offset, "data", data) || operand_check_end(call, offset)) {
        return call->problem.kind;
    }
    data->dtype = npy_dtype_kept(data->head.dtype);
    return PROBLEM_NONE;
}

static enum problem_kind find_plain_text(struct call *call, struct arguments *arguments) {
    const struct payload *body = &call->body;
    const char *foreign = body->length > 0 ? byte_order_mark_foreign(body->bytes, body->length) : NULL;
    if (foreign) {
        return problem_set(&call->problem, PROBLEM_INVALID_UTF8, NULL, "the body is %s; text is read as UTF-8",
                           foreign);
    }
    arguments->mark_bytes = body->length > 0 ? byte_order_mark_length(body->bytes, body->length) : 0;
    return PROBLEM_NONE;
}

static enum problem_kind find_data(struct call *call, struct arguments *arguments) {
    switch (call->order->body_media) {
    case MEDIA_JSON:
        return bare_value_find(call, &arguments->data);
    case MEDIA_NPY:
        return find_array(call, &arguments->data);
    default:
        return find_plain_text(call, arguments);
    }
}

static enum problem_kind data_put_decode(struct call *call) {
    static const struct field fields[] = {{NULL, FIELD_TEXT}};
    struct arguments *arguments = arguments_of(call);
    if (options_read(call, fields, OPTIONS_TEAM | OPTIONS_EXPIRY) ||
        data_name_check(call->order->part, NULL, &call->problem) || find_data(call, arguments)) {
        bare_value_point(&call->problem);
        return call->problem.kind;
    }
    bool is_copied = call->body.capacity - call->body.length > call->body.capacity / 8;
    arguments->data.is_kept = true;
    call->demand.cost_ns =
        operand_load_cost_ns(&arguments->data) + (is_copied ? call->body.length / COPIED_BYTES_PER_NS : 0);
    call->demand.leaves_owner = data_store_is_durable(call->host->data);
    return PROBLEM_NONE;
}

/* --- load -------------------------------------------------------------------------------------------------------- */

static enum problem_kind load_data(struct call *call, struct arguments *arguments) {
    struct operand *data = &arguments->data;
    switch (data->source) {
    case OPERAND_ABSENT: /* a plain text */
    case OPERAND_NUMBER:
        return PROBLEM_NONE;
    case OPERAND_TEXT:
        return operand_load_text(call, data, &arguments->text);
    default:
        return operands_load(call, (struct operand *const[OPERANDS_MAX]){data, NULL});
    }
}

static enum problem_kind data_put_load(struct call *call) {
    if (load_data(call, arguments_of(call))) {
        bare_value_point(&call->problem);
    }
    return call->problem.kind;
}

/* --- compute ----------------------------------------------------------------------------------------------------- */

static enum problem_kind put(struct call *call, struct data_put *what) {
    struct data_receipt receipt;
    what->name = call->order->part;
    what->expires_s = call->store.expires_s;
    if (named_put(call, what, &receipt)) {
        return call->problem.kind;
    }
    struct payload whole = data_version_payload(receipt.version, 0, receipt.version->length);
    arguments_of(call)->version = receipt.version;
    call->status = receipt.replaced ? 200 : 201;
    enum problem_kind kind = call_hold(call, &whole);
    payload_drop(&whole);
    data_version_drop(receipt.version);
    return kind;
}

/* Bytes that lie in the body: with its block, which the call gives up. */
static enum problem_kind put_body(struct call *call, struct data_put *what) {
    struct payload body = call->body;
    struct arrival *arrival = arguments_of(call)->arrival;
    bool has_arrived = arrival && !arrival_error(arrival) && arrival_file(arrival)->length == what->length;
    what->file = has_arrived ? arrival_file(arrival) : NULL;
    call->body = (struct payload){0};
    what->content = &body;
    enum problem_kind kind = put(call, what);
    what->content = NULL;
    payload_drop(&body);
    return kind;
}

static enum problem_kind put_numbers(struct call *call, const struct arguments *arguments) {
    const struct operand *data = &arguments->data;
    double number = data->number;
    struct data_put what = {
        .about = named_about(data), .bytes = data->values, .length = data->count * npy_number_bytes(data->dtype)};
    what.about.sent_dtype = data->source == OPERAND_NPY ? data->head.dtype : NPY_FLOAT64;
    if (data->source == OPERAND_NUMBER) {
        what.bytes = (const char *)&number;
        return put(call, &what);
    }
    if (data->payload == &call->body) {
        return put_body(call, &what);
    }
    struct payload content = payload_hold(data->payload);
    payload_drop(&call->body);
    what.content = &content;
    enum problem_kind kind = put(call, &what);
    payload_drop(&content);
    return kind;
}

/* Pieces that lie apart are joined in a block of the store's. */
static enum problem_kind put_pieces(struct call *call, const struct operand_text *text, struct data_put *what) {
    struct payload content;
    what->length = 0;
    for (size_t i = 0; i < text->count; i++) {
        what->length += text->pieces[i].length;
    }
    if (!payload_take(&content, data_store_memory(call->host->data), what->length)) {
        return call_memory_short(call, what->length);
    }
    for (size_t i = 0; i < text->count; i++) {
        memcpy(content.bytes + content.length, text->pieces[i].bytes, text->pieces[i].length);
        content.length += text->pieces[i].length;
    }
    payload_drop(&call->body);
    what->content = &content;
    what->bytes = content.bytes;
    enum problem_kind kind = put(call, what);
    what->content = NULL;
    payload_drop(&content);
    return kind;
}

static enum problem_kind put_text(struct call *call, const struct arguments *arguments) {
    const struct operand_text *text = &arguments->text;
    struct data_put what = {.about = {.kind = DATA_TEXT, .shape = {1, 1}}};
    if (text->count > 1) {
        return put_pieces(call, text, &what);
    }
    bool is_plain = text->count == 0;
    what.bytes = is_plain ? call->body.bytes + arguments->mark_bytes : text->pieces[0].bytes;
    what.length = is_plain ? call->body.length - arguments->mark_bytes : text->pieces[0].length;
    return put_body(call, &what);
}

static enum problem_kind data_put_compute(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    bool is_text = arguments->data.source == OPERAND_ABSENT || arguments->data.source == OPERAND_TEXT;
    return is_text ? put_text(call, arguments) : put_numbers(call, arguments);
}

/* --- encode ------------------------------------------------------------------------------------------------------ */

static enum problem_kind data_put_encode(struct call *call) {
    const struct data_version *version = arguments_of(call)->version;
    named_write_meta(&call->reply, version);
    return named_add_fields(call, version);
}

const struct endpoint data_put_endpoint = {
    .path = "/v1/data/{name...}",
    .summary = "keeps numbers, rows or a text under a name",
    .method = ENDPOINT_PUT,
    .options_in_query = true,
    .consumes = MEDIA_JSON | MEDIA_NPY | MEDIA_TEXT,
    .produces = MEDIA_JSON,
    .open = data_put_open,
    .keeps = data_put_keeps,
    .keep = data_put_keep,
    .decode = data_put_decode,
    .load = data_put_load,
    .compute = data_put_compute,
    .encode = data_put_encode,
};
