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

const char *route_told(const char *target) {
    const char *path = route_path(target).bytes;
    const char *sign = path + strcspn(path, ":@?");
    bool may_name_user = path[0] != '/' && *sign != '\0' && *sign != '?';
    return may_name_user ? "" : path;
}

/* How much of the path the braces at `pattern` stand for. */
static size_t part_length(const char *pattern, const char *path, size_t length) {
    const char *brace = strchr(pattern, '}');
    if (brace[-1] == '.') {
        return length;
    }
    const char *slash = memchr(path, '/', length);
    return slash ? (size_t)(slash - path) : length;
}

static bool fits(const char *pattern, struct text_view path, struct text_view *part) {
    size_t at = 0;
    *part = (struct text_view){0};
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '{') {
            *part = (struct text_view){path.bytes + at, part_length(pattern, path.bytes + at, path.length - at)};
            at += part->length;
            pattern = strchr(pattern, '}');
        } else if (at < path.length && path.bytes[at] == *pattern) {
            at++;
        } else {
            return false;
        }
    }
    return at == path.length && (!part->bytes || part->length > 0);
}

struct route route_find(const struct endpoint *const *endpoints, size_t count, struct text_view path) {
    struct route route = {0};
    for (size_t i = 0; i < count; i++) {
        if (fits(endpoints[i]->path, path, &route.part)) {
            route.endpoint = endpoints[i];
            route.index = i;
            return route;
        }
    }
    return (struct route){.index = count};
}

enum request_method route_method(const char *name) {
    static const char *const names[] = {"GET", "HEAD", "POST", "QUERY", "PUT", "DELETE", "OPTIONS"};
    for (int i = 0; i < REQUEST_OTHER_METHOD; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum request_method)i;
        }
    }
    return REQUEST_OTHER_METHOD;
}

static enum endpoint_method method_of(enum request_method method) {
    switch (method) {
    case REQUEST_POST:
    case REQUEST_QUERY:
        return ENDPOINT_POST;
    case REQUEST_PUT:
        return ENDPOINT_PUT;
    case REQUEST_DELETE:
        return ENDPOINT_DELETE;
    default:
        return ENDPOINT_GET;
    }
}

const struct endpoint *route_choose(const struct endpoint *const *endpoints, size_t count, const struct endpoint *found,
                                    enum request_method method) {
    if (method == REQUEST_OPTIONS || method == REQUEST_OTHER_METHOD) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (endpoints[i]->method == method_of(method) && strcmp(endpoints[i]->path, found->path) == 0) {
            return endpoints[i];
        }
    }
    return NULL;
}

const char *route_allow(const struct endpoint *const *endpoints, size_t count, const struct endpoint *found) {
#define GET "GET, HEAD, "
#define POST "POST, QUERY, "
#define PUT "PUT, "
#define DELETE "DELETE, "
    static const char *const lists[] = {
        "OPTIONS",
        GET "OPTIONS",
        POST "OPTIONS",
        GET POST "OPTIONS",
        PUT "OPTIONS",
        GET PUT "OPTIONS",
        POST PUT "OPTIONS",
        GET POST PUT "OPTIONS",
        DELETE "OPTIONS",
        GET DELETE "OPTIONS",
        POST DELETE "OPTIONS",
        GET POST DELETE "OPTIONS",
        PUT DELETE "OPTIONS",
        GET PUT DELETE "OPTIONS",
        POST PUT DELETE "OPTIONS",
        GET POST PUT DELETE "OPTIONS",
    };
#undef GET
#undef POST
#undef PUT
#undef DELETE
    unsigned methods = 0;
    for (size_t i = 0; i < count; i++) {
        if (!found || strcmp(endpoints[i]->path, found->path) == 0) {
            methods |= 1U << endpoints[i]->method;
        }
    }
    return lists[methods];
}
