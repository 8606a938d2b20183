#pragma once
/* Internal to server/jobs. One try to deliver a callback, as libcurl makes it: a POST of the job's status document, no
 * redirection followed, no proxy, to addresses that are everybody's or listed alone, with an answer that is read up to
 * a bound and thrown away. The callbacks' thread. */
#include "codecs/memory.h"
#include "server/engine/host.h"
#include "server/jobs/callback_target.h"
#include "server/jobs/job.h"
#include "server/system/webhook.h"

struct callback_send {
    CURL *easy; /* NULL: none is under way */
    struct curl_slist *fields;
    struct callback_target target;
    const char *allow;
    uint64_t timeout_ms;
    const char *refused_class; /* of an address that it wasn't let connect to */
    size_t answer_bytes;
    bool is_answered; /* the head of a final answer is there */
    struct fixed_memory body;
    char reason[CALLBACK_REASON_BYTES]; /* why nothing was sent */
};

enum callback_begun {
    CALLBACK_BEGUN, /* `easy` is to be given to libcurl */
    CALLBACK_NO_MEMORY /* later, perhaps */,
    CALLBACK_REFUSED /* its URL is none that may be called any more: `reason` */
};

/* Of the host: facts->config, and what prints a job. */
enum callback_begun callback_send_begin(struct callback_send *send, const struct host *host,
                                        const struct webhook_keys *keys, const struct job *job);

/* libcurl is done with it. The answer's status, 0: there was none, and `reason` says why; *asked_s: its Retry-After. */
unsigned callback_send_end(struct callback_send *send, CURLcode code, uint64_t *asked_s);

/* It is out of libcurl's hands. Zeroed is fine. */
void callback_send_free(struct callback_send *send);
