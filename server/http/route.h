#pragma once
/* Internal to server/http. From a path and a method to a row of the route table. Pure functions. */
#include "codecs/text.h"
#include "server/engine/endpoint.h"
#include "server/http/request.h"

/* The path of a request target as it stood on the request line: without scheme and host ("http://host/path", the
 * absolute form) and without the query. Escapes stay as they came. */
struct text_view route_path(const char *target);

struct route {
    const struct endpoint *endpoint; /* the first row of the path; NULL: there is nothing */
    size_t index;                    /* of that row; as many as there are: there is nothing */
    struct text_view part;           /* what stands for the braces in its path; empty where there are none */
};

/* What the log may have of a target, whole or cut: its path, with the query; of an absolute one no host, since a user's
 * name and password may stand before that. "" where the target has no form that there is, and a ':' or '@'. */
const char *route_told(const char *target);

/* Where this path leads, byte by byte as it was sent. Nothing is resolved, neither escapes nor dot segments nor empty
 * ones: a proxy in front that has a rule for a path then sees the same path as this server, or one that leads nowhere.
 */
struct route route_find(const struct endpoint *const *endpoints, size_t count, struct text_view path);

/* REQUEST_OTHER_METHOD: it is none that any row has. */
enum request_method route_method(const char *name);

/* Of the rows with the path of `found` the one that has this method; NULL: none. */
const struct endpoint *route_choose(const struct endpoint *const *endpoints, size_t count, const struct endpoint *found,
                                    enum request_method method);

/* The value of the Allow header for the path of `found`; for NULL the one of the whole server ("*"). Static string. */
const char *route_allow(const struct endpoint *const *endpoints, size_t count, const struct endpoint *found);
