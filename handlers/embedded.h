#pragma once
/* Internal to handlers. Files put into the binary by the build (CMakeLists.txt, cmake/embed.cmake), as they are and
 * compressed already: nobody waits for that, whoever asks. All static, shared by all threads. */
#include "server/engine/call.h"

struct embedded_form {
    struct reply_piece piece;
    const char *tag; /* of exactly these bytes: "\"…\"", as the field ETag has it */
};

struct embedded {
    struct embedded_form plain, gzip, zstd;
};

extern const struct embedded embedded_openapi_yaml; /* openapi.yaml */
extern const struct embedded embedded_openapi_json; /* the same, as cmake/openapi_json.py writes it */
extern const struct embedded embedded_page;         /* web/index.html */
extern const struct embedded embedded_script;       /* what else is in web/, each kind in one file */
extern const struct embedded embedded_style;

/* What ETag says of it in the coding that the order asks for. Static string. */
const char *embedded_tag(const struct call *call, const struct embedded *file);

/* Makes it the answer, in that coding. */
enum problem_kind embedded_answer(struct call *call, const struct embedded *file);
