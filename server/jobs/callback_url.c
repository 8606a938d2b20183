#include "server/jobs/callback_url.h"

#include "server/jobs/callback_target.h"

#include <stdio.h>

bool callback_url_check(const char *allow, struct text_view url, char reason[CALLBACK_REASON_BYTES]) {
    struct callback_target target;
    if (!allow) {
        (void)snprintf(reason, CALLBACK_REASON_BYTES, "\"callback\" can't be had here: --callback-allow lists no host");
        return false;
    }
    if (!callback_target_open(&target, allow, url, reason)) {
        return false;
    }
    if (!target.is_listed) {
        (void)snprintf(reason, CALLBACK_REASON_BYTES,
                       "\"callback\" names %.80s, which --callback-allow doesn't list: no job may call there",
                       target.site);
    }
    bool is_listed = target.is_listed;
    callback_target_close(&target);
    return is_listed;
}
