#include "codecs/json/readable.h"

#include "codecs/json/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a character or a byte's escape; of an escape of a character; of the dots and the NUL. */
enum { LONGEST = 4, POINT_ESCAPE = 6, ELLIPSIS = 4 };

const char *readable_print(const char *bytes, size_t length, char *out, size_t size) {
    size_t used = 0;
    while (length > 0) {
        size_t count = utf8_length(bytes, length);
        bool is_control = count > 0 && utf8_is_control(bytes, count);
        if (used + (is_control && count > 1 ? POINT_ESCAPE : LONGEST) + ELLIPSIS > size) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        if (is_control && count > 1) {
            used += (size_t)snprintf(out + used, POINT_ESCAPE + 1, "\\u%04x", utf8_code_point(bytes, count));
        } else if (count == 0 || is_control) {
            used += (size_t)snprintf(out + used, LONGEST + 1, "\\x%02x", (unsigned char)bytes[0]);
            count = 1;
        } else {
            memcpy(out + used, bytes, count);
            used += count;
        }
        bytes += count;
        length -= count;
    }
    out[used] = '\0';
    return out;
}

/* RFC 6901: '~' and '/' in a name are written ~0 and ~1. */
void readable_pointer_append(const char *name, char *out, size_t size) {
    size_t used = strlen(out);
    if (used + 1 >= size) {
        return;
    }
    out[used++] = '/';
    for (size_t length = strlen(name); length > 0;) {
        size_t count = utf8_length(name, length);
        count = count > 0 ? count : 1;
        bool special = name[0] == '~' || name[0] == '/';
        if (used + count + special >= size) {
            break;
        }
        if (special) {
            out[used++] = '~';
            out[used++] = name[0] == '~' ? '0' : '1';
        } else {
            memcpy(out + used, name, count);
            used += count;
        }
        name += count;
        length -= count;
    }
    out[used] = '\0';
}

void readable_pointer(const char *name, char *out, size_t size) {
    out[0] = '\0';
    readable_pointer_append(name, out, size);
}
