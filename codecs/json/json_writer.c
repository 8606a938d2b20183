#include "codecs/json/json_writer.h"

#include "codecs/json/json_escape.h"
#include "codecs/json/utf8.h"
#include "codecs/numbers/number_text.h"

#include <math.h>
#include <string.h>

void json_writer_init(struct json_writer *writer, struct memory *memory, size_t limit_bytes) {
    *writer = (struct json_writer){0};
    text_init(&writer->text, memory, limit_bytes);
}

void json_writer_deinit(struct json_writer *writer) {
    text_deinit(&writer->text);
}

/* Bytes of a value, with the comma that separates it from the one before. */
static void put_value(struct json_writer *writer, const char *bytes, size_t length) {
    char *out = text_room(&writer->text, length + writer->comma_due);
    if (!out) {
        return;
    }
    if (writer->comma_due) {
        *out++ = ',';
        writer->text.length++;
    }
    memcpy(out, bytes, length);
    writer->text.length += length;
    writer->comma_due = true;
}

static void writer_begin(struct json_writer *writer, const char *bracket) {
    put_value(writer, bracket, 1);
    writer->comma_due = false;
}

static void writer_end(struct json_writer *writer, const char *bracket) {
    text_put(&writer->text, bracket, 1);
    writer->comma_due = true;
}

void json_begin_object(struct json_writer *writer) {
    writer_begin(writer, "{");
}
void json_end_object(struct json_writer *writer) {
    writer_end(writer, "}");
}
void json_begin_array(struct json_writer *writer) {
    writer_begin(writer, "[");
}
void json_end_array(struct json_writer *writer) {
    writer_end(writer, "]");
}

void json_key(struct json_writer *writer, const char *key) {
    size_t length = strlen(key);
    char *out = text_room(&writer->text, length + 3 + writer->comma_due);
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
    writer->text.length += (size_t)(out - start);
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
        if (step == 0 || (step > 1 && utf8_is_control(bytes + run, step))) {
            break;
        }
        run += step;
    }
    return run;
}

void json_text(struct json_writer *writer, const char *bytes, size_t length) {
    put_value(writer, "\"", 1);
    text_reserve(&writer->text, length);
    for (size_t at = 0; at < length && !json_writer_failed(writer);) {
        size_t run = plain_run(bytes + at, length - at);
        text_put(&writer->text, bytes + at, run);
        at += run;
        if (at < length) {
            char escaped[JSON_ESCAPE_MAX];
            size_t written = 0;
            at += json_escape(bytes + at, length - at, escaped, &written);
            text_put(&writer->text, escaped, written);
        }
    }
    text_put(&writer->text, "\"", 1);
}

void json_text_key(struct json_writer *writer, const char *bytes, size_t length) {
    json_text(writer, bytes, length);
    text_put(&writer->text, ":", 1);
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
