#pragma once
/* The hosts that the service may call by itself: --callback-allow. Pure functions.
 *
 * A list is elements separated by commas, with blanks around them if liked. An element is a host and perhaps a port:
 *
 *   hooks.example.org        this name
 *   *.example.org            every name that ends so, but not example.org itself
 *   *                        every name, and every address that is everybody's
 *   192.0.2.7 or [2001:db8::7]          this address
 *   10.0.0.0/8 or [fd00::/8]            this range of addresses
 *
 * Behind it ":8443" is this port and ":*" any; without one it is 80 and 443. A name says nothing of addresses: what it
 * leads to has to be everybody's (address_class.h), or be listed as an address or range itself. */
#include "server/system/address_class.h"

#include <stddef.h>

enum { HOST_NAME_MAX_BYTES = 253 };

/* Where the first mistake begins, such as an element with a scheme or a path, or a range whose bits behind the prefix
 * aren't 0; NULL: there is none. */
const char *allowed_hosts_find_mistake(const char *list);

/* May this host be called at all, as a URL has it: a name, an IPv4 address, or an IPv6 address in brackets? */
bool allowed_hosts_name(const char *list, const char *host, unsigned port);

/* May this address be connected to, which such a host has? NULL: yes; else what it is (ip_address_class). */
const char *allowed_hosts_refuse(const char *list, const struct ip_address *address, unsigned port);
