#pragma once
/* Origins of web pages, as browsers write them in the field Origin (RFC 6454, 6.2): a scheme, a host and, unless it is
 * the scheme's own, a port. Which of them may read answers is the operator's to say: --cors-origin. Pure functions. */
#include <stdbool.h>
#include <stddef.h>

/* Longest one: a host name has 253 characters at most. */
enum { ORIGIN_BYTES_MAX = 300 };

/* A list is "*", or origins separated by commas, with blanks around them if liked. An origin that no browser ever sends
 * is a mistake: with a path or a slash at its end, with user info, with the port that its scheme has anyway, with bytes
 * that aren't ASCII (names in other letters are written in Punycode). So is "null", which every page can make itself
 * be: what it would allow is "*". Returns where the first mistake begins; NULL: there is none. */
const char *origins_find_mistake(const char *list);

/* Is the first one of these an origin, but that it names its scheme's own port ("https://a.example:443")? */
bool origins_begin_with_own_port(const char *list);

bool origins_are_any(const char *list); /* "*" */

/* Is this one in the list, which is without a mistake? Scheme and host in any case. None is in "*". */
bool origins_list(const char *list, const char *origin);
