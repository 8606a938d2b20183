#include "handlers/routes.h"

#include "handlers/batch.h"
#include "handlers/data.h"
#include "handlers/gaussian.h"
#include "handlers/gaussian_matrix.h"
#include "handlers/gaussian_sum.h"
#include "handlers/info.h"
#include "handlers/jobs.h"
#include "handlers/map.h"
#include "handlers/metrics.h"
#include "handlers/page.h"
#include "handlers/pairwise.h"
#include "handlers/triangular.h"
#include "handlers/wordcount.h"

/* In the order of GET /. */
const struct endpoint *const routes[] = {
    &info_index_endpoint,      /* / */
    &wordcount_endpoint,       /* /v1/wordcount */
    &gaussian_endpoint,        /* /v1/gaussian */
    &gaussian_matrix_endpoint, /* /v1/gaussian/matrix */
    &gaussian_sum_endpoint,    /* /v1/gaussian/sum */
    &map_endpoint,             /* /v1/map */
    &pairwise_endpoint,        /* /v1/pairwise */
    &triangular_endpoint,      /* /v1/triangular */
    &batch_endpoint,           /* /v1/batch */
    &data_list_endpoint,       /* /v1/data */
    &data_delete_all_endpoint, /* /v1/data */
    &data_get_endpoint,        /* /v1/data/{name...} */
    &data_put_endpoint,        /* /v1/data/{name...} */
    &data_delete_endpoint,     /* /v1/data/{name...} */
    &jobs_list_endpoint,       /* /v1/jobs */
    &jobs_get_endpoint,        /* /v1/jobs/{id} */
    &jobs_put_endpoint,        /* /v1/jobs/{id} */
    &jobs_delete_endpoint,     /* /v1/jobs/{id} */
    &jobs_events_endpoint,     /* /v1/jobs/{id}/events */
    &jobs_result_endpoint,     /* /v1/jobs/{id}/result */
    &info_system_endpoint,     /* /v1/system */
    &info_livez_endpoint,      /* /livez */
    &info_readyz_endpoint,     /* /readyz */
    &info_healthz_endpoint,    /* /healthz */
    &metrics_endpoint,         /* /metrics */
    &info_openapi_endpoint,    /* /openapi.yaml */
    &info_api_json_endpoint,   /* /openapi.json */
    &page_script_endpoint,     /* /page.js */
    &page_style_endpoint,      /* /page.css */
};

const size_t route_count = sizeof routes / sizeof routes[0];
