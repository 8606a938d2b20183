#pragma once
/* Entity tags (RFC 9110, 8.8.3 and 13.1.2): does the client have already what it asks for? */
#include <stdbool.h>

/* Does a list as in If-None-Match have `tag`, quoted as in ETag, or is it "*"? Compared weakly: W/"a" lists "a".
 * Elements that aren't tags list nothing. Pure. */
bool entity_tag_is_listed(const char *list, const char *tag);
