#pragma once
/* Internal to server/http. From a path and a method to a row of the route table. Pure functions. */
#include "server/engine/endpoint.h"

/* The path of a request target that libmicrohttpd decoded: "http://host/path" (absolute form) loses scheme and host. */
const char *route_path(const char *url);

/* The row of this path; NULL: there is nothing. A path has one row, so its method decides what is allowed there. */
const struct endpoint *route_find(const struct endpoint *const *endpoints, size_t count, const char *path);

/* The value of the Allow header for an endpoint; for NULL the one of the whole server ("*"). Static string. */
const char *route_allow(const struct endpoint *endpoint);
