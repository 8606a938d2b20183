#pragma once
/* Prints JSON into a text (codecs/text.h), member by member; commas are its own business. Failure is sticky, as the
 * text's is: callers check json_writer_failed once, at the end.
 *
 * Numbers: doubles are printed as the shortest text that reads back to the same double; milliseconds are printed from
 * nanoseconds with three decimals (rounded down to the microsecond), without touching floating point: every response
 * carries sixteen of them. One thread at a time.
 *
 * No name here may be one of jansson's (json_string, json_integer): the program's would replace the library's. */
#include "codecs/text.h"

#include <stdint.h>

struct json_writer {
    struct text text; /* bytes that are no member, and large ones printed elsewhere, go here directly */
    bool comma_due;   /* before the next member */
};

void json_writer_init(struct json_writer *writer, struct memory *memory, size_t limit_bytes);
void json_writer_deinit(struct json_writer *writer); /* gives the text back; safe after {0} and twice */
static inline bool json_writer_failed(const struct json_writer *writer) {
    return text_failed(&writer->text);
}

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key); /* key: plain ASCII that needs no escaping */
void json_text_key(struct json_writer *writer, const char *bytes, size_t length); /* any text */
void json_cstring(struct json_writer *writer, const char *text); /* zero-terminated UTF-8; escaped as needed */
void json_text(struct json_writer *writer, const char *bytes, size_t length); /* as json_escape has it */
void json_unsigned(struct json_writer *writer, uint64_t value);
void json_index(struct json_writer *writer, int value); /* 0 or more; negative, for "unknown", becomes null */
void json_bool(struct json_writer *writer, bool value);
void json_double(struct json_writer *writer, double value);               /* finite; otherwise null is written */
void json_milliseconds(struct json_writer *writer, uint64_t nanoseconds); /* 1234567 -> 1.234 */
/* Bytes that are already JSON (e.g. one prepared member list), after a comma where one is due. */
void json_raw(struct json_writer *writer, const char *bytes, size_t length);
