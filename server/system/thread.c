#include "server/system/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct beginning {
    const char *name;
    void *(*run)(void *);
    void *context;
};

static void *begin(void *argument) {
    struct beginning beginning = *(struct beginning *)argument;
    free(argument);
    (void)pthread_setname_np(pthread_self(), beginning.name);
    return beginning.run(beginning.context);
}

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context) {
    struct beginning *beginning = malloc(sizeof *beginning);
    if (!beginning) {
        return ENOMEM;
    }
    *beginning = (struct beginning){.name = name, .run = run, .context = context};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits this */
    int error = pthread_create(thread, NULL, begin, beginning);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(beginning);
    }
    return error;
}
