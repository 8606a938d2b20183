#pragma once
/* What the server knows of an endpoint: a row of the route table (handlers/routes.c). The server never names one.
 *
 * Information endpoints have `answer` alone: it writes a complete body into call->reply and runs on the event loop, so
 * it must not compute. Compute endpoints have the other three:
 *
 *   decode   body -> options and arguments; sets call->demand. CPU work, may be long
 *   compute  runs the kernel with call->threads_granted threads
 *   encode   prints the result's members into call->reply, inside the object that the server has begun and will end
 *            after adding "threads" and "timing"
 *
 * Each returns what is in call->problem: PROBLEM_NONE or the kind recorded. PROBLEM_NONE also when it stopped because
 * call->cancel was set: the server knows why it set it. */
#include "call.h"

enum endpoint_method { ENDPOINT_GET, ENDPOINT_POST };

struct endpoint {
    enum endpoint_method method;
    const char *path;
    const char *summary; /* one line for GET / */
    enum problem_kind (*answer)(struct call *call);
    enum problem_kind (*decode)(struct call *call);
    enum problem_kind (*compute)(struct call *call);
    enum problem_kind (*encode)(struct call *call);
};
