#include "server/http/route.h"

#include <string.h>
#include <strings.h>

struct text_view route_path(const char *target) {
    size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
    const char *path = target + scheme;
    if (scheme > 0) {
        path += strcspn(path, "/?");
    }
    size_t length = strcspn(path, "?");
    return scheme > 0 && length == 0 ? (struct text_view){"/", 1} : (struct text_view){path, length};
}

const struct endpoint *route_find(const struct endpoint *const *endpoints, size_t count, struct text_view path) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(endpoints[i]->path) == path.length && memcmp(endpoints[i]->path, path.bytes, path.length) == 0) {
            return endpoints[i];
        }
    }
    return NULL;
}

const char *route_allow(const struct endpoint *endpoint) {
    if (!endpoint) {
        return "GET, HEAD, POST, QUERY, OPTIONS";
    }
    return endpoint->method == ENDPOINT_GET ? "GET, HEAD, OPTIONS" : "POST, QUERY, OPTIONS";
}
