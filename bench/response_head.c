#include "bench/response_head.h"

#include <string.h>
#include <strings.h>

enum { STATUS_LINE_BYTES = 13 /* "HTTP/1.1 200 " */ };

static bool read_status(struct response_head *head, const char *bytes, size_t length) {
    if (length < STATUS_LINE_BYTES || memcmp(bytes, "HTTP/1.", 7) != 0) {
        return false;
    }
    unsigned status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') {
            return false;
        }
        status = status * 10 + (unsigned)(bytes[i] - '0');
    }
    head->status = status;
    return status >= 100;
}

/* The value of a field line if it has this name (in lower case, with the colon); NULL otherwise. */
static const char *value_of(const char *line, size_t length, const char *name, size_t name_length) {
    if (length < name_length || strncasecmp(line, name, name_length) != 0) {
        return NULL;
    }
    const char *value = line + name_length;
    while (*value == ' ' || *value == '\t') {
        value++;
    }
    return value;
}

static bool read_number(uint64_t *number, const char *value) {
    const char *digit = value;
    *number = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (digit - value >= 18) {
            return false;
        }
        *number = *number * 10 + (uint64_t)(*digit - '0');
    }
    return digit > value;
}

enum response_outcome response_head_read(struct response_head *head, const char *bytes, size_t length) {
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) {
        return RESPONSE_PARTIAL;
    }
    *head = (struct response_head){.head_bytes = (size_t)(end - bytes) + 4};
    if (!read_status(head, bytes, length)) {
        return RESPONSE_INVALID;
    }
    bool declared = head->status < 200 || head->status == 204 || head->status == 304;
    for (const char *line = bytes; line < end;) {
        const char *line_end = memchr(line, '\n', head->head_bytes - (size_t)(line - bytes));
        size_t line_length = (size_t)(line_end - line);
        /* Both fields begin with c: one compare skips most lines. */
        if ((*line | 0x20) == 'c') {
            const char *value = value_of(line, line_length, "content-length:", 15);
            if (value) {
                if (!read_number(&head->body_bytes, value)) {
                    return RESPONSE_INVALID;
                }
                declared = true;
            }
            value = value_of(line, line_length, "connection:", 11);
            if (value && strncasecmp(value, "close", 5) == 0) {
                head->closes = true;
            }
        }
        line = line_end + 1;
    }
    return declared ? RESPONSE_READ : RESPONSE_INVALID;
}
