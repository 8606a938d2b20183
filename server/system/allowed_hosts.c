#include "server/system/allowed_hosts.h"

#include "server/system/comma_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ELEMENT_MAX_BYTES = HOST_NAME_MAX_BYTES + 16, PORT_MAX = 65535, HTTP_PORT = 80, HTTPS_PORT = 443 };

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
static const char digits[] = "0123456789";

enum kind { IS_NAME, IS_SUFFIX /* ".example.org", or "" for every name */, IS_RANGE };

struct element {
    enum kind kind;
    char name[ELEMENT_MAX_BYTES];
    struct ip_address network;
    unsigned bits;
    bool has_port;
    bool has_any_port;
    unsigned port;
};

/* A whole number without zeros before it, up to `highest`. */
static bool read_number(const char *text, unsigned highest, unsigned *number) {
    size_t length = strlen(text);
    if (length == 0 || length > 5 || strspn(text, digits) != length || (*text == '0' && length > 1)) {
        return false;
    }
    *number = (unsigned)strtoul(text, NULL, 10);
    return *number <= highest;
}

static bool read_port(const char *text, struct element *element) {
    element->has_port = true;
    element->has_any_port = strcmp(text, "*") == 0;
    return element->has_any_port || (read_number(text, PORT_MAX, &element->port) && element->port > 0);
}

/* Nothing behind the prefix: "10.1.2.3/8" is most likely a slip. */
static bool is_prefix(const struct ip_address *network, unsigned bits, unsigned width) {
    for (unsigned i = bits; i < width; i++) {
        if (network->bytes[i / 8] >> (7 - i % 8) & 1) {
            return false;
        }
    }
    return true;
}

/* "10.0.0.0/8", "::1". */
static bool read_range(char *text, struct element *element) {
    char *slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
    }
    if (!ip_address_parse(text, &element->network)) {
        return false;
    }
    unsigned width = element->network.is_v6 ? 128 : 32;
    element->kind = IS_RANGE;
    element->bits = width;
    return !slash ||
           (read_number(slash + 1, width, &element->bits) && is_prefix(&element->network, element->bits, width));
}

/* Labels of 1 to 63 bytes; what ends in a number would be an address. */
static bool is_name(const char *name) {
    size_t length = strlen(name);
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    if (length == 0 || length > HOST_NAME_MAX_BYTES || strspn(name, name_bytes) != length ||
        strspn(last, digits) == strlen(last)) {
        return false;
    }
    for (const char *label = name; label; label = strchr(label, '.') ? strchr(label, '.') + 1 : NULL) {
        size_t label_length = strcspn(label, ".");
        if (label_length == 0 || label_length > 63) {
            return false;
        }
    }
    return true;
}

static bool read_host(char *text, struct element *element) {
    size_t length = strlen(text);
    if (*text == '[') {
        text[length - 1] = '\0';
        return strchr(text, ':') && read_range(text + 1, element) && element->network.is_v6;
    }
    if (strchr(text, '/') || strspn(text, "0123456789.") == length) {
        return read_range(text, element) && !element->network.is_v6;
    }
    bool is_pattern = *text == '*';
    element->kind = is_pattern ? IS_SUFFIX : IS_NAME;
    memcpy(element->name, text + is_pattern, length + 1 - is_pattern);
    return is_pattern ? length == 1 || (text[1] == '.' && is_name(text + 2)) : is_name(text);
}

/* False: it is a mistake. */
static bool read_element(const char *text, size_t length, struct element *element) {
    char copy[ELEMENT_MAX_BYTES];
    *element = (struct element){0};
    if (length == 0 || length >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *bracket = *copy == '[' ? strchr(copy, ']') : copy;
    char *colon = bracket ? strchr(bracket, ':') : NULL;
    if (!bracket || (*copy == '[' && bracket[1] != '\0' && bracket[1] != ':')) {
        return false;
    }
    if (colon) {
        *colon = '\0';
    }
    return (!colon || read_port(colon + 1, element)) && read_host(copy, element);
}

const char *allowed_hosts_find_mistake(const char *list) {
    for (const char *at = list, *next; at; at = next) {
        size_t length;
        struct element element;
        const char *text = comma_list_take(at, &length, &next);
        if (!read_element(text, length, &element)) {
            return text;
        }
    }
    return NULL;
}

static bool has_port(const struct element *element, unsigned port) {
    return element->has_any_port ||
           (element->has_port ? element->port == port : port == HTTP_PORT || port == HTTPS_PORT);
}

static bool has_name(const struct element *element, const char *host) {
    size_t length = strlen(host), suffix = strlen(element->name);
    if (element->kind == IS_NAME) {
        return strcasecmp(element->name, host) == 0;
    }
    return suffix < length && strcasecmp(element->name, host + length - suffix) == 0;
}

/* The address that the host is; false: it is a name. */
static bool is_address(const char *host, struct ip_address *address) {
    char inside[INET6_ADDRSTRLEN];
    size_t length = strlen(host);
    if (*host != '[') {
        return ip_address_parse(host, address);
    }
    if (length < 2 || length - 2 >= sizeof inside) {
        return false;
    }
    memcpy(inside, host + 1, length - 2);
    inside[length - 2] = '\0';
    return ip_address_parse(inside, address);
}

static bool lists_address(const char *list, const struct ip_address *address, unsigned port) {
    for (const char *at = list, *next; at; at = next) {
        size_t length;
        struct element element;
        const char *text = comma_list_take(at, &length, &next);
        if (read_element(text, length, &element) && has_port(&element, port) && element.kind == IS_RANGE &&
            ip_address_within(address, &element.network, element.bits)) {
            return true;
        }
    }
    return false;
}

bool allowed_hosts_name(const char *list, const char *host, unsigned port) {
    struct ip_address address;
    bool is_numeric = is_address(host, &address);
    if (is_numeric && lists_address(list, &address, port)) {
        return true;
    }
    bool is_private = is_numeric && ip_address_class(&address);
    if (is_private || (!is_numeric && !is_name(host))) {
        return false;
    }
    for (const char *at = list, *next; at; at = next) {
        size_t length;
        struct element element;
        const char *text = comma_list_take(at, &length, &next);
        if (!read_element(text, length, &element) || !has_port(&element, port) || element.kind == IS_RANGE) {
            continue;
        }
        bool is_any = element.kind == IS_SUFFIX && element.name[0] == '\0';
        if (is_any || (!is_numeric && has_name(&element, host))) {
            return true;
        }
    }
    return false;
}

const char *allowed_hosts_refuse(const char *list, const struct ip_address *address, unsigned port) {
    return lists_address(list, address, port) ? NULL : ip_address_class(address);
}
