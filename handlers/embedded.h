#pragma once
/* Internal to handlers. Files put into the binary by the build (CMakeLists.txt, cmake/embed.cmake), as they are and
 * compressed already: nobody waits for that, whoever asks. All static, shared by all threads. */
#include "server/engine/call.h"

struct embedded {
    struct reply_piece plain;
    struct reply_piece gzip;
    struct reply_piece zstd;
    const char *tag; /* of exactly these bytes: "\"…\"", as the field ETag has it */
};

extern const struct embedded embedded_openapi_yaml; /* openapi.yaml */
extern const struct embedded embedded_openapi_json; /* the same, as cmake/openapi_json.py writes it */
extern const struct embedded embedded_page;         /* web/index.html */
extern const struct embedded embedded_script;       /* what else is in web/, each kind in one file */
extern const struct embedded embedded_style;

/* Makes it the answer, in the coding that the order asks for. */
enum problem_kind embedded_answer(struct call *call, const struct embedded *file);
