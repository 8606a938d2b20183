/* GET /v1/data lists names, DELETE removes those with a prefix, or the one of the path. */
#include "handlers/data.h"
#include "handlers/named.h"
#include "handlers/options.h"

#include <assert.h>
#include <string.h>

enum { LIMIT_MAX = 1000, LIMIT_DEFAULT = 100, PRINT_ENTRY_NS = 1500 };

struct arguments {
    struct text_view prefix;
    struct text_view after;
    size_t limit;
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

/* A text that may be left out: "" then. */
static enum problem_kind read_text(struct call *call, const char *name, struct text_view *text) {
    *text = (struct text_view){"", 0};
    return document_type_of(call->document, name) == DOCUMENT_ABSENT
               ? PROBLEM_NONE
               : document_text(call->document, name, text, &call->problem);
}

static enum problem_kind read_prefix(struct call *call, struct arguments *arguments) {
    return read_text(call, "prefix", &arguments->prefix)
               ? call->problem.kind
               : data_name_check_prefix(arguments->prefix, "/prefix", &call->problem);
}

/* --- list -------------------------------------------------------------------------------------------------------- */

static enum problem_kind data_list_decode(struct call *call) {
    static const struct field fields[] = {
        {"prefix", FIELD_TEXT}, {"after", FIELD_TEXT}, {"limit", FIELD_INTEGER}, {NULL, FIELD_TEXT}};
    struct arguments *arguments = arguments_of(call);
    int64_t limit = LIMIT_DEFAULT;
    if (options_read(call, fields, OPTIONS_NONE) || read_prefix(call, arguments) ||
        read_text(call, "after", &arguments->after) ||
        data_name_check_prefix(arguments->after, "/after", &call->problem) ||
        (document_type_of(call->document, "limit") != DOCUMENT_ABSENT &&
         document_integer(call->document, "limit", 1, LIMIT_MAX, &limit, &call->problem))) {
        return call->problem.kind;
    }
    arguments->limit = (size_t)limit;
    call->demand.cost_ns = PRINT_ENTRY_NS * (uint64_t)limit;
    call->demand.tasks = 1;
    return PROBLEM_NONE;
}

static enum problem_kind data_nothing_to_compute(struct call *call) {
    (void)call;
    return PROBLEM_NONE;
}

static void write_page(struct json_writer *reply, struct data_version **versions, size_t count, bool more) {
    json_key(reply, "data");
    json_begin_array(reply);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(reply);
        named_write_meta(reply, versions[i]);
        json_end_object(reply);
    }
    json_end_array(reply);
    json_key(reply, "next");
    if (more && count > 0) {
        json_cstring(reply, versions[count - 1]->name);
    } else {
        json_raw(reply, "null", 4);
    }
}

static enum problem_kind data_list_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    struct data_version **versions = call_take(call, arguments->limit * sizeof *versions);
    bool more = false;
    if (!versions) {
        return call->problem.kind;
    }
    size_t count =
        data_store_list(call->host->data, arguments->prefix, arguments->after, arguments->limit, versions, &more);
    struct data_state state = data_store_state(call->host->data);
    json_begin_object(&call->reply);
    write_page(&call->reply, versions, count, more);
    for (size_t i = 0; i < count; i++) {
        data_version_drop(versions[i]);
    }
    json_key(&call->reply, "count");
    json_unsigned(&call->reply, state.count);
    json_key(&call->reply, "used_bytes");
    json_unsigned(&call->reply, state.used_bytes);
    json_key(&call->reply, "limit_bytes");
    json_unsigned(&call->reply, state.limit_bytes);
    json_end_object(&call->reply);
    return PROBLEM_NONE;
}

const struct endpoint data_list_endpoint = {
    .path = "/v1/data",
    .summary = "names of data, in their order",
    .method = ENDPOINT_GET,
    .writes_all = true,
    .produces = MEDIA_JSON,
    .decode = data_list_decode,
    .compute = data_nothing_to_compute,
    .encode = data_list_encode,
};

/* --- delete ------------------------------------------------------------------------------------------------------ */

static void leave_for_disk(struct call *call) {
    call->demand.leaves_owner = data_store_is_durable(call->host->data);
}

static enum problem_kind data_delete_decode(struct call *call) {
    static const struct field fields[] = {{NULL, FIELD_TEXT}};
    leave_for_disk(call);
    return options_read(call, fields, OPTIONS_NONE) ? call->problem.kind
                                                    : data_name_check(call->order->part, NULL, &call->problem);
}

static enum problem_kind data_delete_compute(struct call *call) {
    const struct order_fields *fields = &call->order->fields;
    const struct data_conditions conditions = {.if_match = fields->if_match, .if_none_match = fields->if_none_match};
    call->status = 204;
    return data_store_delete(call->host->data, call->order->part, &conditions, &call->problem);
}

static enum problem_kind data_nothing_to_encode(struct call *call) {
    (void)call;
    return PROBLEM_NONE;
}

const struct endpoint data_delete_endpoint = {
    .path = "/v1/data/{name...}",
    .summary = "forgets what is kept under a name",
    .method = ENDPOINT_DELETE,
    .writes_all = true,
    .produces = MEDIA_JSON,
    .decode = data_delete_decode,
    .compute = data_delete_compute,
    .encode = data_nothing_to_encode,
};

static enum problem_kind check_all(struct call *call) {
    static const char *const choices[] = {"true", NULL};
    size_t unused = 0;
    if (document_type_of(call->document, "all") != DOCUMENT_ABSENT) {
        return document_choice(call->document, "all", choices, &unused, &call->problem);
    }
    return problem_set(&call->problem, PROBLEM_MISSING_FIELD, "/all",
                       "\"all\" is missing: this deletes all names that begin with \"prefix\", or all there are; say "
                       "all=true");
}

static enum problem_kind data_delete_all_decode(struct call *call) {
    static const struct field fields[] = {{"prefix", FIELD_TEXT}, {"all", FIELD_TEXT}, {NULL, FIELD_TEXT}};
    struct arguments *arguments = arguments_of(call);
    if (options_read(call, fields, OPTIONS_NONE) || read_prefix(call, arguments) || check_all(call)) {
        return call->problem.kind;
    }
    /* How many there are isn't known. */
    call->demand.leaves_owner = true;
    return PROBLEM_NONE;
}

static enum problem_kind data_delete_all_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    struct data_deleted deleted;
    if (data_store_delete_all(call->host->data, arguments->prefix, &deleted, &call->problem)) {
        return call->problem.kind;
    }
    json_begin_object(&call->reply);
    json_key(&call->reply, "deleted");
    json_unsigned(&call->reply, deleted.count);
    json_key(&call->reply, "bytes");
    json_unsigned(&call->reply, deleted.bytes);
    json_end_object(&call->reply);
    return PROBLEM_NONE;
}

const struct endpoint data_delete_all_endpoint = {
    .path = "/v1/data",
    .summary = "forgets all names that begin with a prefix",
    .method = ENDPOINT_DELETE,
    .writes_all = true,
    .produces = MEDIA_JSON,
    .decode = data_delete_all_decode,
    .compute = data_delete_all_compute,
    .encode = data_nothing_to_encode,
};
