/* Wires the parts together: configuration, OpenMP's environment, route table, service. */
#include "handlers/jobs.h"
#include "handlers/routes.h"
#include "server/service.h"
#include "server/system/config.h"
#include "server/system/healthcheck.h"
#include "server/system/openmp_environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A socket that got the number of a closed standard stream would be sent what is meant for that. False: said on stderr,
 * if there is one. */
static bool open_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            fprintf(stderr, "forkjoin: descriptor %d is closed, and /dev/null can't be opened (%s)\n", fd,
                    strerror(errno));
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    struct config config;
    if (!open_standard_streams()) {
        return 1;
    }
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
    openmp_environment_settle(argv, config.log_level);
    document_library_init();
    struct service_parts parts = {
        .endpoints = routes,
        .endpoint_count = route_count,
        .submission = &jobs_submission_endpoint,
        .describe_job = jobs_describe,
        .version = FORKJOIN_VERSION,
        .build = FORKJOIN_BUILD,
    };
    return service_run(&config, &parts);
}
