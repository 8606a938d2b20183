#pragma once
/* Internal to handlers. Named data over HTTP: /v1/data/{name...} with GET (data_get.c), PUT (data_put.c) and DELETE,
 * and /v1/data with GET, which lists names, and DELETE (data_list.c). */
#include "server/engine/endpoint.h"

extern const struct endpoint data_get_endpoint;
extern const struct endpoint data_put_endpoint;
extern const struct endpoint data_delete_endpoint;
extern const struct endpoint data_list_endpoint;
extern const struct endpoint data_delete_all_endpoint;
