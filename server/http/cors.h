#pragma once
/* Internal to server/http. Which web pages may read an answer (Fetch standard, "CORS protocol"): --cors-origin. Off,
 * nothing is looked up and nothing added. Pure functions but for cors_read. */
#include "server/engine/answer.h"
#include "server/http/request.h"

struct MHD_Connection;

/* What is known of the page that asks, and what follows from it. */
struct cors {
    const char *allow_origin; /* what the answer names; NULL: no page may read it */
    bool depends_on_origin;   /* for a list: another page, or none, would get another answer */
    bool is_preflight;        /* a browser asks whether its page may ask */
    bool is_private_network;  /* and says that the page comes from a wider network than ours */
};

enum { CORS_FIELDS_MAX = 7 };

/* Before all of the head is there. `origins` is --cors-origin; NULL: off. `origin` is what has been read of the page's,
 * "" if nothing has; allow_origin may point to it. */
struct cors cors_unread(const char *origins, const char *origin);

/* With the head, whatever is wrong with it, where it is on. What allow_origin points to lives as long as the request.
 */
struct cors cors_read(const char *origins, struct MHD_Connection *connection, enum request_method method);

/* Writes the answer's fields, CORS_FIELDS_MAX at most, and returns how many there are. `methods` are those of the path;
 * NULL: it isn't known, and a preflight is answered like anything else. */
unsigned cors_fields(const struct cors *cors, const char *methods, struct answer_field fields[CORS_FIELDS_MAX]);
