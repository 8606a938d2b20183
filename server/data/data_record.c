#include "server/data/data_record.h"

#include "codecs/json/document.h"
#include "codecs/json/json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT = 1, PARSE_BYTES = 64 * 1024, COUNT_DIGITS = 20 };

/* Of so many dimensions a record has the lengths whatever it is of, as records had when there were no more: such ones
 * are read, and what has no more is written so that earlier programs read it. */
enum { LENGTHS_LEAST = 2 };

static const int64_t exact_max = (INT64_C(1) << 53) - 1;
static const char *const kinds[] = {[DATA_NUMBERS] = "numbers",
                                    [DATA_ROWS] = "rows",
                                    [DATA_ARRAY] = "array",
                                    [DATA_TEXT] = "text",
                                    [DATA_TEXT + 1] = NULL};
static const char *const lengths[] = {"rows", "columns", "length_2", "length_3"};

static_assert(sizeof lengths / sizeof *lengths == NPY_DIMENSIONS_MAX, "each dimension's length has a name");

static unsigned count_lengths(unsigned dimensions) {
    return dimensions > LENGTHS_LEAST ? dimensions : LENGTHS_LEAST;
}

/* --- out --------------------------------------------------------------------------------------------------------- */

static void put_text(struct json_writer *json, const char *key, const char *text) {
    json_key(json, key);
    json_cstring(json, text);
}

/* Numbers of 64 bits, which JSON's needn't be. */
static void put_count(struct json_writer *json, const char *key, uint64_t count) {
    char text[COUNT_DIGITS + 1];
    (void)snprintf(text, sizeof text, "%" PRIu64, count);
    put_text(json, key, text);
}

size_t data_record_print(const struct data_version *version, char out[DATA_RECORD_MAX]) {
    struct plain_memory plain;
    struct json_writer json;
    char digest[DIGEST_TEXT_LENGTH + 1];
    plain_memory_init(&plain, 4 * (size_t)DATA_RECORD_MAX);
    json_writer_init(&json, &plain.base, DATA_RECORD_MAX);
    json_begin_object(&json);
    json_key(&json, "format");
    json_unsigned(&json, FORMAT);
    put_text(&json, "name", version->name);
    put_text(&json, "kind", kinds[version->about.kind]);
    json_key(&json, "dtype");
    json_unsigned(&json, version->about.dtype);
    json_key(&json, "sent_dtype");
    json_unsigned(&json, version->about.sent_dtype);
    json_key(&json, "dimensions");
    json_unsigned(&json, version->about.dimensions);
    for (unsigned i = 0; i < count_lengths(version->about.dimensions); i++) {
        put_count(&json, lengths[i], version->about.shape[i]);
    }
    put_count(&json, "length", version->length);
    put_text(&json, "sha256", digest_print(&version->digest, digest));
    put_text(&json, "tag", version->tag);
    put_count(&json, "sequence", version->sequence);
    json_key(&json, "created_ms");
    json_unsigned(&json, (uint64_t)version->created_ms);
    json_key(&json, "expires_ms");
    json_unsigned(&json, (uint64_t)version->expires_ms);
    json_end_object(&json);
    size_t length = json_writer_failed(&json) ? 0 : json.text.length;
    memcpy(out, length > 0 ? json.text.data : "", length);
    json_writer_deinit(&json);
    return length;
}

/* --- in ---------------------------------------------------------------------------------------------------------- */

static bool get_count(const struct document *document, const char *name, uint64_t *count, struct problem *problem) {
    struct text_view text;
    *count = 0;
    if (document_text(document, name, &text, problem) || text.length == 0 || text.length > COUNT_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)(text.bytes[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(*count, UINT64_C(10), count) ||
            __builtin_add_overflow(*count, digit, count)) {
            return false;
        }
    }
    return true;
}

static bool get_integer(const struct document *document, const char *name, int64_t highest, int64_t *value,
                        struct problem *problem) {
    return !document_integer(document, name, 0, highest, value, problem);
}

