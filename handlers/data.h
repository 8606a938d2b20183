#pragma once
/* Internal to handlers. Named data over HTTP: /v1/data/{name...} with GET (data_get.c), PUT (data_put.c) and DELETE,
 * and /v1/data with GET, which lists names, and DELETE (data_list.c). */
#include "server/engine/endpoint.h"

extern const struct endpoint data_get_endpoint;
extern const struct endpoint data_put_endpoint;
extern const struct endpoint data_delete_endpoint;
extern const struct endpoint data_list_endpoint;
extern const struct endpoint data_delete_all_endpoint;

/* For decode of a request without a body or with one that is all data: reads the options, refuses "store", which is for
 * results, and what isn't among `fields`. Returns what is in call->problem. */
struct field;
MUST_CHECK enum problem_kind data_read_options(struct call *call, const struct field *fields);
