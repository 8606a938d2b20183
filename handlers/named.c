#include "handlers/named.h"

#include "server/data/data_pins.h"
#include "server/engine/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const uint64_t exact_max = UINT64_C(1) << 53;

/* --- to read ----------------------------------------------------------------------------------------------------- */

static struct data_version *find(const struct call *call, struct text_view name) {
    struct data_pins *pins = data_pins_of(&call->order->pins);
    if (pins) {
        return data_pins_find(pins, name);
    }
    return call->host->data ? data_store_find(call->host->data, name) : NULL;
}

struct data_version *named_find(struct call *call, struct text_view name, const char *pointer) {
    if (data_name_check(name, pointer, &call->problem)) {
        return NULL;
    }
    struct data_version *version = find(call, name);
    if (!version) {
        problem_set(&call->problem, PROBLEM_UNKNOWN_DATA, pointer, "there is no data of the name \"%.*s\"",
                    (int)name.length, name.bytes);
    }
    return version;
}

const struct payload *named_hold(struct call *call, struct data_version *version, size_t at, size_t length) {
    struct payload *view = call_take(call, sizeof *view);
    if (!view) {
        return NULL;
    }
    struct payload payload = data_version_payload(version, at, length);
    *view = payload;
    enum problem_kind refused = call_hold(call, &payload);
    payload_drop(&payload);
    return refused ? NULL : view;
}

/* --- what a version is ------------------------------------------------------------------------------------------- */

static void put_time(struct json_writer *reply, const char *key, int64_t ms) {
    char text[40];
    struct tm parts;
    time_t seconds = (time_t)(ms / 1000);
    json_key(reply, key);
    if (ms == 0 || !gmtime_r(&seconds, &parts)) {
        json_raw(reply, "null", 4);
        return;
    }
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + length, sizeof text - length, ".%03uZ", (unsigned)(ms % 1000));
    json_cstring(reply, text);
}

static void put_array(struct json_writer *reply, const struct data_about *about) {
    bool is_text = about->kind == DATA_TEXT;
    json_key(reply, "dtype");
    if (is_text) {
        json_raw(reply, "null", 4);
    } else {
        json_cstring(reply, npy_dtype_name(about->dtype));
    }
    json_key(reply, "sent_dtype");
    if (is_text) {
        json_raw(reply, "null", 4);
    } else {
        json_cstring(reply, npy_dtype_name(about->sent_dtype));
    }
    json_key(reply, "shape");
    if (is_text) {
        json_raw(reply, "null", 4);
        return;
    }
    json_begin_array(reply);
    for (unsigned i = 0; i < about->dimensions; i++) {
        json_unsigned(reply, about->shape[i]);
    }
    json_end_array(reply);
}

void named_write_meta(struct json_writer *reply, const struct data_version *version) {
    struct digest digest;
    char text[DIGEST_TEXT_LENGTH + 1];
    json_key(reply, "name");
    json_cstring(reply, version->name);
    json_key(reply, "kind");
    json_cstring(reply, data_kind_name(version->about.kind));
    put_array(reply, &version->about);
    json_key(reply, "bytes");
    json_unsigned(reply, version->length);
    json_key(reply, "sha256");
    if (data_version_knows_digest(version, &digest)) {
        json_cstring(reply, digest_print(&digest, text));
    } else {
        json_raw(reply, "null", 4);
    }
    json_key(reply, "etag");
    json_cstring(reply, version->tag);
    put_time(reply, "created", version->created_ms);
    put_time(reply, "expires", version->expires_ms);
}

enum problem_kind named_add_fields(struct call *call, const struct data_version *version) {
    char location[sizeof "/v1/data/" + DATA_NAME_MAX];
    (void)snprintf(location, sizeof location, "/v1/data/%s", version->name);
    return call_add_field(call, "Location", location) ? call->problem.kind : call_add_field(call, "ETag", version->tag);
}

/* --- to keep ----------------------------------------------------------------------------------------------------- */

static struct data_conditions conditions_of(const struct call *call) {
    const struct order_fields *fields = &call->order->fields;
    return (struct data_conditions){.if_match = fields->if_match, .if_none_match = fields->if_none_match};
}

