#pragma once
/* What a request's first line and head say. */
#include "server/http/head.h"

#include <stdbool.h>

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_POST, REQUEST_OPTIONS, REQUEST_OTHER_METHOD };

struct request {
    enum request_method method;
    bool target_is_sane;
    bool is_for_server; /* the target is "*" */
    bool is_old; /* HTTP/1.0 */
    struct head head;
    const char *allow; /* for 405 and OPTIONS: what is allowed at this path */
};
