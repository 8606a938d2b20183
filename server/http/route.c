#include "server/http/route.h"

#include <string.h>
#include <strings.h>

const char *route_path(const char *url) {
    size_t scheme = strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0) {
        return url;
    }
    const char *path = strchr(url + scheme, '/');
    return path ? path : "/";
}

const struct endpoint *route_find(const struct endpoint *const *endpoints, size_t count, const char *path) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(endpoints[i]->path, path) == 0) {
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
