#include "codecs/json/json_writer.h"

#include "codecs/json/json_escape.h"
#include "codecs/json/utf8.h"
#include "codecs/numbers/number_text.h"

#include <math.h>
#include <string.h>

/* The usual small reply with its "threads" and "timing" takes about half of it. */
enum { FIRST_BYTES = 1024 };

void json_writer_init(struct json_writer *writer, struct memory *memory, size_t limit_bytes) {
    *writer = (struct json_writer){.memory = memory, .limit_bytes = limit_bytes};
}

void json_writer_deinit(struct json_writer *writer) {
    if (writer->data) {
        memory_give(writer->memory, writer->data, writer->capacity);
    }
    writer->data = NULL;
    writer->length = 0;
    writer->capacity = 0;
}

static void grow(struct json_writer *writer, size_t capacity) {
    char *data = writer->data ? memory_resize(writer->memory, writer->data, writer->capacity, capacity)
                              : memory_take(writer->memory, capacity);
    if (!data) {
        writer->state = JSON_WRITER_OUT_OF_MEMORY;
        writer->refused_bytes = capacity;
        return;
    }
    writer->data = data;
    writer->capacity = capacity;
}

/* Where the next `bytes` bytes go, NULL once the writer has failed. */
static char *room(struct json_writer *writer, size_t bytes) {
    if (json_writer_failed(writer)) {
        return NULL;
    }
    if (bytes <= writer->capacity - writer->length) {
        return writer->data + writer->length;
    }
    if (bytes > writer->limit_bytes - writer->length) {
        writer->state = JSON_WRITER_OVER_LIMIT;
        writer->refused_bytes = writer->length + bytes;
        return NULL;
    }
    size_t capacity = writer->capacity > 0 ? writer->capacity : FIRST_BYTES / 2;
    capacity = capacity > writer->limit_bytes / 2 ? writer->limit_bytes : capacity * 2;
    size_t needed = writer->length + bytes;
    grow(writer, capacity > needed ? capacity : needed);
    return json_writer_failed(writer) ? NULL : writer->data + writer->length;
}

static void put(struct json_writer *writer, const char *bytes, size_t length) {
    char *out = length > 0 ? room(writer, length) : NULL;
    if (out) {
        memcpy(out, bytes, length);
        writer->length += length;
    }
}

/* Bytes of a value, with the comma that separates it from the one before. */
static void put_value(struct json_writer *writer, const char *bytes, size_t length) {
    char *out = room(writer, length + writer->comma_due);
    if (!out) {
        return;
    }
    if (writer->comma_due) {
        *out++ = ',';
        writer->length++;
    }
    memcpy(out, bytes, length);
    writer->length += length;
    writer->comma_due = true;
}

void json_writer_reserve(struct json_writer *writer, size_t bytes) {
    size_t allowed = writer->limit_bytes - writer->length;
    if (bytes > allowed) {
        bytes = allowed; /* an estimate may be too high: only what is really written must keep within the limit */
    }
    if (!json_writer_failed(writer) && bytes > writer->capacity - writer->length) {
        grow(writer, writer->length + bytes);
    }
}

static void begin(struct json_writer *writer, const char *bracket) {
    put_value(writer, bracket, 1);
    writer->comma_due = false;
}

static void end(struct json_writer *writer, const char *bracket) {
    put(writer, bracket, 1);
    writer->comma_due = true;
}

void json_begin_object(struct json_writer *writer) {
    begin(writer, "{");
}
void json_end_object(struct json_writer *writer) {
    end(writer, "}");
}
void json_begin_array(struct json_writer *writer) {
    begin(writer, "[");
}
void json_end_array(struct json_writer *writer) {
    end(writer, "]");
}

void json_key(struct json_writer *writer, const char *key) {
    size_t length = strlen(key);
    char *out = room(writer, length + 3 + writer->comma_due);
    if (!out) {
        return;
    }
    char *start = out;
    if (writer->comma_due) {
        *out++ = ',';
    }
    *out++ = '"';
    memcpy(out, key, length);
    out += length;
    *out++ = '"';
    *out++ = ':';
    writer->length += (size_t)(out - start);
    writer->comma_due = false;
}

static bool is_plain(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/* How many bytes stay as they are. */
static size_t plain_run(const char *bytes, size_t length) {
    size_t run = 0;
    while (run < length) {
        unsigned char first = (unsigned char)bytes[run];
        size_t step = first < 0x80 ? is_plain(first) : utf8_length(bytes + run, length - run);
        if (step == 0) {
            break;
        }
        run += step;
    }
    return run;
}

void json_text(struct json_writer *writer, const char *bytes, size_t length) {
    put_value(writer, "\"", 1);
    json_writer_reserve(writer, length);
    for (size_t at = 0; at < length && !json_writer_failed(writer);) {
        size_t run = plain_run(bytes + at, length - at);
        put(writer, bytes + at, run);
        at += run;
        if (at < length) {
            char escaped[JSON_ESCAPE_MAX];
            size_t written = 0;
            at += json_escape(bytes + at, length - at, escaped, &written);
            put(writer, escaped, written);
        }
    }
    put(writer, "\"", 1);
}

void json_text_key(struct json_writer *writer, const char *bytes, size_t length) {
    json_text(writer, bytes, length);
    put(writer, ":", 1);
    writer->comma_due = false;
}

void json_cstring(struct json_writer *writer, const char *text) {
    json_text(writer, text, strlen(text));
}

void json_unsigned(struct json_writer *writer, uint64_t value) {
    char text[NUMBER_TEXT_MAX];
    put_value(writer, text, number_text_unsigned(value, text));
}

void json_index(struct json_writer *writer, int value) {
    if (value >= 0) {
        json_unsigned(writer, (uint64_t)value);
    } else {
        put_value(writer, "null", 4);
    }
}

void json_bool(struct json_writer *writer, bool value) {
    put_value(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_double(struct json_writer *writer, double value) {
    char text[NUMBER_TEXT_MAX];
    if (isfinite(value)) {
        put_value(writer, text, number_text_double(value, text));
    } else {
        put_value(writer, "null", 4);
    }
}

void json_milliseconds(struct json_writer *writer, uint64_t nanoseconds) {
    char text[NUMBER_TEXT_MAX];
    put_value(writer, text, number_text_milliseconds(nanoseconds, text));
}

void json_raw(struct json_writer *writer, const char *bytes, size_t length) {
    if (length > 0) {
        put_value(writer, bytes, length);
    }
}
