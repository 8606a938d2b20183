#pragma once
/* A route's path in the notation of the outside: as a URI template (RFC 6570), which doesn't say how much of a path a
 * variable stands for. "/v1/data/{name...}" is "/v1/data/{name}" there. */

enum { PATH_TEMPLATE_BYTES = 128 };

/* Cut to fit. */
void path_template_print(const char *path, char out[PATH_TEMPLATE_BYTES]);
