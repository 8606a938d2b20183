#include "codecs/json/partial_success.h"

#include "codecs/json/document.h"
#include "codecs/json/document_value.h"
#include "codecs/json/readable.h"

enum { PARSE_BYTES = 1024 * 1024, DIGITS_MAX = 19 };

static uint64_t read_count(const struct value *value) {
    uint64_t count = 0;
    int64_t number = 0;
    if (value->type == DOCUMENT_NUMBER) {
        return value_fits(value->number, 0, INT64_C(1) << 53, &number) ? (uint64_t)number : 0;
    }
    if (value->type != DOCUMENT_STRING || value->text.length > DIGITS_MAX) {
        return 0;
    }
    for (size_t i = 0; i < value->text.length; i++) {
        char byte = value->text.bytes[i];
        if (byte < '0' || byte > '9') {
            return 0;
        }
        count = count * 10 + (uint64_t)(byte - '0');
    }
    return count;
}

uint64_t partial_success_rejected(const char *bytes, size_t length, char message[PARTIAL_SUCCESS_MESSAGE_BYTES]) {
    struct plain_memory plain;
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    uint64_t count = 0;
    message[0] = '\0';
    plain_memory_init(&plain, PARSE_BYTES);
    if (document_parse(bytes, length, &plain.base, &document, &peak_bytes, &problem)) {
        return 0;
    }
    const struct value partial = document_member(document, "partialSuccess");
    if (partial.type == DOCUMENT_OBJECT) {
        const struct value rejected = value_of(json_object_get(partial.json, "rejectedSpans"));
        const struct value why = value_of(json_object_get(partial.json, "errorMessage"));
        count = read_count(&rejected);
        if (why.type == DOCUMENT_STRING) {
            readable_print(why.text.bytes, why.text.length, message, PARTIAL_SUCCESS_MESSAGE_BYTES);
        }
    }
    document_free(document);
    return count;
}
