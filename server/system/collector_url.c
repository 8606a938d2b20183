#include "server/system/collector_url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char host_bytes[] = LETTERS_AND_DIGITS "-._";
static const char path_bytes[] = LETTERS_AND_DIGITS "-._~%!$&'()*+,;=:@/";

/* Where what is behind the host begins; NULL: there is no host. */
static const char *skip_host(const char *host) {
    char inside[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t length = strspn(host, host_bytes);
    if (*host != '[') {
        return length > 0 && *host != '.' ? host + length : NULL;
    }
    length = strcspn(host + 1, "]");
    if (length >= sizeof inside || host[1 + length] != ']') {
        return NULL;
    }
    memcpy(inside, host + 1, length);
    inside[length] = '\0';
    return inet_pton(AF_INET6, inside, &address) == 1 ? host + length + 2 : NULL;
}

/* Where what is behind the port begins, which may be missing; NULL: it is none. */
static const char *skip_port(const char *at) {
    if (*at != ':') {
        return at;
    }
    size_t digits = strspn(at + 1, "0123456789");
    bool is_port = digits > 0 && digits <= 5 && at[1] != '0' && strtoul(at + 1, NULL, 10) <= 65535;
    return is_port ? at + 1 + digits : NULL;
}

bool collector_url_is_good(const char *url) {
    size_t scheme = strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
    const char *at = scheme > 0 && strlen(url) <= COLLECTOR_URL_MAX ? skip_host(url + scheme) : NULL;
    at = at ? skip_port(at) : NULL;
    return at && (*at == '\0' || (*at == '/' && at[strspn(at, path_bytes)] == '\0'));
}