enum problem_kind named_put(struct call *call, const struct data_put *put, struct data_receipt *receipt) {
    struct data_put conditional = *put;
    conditional.conditions = conditions_of(call); /* looked at again: others may have come first since the head */
    enum problem_kind kind = data_store_put(call->host->data, &conditional, receipt, &call->problem);
    if (kind == PROBLEM_MEMORY_LIMIT) { /* the call knows whether that is too much ever, or just now */
        call->problem = (struct problem){0};
        return call_memory_short(call, receipt->missing_bytes);
    }
    return kind;
}

enum problem_kind named_check_room(struct call *call, struct text_view name, size_t length) {
    const struct data_conditions conditions = conditions_of(call);
    return data_store_check(call->host->data, name, length, &conditions, &call->problem);
}

enum problem_kind named_check(struct call *call, const struct operand *result) {
    size_t bytes = 0;
    if (!named_is_wanted(call)) {
        return PROBLEM_NONE;
    }
    bool fits = npy_count(result->shape, result->dimensions, &bytes) &&
                !__builtin_mul_overflow(bytes, npy_number_bytes(result->dtype), &bytes);
    return named_check_room(call, call->store.name, fits ? bytes : SIZE_MAX / 2);
}

enum problem_kind named_take(struct call *call, struct operand *result) {
    struct payload *view = call_take(call, sizeof *view);
    size_t bytes = result->count * npy_number_bytes(result->dtype);
    struct payload payload;
    if (!view) {
        return call->problem.kind;
    }
    if (!payload_take(&payload, data_store_memory(call->host->data), bytes)) {
        return call_memory_short(call, bytes);
    }
    payload.length = bytes;
    *view = payload;
    result->payload = view;
    result->values = view->bytes;
    result->writable = true;
    enum problem_kind kind = call_hold(call, &payload);
    payload_drop(&payload);
    return kind;
}

static enum problem_kind keep(struct call *call, struct data_put *put) {
    struct data_receipt receipt;
    put->name = call->store.name;
    put->expires_s = call->store.expires_s;
    if (named_put(call, put, &receipt)) {
        return call->problem.kind;
    }
    call->status = 201;
    named_write_meta(&call->reply, receipt.version);
    enum problem_kind kind = named_add_fields(call, receipt.version);
    data_version_drop(receipt.version);
    return kind;
}

struct data_about named_about(const struct operand *numbers) {
    struct data_about about = {.kind = data_kind_of(numbers->dimensions),
                               .dtype = numbers->dtype,
                               .sent_dtype = numbers->dtype,
                               .dimensions = numbers->dimensions};
    memcpy(about.shape, numbers->shape, sizeof about.shape);
    return about;
}

enum problem_kind named_keep(struct call *call, const struct operand *result) {
    struct payload content = result->payload ? payload_hold(result->payload) : (struct payload){0};
    struct data_put put = {.about = named_about(result),
                           .content = result->payload ? &content : NULL,
                           .bytes = result->values,
                           .length = result->count * npy_number_bytes(result->dtype)};
    enum problem_kind kind = keep(call, &put);
    payload_drop(&content);
    return kind;
}

enum problem_kind named_keep_numbers(struct call *call, const double *numbers, size_t count) {
    const struct operand result = {.dtype = NPY_FLOAT64, .dimensions = 1, .shape = {count, 1}, .count = count};
    struct data_put put = {
        .about = named_about(&result), .bytes = (const char *)numbers, .length = count * sizeof *numbers};
    return keep(call, &put);
}

enum problem_kind named_keep_counts(struct call *call, const char *key, const uint64_t *counts, size_t count) {
    double *numbers = call_take(call, count * sizeof *numbers);
    if (!numbers) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < count; i++) {
        if (counts[i] > exact_max) {
            char pointer[64];
            (void)snprintf(pointer, sizeof pointer, "/%s/%zu", key, i);
            return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                               "element %zu of \"%s\" is %llu; kept are numbers of float64, which has all integers to "
                               "2^53: without \"store\" it is sent",
                               i, key, (unsigned long long)counts[i]);
        }
        numbers[i] = (double)counts[i];
    }
    return named_keep_numbers(call, numbers, count);
}
