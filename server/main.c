/* Wires the parts together: configuration, OpenMP's environment, route table, service. */
#include "handlers/routes.h"
#include "server/openapi_text.h"
#include "server/service.h"
#include "server/system/config.h"
#include "server/system/healthcheck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* libgomp and libomp read these before main, so they are set by starting the program once more. Waiting threads spin
 * for a moment and then sleep: spinning burns the CPU quota of a container, sleeping at once costs 57 µs a region
 * against 0.7 (bench/README.md, "OpenMP teams"). What the operator has set stays. */
static const char *const openmp_environment[][2] = {
    {"OMP_WAIT_POLICY", "passive"}, {"GOMP_SPINCOUNT", "1000"}, {"OMP_DYNAMIC", "false"},
    {"OMP_MAX_ACTIVE_LEVELS", "1"}, {"OMP_STACKSIZE", "2M"}, /* as service.c gives all other threads */
};

static void restart_with_openmp_environment(char **argv) {
    int missing = 0;
    for (size_t i = 0; i < sizeof openmp_environment / sizeof *openmp_environment; i++) {
        if (!getenv(openmp_environment[i][0])) {
            missing++;
            setenv(openmp_environment[i][0], openmp_environment[i][1], 0);
        }
    }
    if (missing == 0) {
        return;
    }
    execv("/proc/self/exe", argv);
    fprintf(stderr, "forkjoin: cannot restart itself with OMP_WAIT_POLICY=passive (%s); idle teams will spin\n",
            strerror(errno));
}

int main(int argc, char **argv) {
    struct config config;
    prctl(PR_SET_NAME, "forkjoin"); /* not "exe", as which it was started the second time */
    switch (config_read(&config, argc, argv)) {
    case CONFIG_RUN:
        break;
    case CONFIG_HEALTHCHECK:
        return healthcheck_run(&config);
    case CONFIG_EXIT_OK:
        return 0;
    case CONFIG_EXIT_USAGE:
        return 2;
    }
    restart_with_openmp_environment(argv);
    document_library_init();
    struct service_parts parts = {
        .endpoints = routes,
        .endpoint_count = route_count,
        .version = FORKJOIN_VERSION,
        .build = FORKJOIN_BUILD,
        .openapi = openapi_text,
        .openapi_length = openapi_text_length,
        .openapi_tag = openapi_text_tag,
    };
    return service_run(&config, &parts);
}
