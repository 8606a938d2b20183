#pragma once
/* Internal to server/http. Entity tags (RFC 9110, 8.8.3 and 13.1.2): does the client have already what it asks for? */
#include <stdbool.h>

struct MHD_Connection;

/* Does a line of If-None-Match list `tag`, quoted as in ETag, or is it "*"? Compared weakly: W/"a" lists "a". Elements
 * that aren't tags list nothing. Pure. */
bool entity_tag_is_listed(const char *list, const char *tag);

/* The same for all lines of that field in the request's head. */
bool entity_tag_is_held(struct MHD_Connection *connection, const char *tag);
