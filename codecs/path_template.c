#include "codecs/path_template.h"

#include <stdio.h>
#include <string.h>

void path_template_print(const char *path, char out[PATH_TEMPLATE_BYTES]) {
    const char *dots = strstr(path, "...}");
    int length = (int)(dots ? (size_t)(dots - path) : strlen(path));
    (void)snprintf(out, PATH_TEMPLATE_BYTES, "%.*s%s", length, path, dots ? "}" : "");
}
