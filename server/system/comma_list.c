#include "server/system/comma_list.h"

#include <string.h>

const char *comma_list_take(const char *at, size_t *length, const char **next) {
    const char *end = at + strcspn(at, ",");
    *next = *end == ',' ? end + 1 : NULL;
    at += strspn(at, " \t");
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *length = (size_t)(end > at ? end - at : 0);
    return at;
}
