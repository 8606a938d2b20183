#include "server/http/cors.h"

#include "server/system/origins.h"

#include <microhttpd.h>
#include <string.h>

/* What a page may set beyond what every page may; what isn't listed has no effect here. */
static const char request_fields[] =
    "Accept, Content-Encoding, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Prefer, Range, "
    "X-Request-Id, traceparent, tracestate";

/* What a page may read beyond what every page may. */
static const char answer_fields[] = "Accept-Encoding, Accept-Query, Accept-Ranges, Allow, Content-Digest, "
                                    "Content-Encoding, Content-Range, ETag, Location, Preference-Applied, "
                                    "Repr-Digest, Retry-After, Server-Timing, X-Request-Id, traceresponse";

/* Two hours are what Chromium remembers at most. */
static const char remembered_s[] = "7200";

struct cors cors_unread(const char *origins, const char *origin) {
    if (!origins) {
        return (struct cors){0};
    }
    bool is_any = origins_are_any(origins);
    const char *listed = origins_list(origins, origin) ? origin : NULL;
    return (struct cors){.allow_origin = is_any ? "*" : listed, .depends_on_origin = !is_any};
}

struct cors cors_read(const char *origins, struct MHD_Connection *connection, enum request_method method) {
    if (!origins) {
        return cors_unread(NULL, "");
    }
    const char *origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin");
    struct cors cors = cors_unread(origins, origin ? origin : "");
    if (method == REQUEST_OPTIONS && origin && cors.allow_origin) {
        const char *network =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Access-Control-Request-Private-Network");
        cors.is_preflight = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Access-Control-Request-Method");
        cors.is_private_network = network && strcmp(network, "true") == 0;
    }
    return cors;
}

unsigned cors_fields(const struct cors *cors, const char *methods, struct answer_field fields[CORS_FIELDS_MAX]) {
    unsigned count = 0;
    if (cors->depends_on_origin) {
        fields[count++] = (struct answer_field){"Vary", "Origin"};
    }
    if (!cors->allow_origin) {
        return count;
    }
    fields[count++] = (struct answer_field){"Access-Control-Allow-Origin", cors->allow_origin};
    if (!cors->is_preflight || !methods) {
        fields[count++] = (struct answer_field){"Access-Control-Expose-Headers", answer_fields};
        fields[count++] = (struct answer_field){"Timing-Allow-Origin", cors->allow_origin};
        return count;
    }
    fields[count++] = (struct answer_field){"Access-Control-Allow-Methods", methods};
    fields[count++] = (struct answer_field){"Access-Control-Allow-Headers", request_fields};
    fields[count++] = (struct answer_field){"Access-Control-Max-Age", remembered_s};
    /* A page of the internet that asks a service inside a private network: where the operator named just that page. */
    if (cors->is_private_network && cors->depends_on_origin) {
        fields[count++] = (struct answer_field){"Access-Control-Allow-Private-Network", "true"};
    }
    return count;
}
