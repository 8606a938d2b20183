#include "handlers/routes.h"

#include "handlers/gaussian.h"
#include "handlers/info.h"
#include "handlers/wordcount.h"

#define ANSWER(function) .answer = function
#define COMPUTE(name) .decode = name##_decode, .compute = name##_compute, .encode = name##_encode

const struct endpoint routes[] = {
    {ENDPOINT_GET, "/", "this list", ANSWER(info_index)},
    {ENDPOINT_POST, "/v1/wordcount", "how often a word occurs in a text", COMPUTE(wordcount)},
    {ENDPOINT_POST, "/v1/gaussian", "z[i] = exp(-gamma (x[i] - y[i])^2)", COMPUTE(gaussian)},
    {ENDPOINT_GET, "/v1/system", "version, cores, instruction set, limits", ANSWER(info_system)},
    {ENDPOINT_GET, "/livez", "whether the process serves", ANSWER(info_livez)},
    {ENDPOINT_GET, "/readyz", "whether new requests are welcome", ANSWER(info_readyz)},
    {ENDPOINT_GET, "/healthz", "connections, queue and memory in use", ANSWER(info_healthz)},
    {ENDPOINT_GET, "/openapi.yaml", "this interface, described in OpenAPI 3.1", ANSWER(info_openapi)},
};

const size_t route_count = sizeof routes / sizeof routes[0];
