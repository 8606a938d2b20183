#pragma once
/* Internal to server/http. From a path and a method to a row of the route table. Pure functions. */
#include "codecs/text.h"
#include "server/engine/endpoint.h"

/* The path of a request target as it stood on the request line: without scheme and host ("http://host/path", the
 * absolute form) and without the query. Escapes stay as they came. */
struct text_view route_path(const char *target);

/* The row of this path, byte by byte as it was sent; NULL: there is nothing. Nothing is resolved, neither escapes nor
 * dot segments nor empty ones: a proxy in front that has a rule for a path then sees the same path as this server, or
 * one that leads nowhere. A path has one row, so its method decides what is allowed there. */
const struct endpoint *route_find(const struct endpoint *const *endpoints, size_t count, struct text_view path);

/* The value of the Allow header for an endpoint; for NULL the one of the whole server ("*"). Static string. */
const char *route_allow(const struct endpoint *endpoint);
