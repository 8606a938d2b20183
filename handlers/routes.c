#include "handlers/routes.h"

#include "handlers/gaussian.h"
#include "handlers/gaussian_matrix.h"
#include "handlers/gaussian_sum.h"
#include "handlers/info.h"
#include "handlers/triangular.h"
#include "handlers/wordcount.h"

/* In the order of GET /. */
const struct endpoint *const routes[] = {
    &info_index_endpoint,   &wordcount_endpoint,    &gaussian_endpoint,     &gaussian_matrix_endpoint,
    &gaussian_sum_endpoint, &triangular_endpoint,   &info_system_endpoint,  &info_livez_endpoint,
    &info_readyz_endpoint,  &info_healthz_endpoint, &info_openapi_endpoint,
};

const size_t route_count = sizeof routes / sizeof routes[0];
