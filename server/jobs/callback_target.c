#include "server/jobs/callback_target.h"

#include "server/system/allowed_hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool refuse(char *reason, const char *why) {
    (void)snprintf(reason, CALLBACK_REASON_BYTES, "%s", why);
    return false;
}

static bool has_part(CURLU *url, CURLUPart part) {
    char *text = NULL;
    bool is_there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return is_there;
}

/* RFC 3986, 2: neither blanks, controls and what isn't ASCII nor these. */
static bool has_url_bytes(struct text_view url) {
    for (size_t i = 0; i < url.length; i++) {
        if (url.bytes[i] <= ' ' || url.bytes[i] > '~' || strchr("\"<>\\^`{|}", url.bytes[i])) {
            return false;
        }
    }
    return true;
}

/* "http:/host" and "http:///host", which libcurl reads as well, are slips. */
static bool begins_well(const char *text) {
    size_t length = strncasecmp(text, "http://", 7) == 0 ? 7 : strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
    return length > 0 && text[length] != '/' && text[length] != '\0';
}

static bool read_site(struct callback_target *target, const char *allow, char *reason) {
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool is_good = curl_url_get(target->url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                   curl_url_get(target->url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                   curl_url_get(target->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (!is_good) {
        (void)refuse(reason, "\"callback\" has no host that can be read");
    } else if (has_part(target->url, CURLUPART_USER) || has_part(target->url, CURLUPART_PASSWORD)) {
        is_good = refuse(reason, "\"callback\" has a user or a password in it, which it must not");
    } else if (has_part(target->url, CURLUPART_ZONEID)) {
        is_good = refuse(reason, "the host of \"callback\" has a zone, which it must not");
    } else if (strtoul(port, NULL, 10) == 0) {
        is_good = refuse(reason, "\"callback\" has the port 0, at which nobody listens");
    } else {
        unsigned number = (unsigned)strtoul(port, NULL, 10);
        target->is_listed = allow && allowed_hosts_name(allow, host, number);
        (void)snprintf(target->site, sizeof target->site, "%s://%.255s:%u", scheme, host, number);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return is_good;
}

bool callback_target_open(struct callback_target *target, const char *allow, struct text_view url,
                          char reason[CALLBACK_REASON_BYTES]) {
    char text[JOB_CALLBACK_MAX + 1] = "";
    *target = (struct callback_target){0};
    if (url.length > JOB_CALLBACK_MAX) {
        (void)snprintf(reason, CALLBACK_REASON_BYTES, "\"callback\" has %zu bytes; up to %d are allowed", url.length,
                       JOB_CALLBACK_MAX);
        return false;
    }
    if (!has_url_bytes(url)) {
        return refuse(reason, "\"callback\" has a byte that a URL hasn't: blanks, quotes, controls, what isn't ASCII "
                              "and some others are written as %xx");
    }
    memcpy(text, url.bytes ? url.bytes : "", url.length);
    if (!begins_well(text)) {
        return refuse(reason, "\"callback\" is no URL that begins with http:// or https:// and a host");
    }
    target->url = curl_url();
    CURLUcode code = target->url ? curl_url_set(target->url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;
    if (code != CURLUE_OK) {
        (void)snprintf(reason, CALLBACK_REASON_BYTES, "\"callback\" is no URL that can be read: %s",
                       curl_url_strerror(code));
    }
    if (code == CURLUE_OK && read_site(target, allow, reason)) {
        return true;
    }
    callback_target_close(target);
    return false;
}

void callback_target_close(struct callback_target *target) {
    curl_url_cleanup(target->url);
    target->url = NULL;
}
