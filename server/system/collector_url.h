#pragma once
/* Internal to server/system. The URL of a collector of traces (--otlp). Pure functions. */
#include <stdbool.h>

enum { COLLECTOR_URL_MAX = 512 };

/* Is it http or https, with a host (a name, an IPv4 address, an IPv6 one in brackets), a port and a path if liked, and
 * nothing else: no user, no query, no fragment, none but printable ASCII, at most COLLECTOR_URL_MAX bytes? */
bool collector_url_is_good(const char *url);
