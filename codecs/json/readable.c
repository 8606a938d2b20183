#include "codecs/json/readable.h"

#include "codecs/json/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 4, ELLIPSIS = 4 }; /* bytes of a character or an escape; of the dots and the NUL */

const char *readable_print(const char *bytes, size_t length, char *out, size_t size) {
    size_t used = 0;
    while (length > 0) {
        if (used + LONGEST + ELLIPSIS > size) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        unsigned char first = (unsigned char)bytes[0];
        size_t count = utf8_length(bytes, length);
        if (count == 0 || first < 0x20 || first == 0x7F) {
            used += (size_t)snprintf(out + used, LONGEST + 1, "\\x%02x", first);
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