/* Does the shape go with the kind and the length? */
static bool is_consistent(const struct data_about *about, uint64_t length) {
    size_t bytes = 0;
    if (about->kind == DATA_TEXT) {
        return about->dimensions == 0;
    }
    if (npy_dtype_kept(about->dtype) != about->dtype || about->kind != data_kind_of(about->dimensions) ||
        (about->dimensions < 2 && about->shape[1] != 1) || (about->dimensions < 1 && about->shape[0] != 1)) {
        return false;
    }
    return npy_count(about->shape, about->dimensions, &bytes) &&
           !__builtin_mul_overflow(bytes, npy_number_bytes(about->dtype), &bytes) && bytes == length;
}

static bool read_shape(const struct document *document, struct data_about *about, struct problem *problem) {
    for (unsigned i = 0; i < count_lengths(about->dimensions); i++) {
        uint64_t length = 0;
        if (!get_count(document, lengths[i], &length, problem)) {
            return false;
        }
        about->shape[i] = (size_t)length;
    }
    return true;
}

static bool read_about(const struct document *document, struct data_record *record, struct problem *problem) {
    struct data_about *about = &record->about;
    int64_t dtype = 0;
    int64_t sent_dtype = 0;
    int64_t dimensions = 0;
    size_t kind = 0;
    if (document_choice(document, "kind", kinds, &kind, problem) ||
        !get_integer(document, "dtype", NPY_DTYPE_COUNT - 1, &dtype, problem) ||
        !get_integer(document, "sent_dtype", NPY_DTYPE_COUNT - 1, &sent_dtype, problem) ||
        !get_integer(document, "dimensions", NPY_DIMENSIONS_MAX, &dimensions, problem) ||
        !get_count(document, "length", &record->length, problem)) {
        return false;
    }
    *about = (struct data_about){.kind = (enum data_kind)kind,
                                 .dtype = (enum npy_dtype)dtype,
                                 .sent_dtype = (enum npy_dtype)sent_dtype,
                                 .dimensions = (unsigned)dimensions};
    return read_shape(document, about, problem) && is_consistent(about, record->length);
}

static bool read_tag(const struct document *document, struct data_record *record, struct problem *problem) {
    struct text_view tag;
    if (document_text(document, "tag", &tag, problem) || tag.length < 2 || tag.length >= sizeof record->tag) {
        return false;
    }
    memcpy(record->tag, tag.bytes, tag.length);
    record->tag[tag.length] = '\0';
    return strspn(record->tag + 1, "0123456789abcdef-") == tag.length - 2 && record->tag[0] == '"' &&
           record->tag[tag.length - 1] == '"';
}

static bool read_digest(const struct document *document, struct data_record *record, struct problem *problem) {
    struct text_view text;
    char copy[DIGEST_TEXT_LENGTH + 1];
    if (document_text(document, "sha256", &text, problem) || text.length != DIGEST_TEXT_LENGTH) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return digest_parse(&record->digest, copy);
}

static bool read_members(const struct document *document, struct data_record *record) {
    struct problem problem = {0};
    int64_t format = 0;
    if (!get_integer(document, "format", FORMAT, &format, &problem) || format != FORMAT ||
        document_text(document, "name", &record->name, &problem) || data_name_check(record->name, NULL, &problem)) {
        return false;
    }
    memcpy(record->name_bytes, record->name.bytes, record->name.length);
    record->name.bytes = record->name_bytes;
    return read_about(document, record, &problem) && read_tag(document, record, &problem) &&
           read_digest(document, record, &problem) && get_count(document, "sequence", &record->sequence, &problem) &&
           get_integer(document, "created_ms", exact_max, &record->created_ms, &problem) &&
           get_integer(document, "expires_ms", exact_max, &record->expires_ms, &problem);
}

bool data_record_read(struct data_record *record, const char *bytes, size_t length, const char **why) {
    struct plain_memory plain;
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    *record = (struct data_record){0};
    plain_memory_init(&plain, PARSE_BYTES);
    if (document_parse(bytes, length, &plain.base, &document, &peak_bytes, &problem)) {
        *why = "its record is no JSON";
        return false;
    }
    bool is_read = read_members(document, record);
    document_free(document);
    *why = is_read ? NULL : "its record isn't one of this version";
    return is_read;
}
