#include "handlers/routes.h"

#include "handlers/gaussian.h"
#include "handlers/gaussian_matrix.h"
#include "handlers/gaussian_sum.h"
#include "handlers/info.h"
#include "handlers/triangular.h"
#include "handlers/wordcount.h"

/* What GET / tells of a row stands first: path, then what it is. */
#define INFORMATION(name) .method = ENDPOINT_GET, .answer = info_##name
#define COMPUTE(name)                                                                                                  \
    .method = ENDPOINT_POST, .bulk = name##_bulk, .decode = name##_decode, .load = name##_load,                        \
    .compute = name##_compute, .encode = name##_encode
#define COMPUTE_WITHOUT_LOAD(name)                                                                                     \
    .method = ENDPOINT_POST, .decode = name##_decode, .compute = name##_compute, .encode = name##_encode
#define MEDIA(in, out) .consumes = (in), .produces = (out)

const struct endpoint routes[] = {
    {"/", "this list", INFORMATION(index)},
    {"/v1/wordcount", "what is in a text: totals, given words, the most frequent ones", COMPUTE(wordcount),
     MEDIA(MEDIA_JSON | MEDIA_TEXT, MEDIA_JSON), .window = wordcount_window},
    {"/v1/gaussian", "z[i] = exp(-gamma (x[i] - y[i])^2)", COMPUTE(gaussian),
     MEDIA(MEDIA_JSON | MEDIA_NPY, MEDIA_JSON | MEDIA_NPY)},
    {"/v1/gaussian/matrix", "k[i][j] = exp(-gamma |x[i] - y[j]|^2)", COMPUTE(gaussian_matrix),
     MEDIA(MEDIA_JSON | MEDIA_NPY, MEDIA_JSON | MEDIA_NPY)},
    {"/v1/gaussian/sum", "s[i] = sum over j of exp(-gamma |x[i] - y[j]|^2) weights[j]", COMPUTE(gaussian_sum),
     MEDIA(MEDIA_JSON | MEDIA_NPY, MEDIA_JSON | MEDIA_NPY)},
    {"/v1/triangular", "a CPU load of known size: the last n(n+1)/2 of each range", COMPUTE_WITHOUT_LOAD(triangular),
     MEDIA(MEDIA_JSON, MEDIA_JSON)},
    {"/v1/system", "version, cores, instruction set, limits", INFORMATION(system)},
    {"/livez", "whether the process serves", INFORMATION(livez)},
    {"/readyz", "whether new requests are welcome", INFORMATION(readyz)},
    {"/healthz", "connections, queue and memory in use", INFORMATION(healthz)},
    {"/openapi.yaml", "this interface, described in OpenAPI 3.1", INFORMATION(openapi)},
};

const size_t route_count = sizeof routes / sizeof routes[0];
