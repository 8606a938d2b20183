#pragma once
/* Internal to server/jobs. What a callback's URL leads to, read by the library that calls it, so that both understand
 * the same by it. */
#include "server/jobs/job.h"

#include <curl/curl.h>

enum { CALLBACK_SITE_BYTES = 300 };

struct callback_target {
    CURLU *url;                     /* owned; NULL: none */
    bool is_listed;                 /* as the list is now */
    char site[CALLBACK_SITE_BYTES]; /* "https://host:port", for the log: paths and queries may be secrets */
};

/* False, and why; then there is nothing to be freed. One whose host isn't listed is fine: whoever asks decides. */
bool callback_target_open(struct callback_target *target, const char *allow, struct text_view url,
                          char reason[CALLBACK_REASON_BYTES]) __attribute__((warn_unused_result));
void callback_target_close(struct callback_target *target);
