#include "server/system/origins.h"

#include "server/system/comma_list.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char scheme_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
static const char host_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
static const char address_bytes[] = "abcdefABCDEF0123456789:.";

bool origins_are_any(const char *list) {
    return strcmp(list, "*") == 0;
}

static bool is_own_port(unsigned long port, const char *scheme) {
    static const struct {
        const char *scheme;
        unsigned port;
    } own[] = {{"http://", 80}, {"https://", 443}, {"ws://", 80}, {"wss://", 443}, {"ftp://", 21}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (port == own[i].port && strncasecmp(scheme, own[i].scheme, strlen(own[i].scheme)) == 0) {
            return true;
        }
    }
    return false;
}

/* The port behind the host, up to `end`: none, or one that isn't the scheme's own. */
static bool is_port(const char *at, const char *end, const char *scheme) {
    if (at >= end) {
        return at == end; /* of a host that is cut off within, nothing is looked at */
    }
    size_t digits = strspn(at + 1, "0123456789");
    if (*at != ':' || digits == 0 || digits > 5 || at[1] == '0' || at + 1 + digits != end) {
        return false;
    }
    unsigned long port = strtoul(at + 1, NULL, 10);
    return port <= 65535 && !is_own_port(port, scheme);
}

/* The length of the host at `host`; 0: there is none. */
static size_t host_length(const char *host) {
    struct in6_addr address;
    char inside[INET6_ADDRSTRLEN];
    size_t length = strspn(host, host_bytes);
    if (*host != '[') {
        return *host == '.' ? 0 : length;
    }
    length = strspn(host + 1, address_bytes);
    if (length >= sizeof inside || host[1 + length] != ']') {
        return 0;
    }
    memcpy(inside, host + 1, length);
    inside[length] = '\0';
    return inet_pton(AF_INET6, inside, &address) == 1 ? length + 2 : 0;
}

static bool is_origin(const char *text, size_t length) {
    const char *end = text + length;
    const char *host = text + strspn(text, scheme_bytes);
    if (length > ORIGIN_BYTES_MAX || strspn(text, letters) == 0 || strncmp(host, "://", 3) != 0) {
        return false;
    }
    host += 3;
    size_t hosts = host_length(host);
    return hosts > 0 && is_port(host + hosts, end, text);
}

const char *origins_find_mistake(const char *list) {
    if (origins_are_any(list)) {
        return NULL;
    }
    for (const char *at = list, *next; at; at = next) {
        size_t length;
        const char *element = comma_list_take(at, &length, &next);
        if (!is_origin(element, length)) {
            return element;
        }
    }
    return NULL;
}

bool origins_begin_with_own_port(const char *list) {
    size_t length;
    const char *next;
    const char *element = comma_list_take(list, &length, &next);
    const char *colon = memrchr(element, ':', length);
    if (!colon || !is_origin(element, (size_t)(colon - element))) {
        return false;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    return digits > 0 && colon + 1 + digits == element + length && is_own_port(strtoul(colon + 1, NULL, 10), element);
}

bool origins_list(const char *list, const char *origin) {
    size_t wanted = strlen(origin);
    if (origins_are_any(list)) {
        return false;
    }
    for (const char *at = list, *next; at; at = next) {
        size_t length;
        const char *element = comma_list_take(at, &length, &next);
        if (length == wanted && strncasecmp(element, origin, length) == 0) {
            return true;
        }
    }
    return false;
}
