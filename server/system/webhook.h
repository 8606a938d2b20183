#pragma once
/* Signatures of what the service sends by itself, after Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 over
 * "id.timestamp.body". Any thread. */
#include <stdbool.h>
#include <stddef.h>

enum {
    WEBHOOK_KEYS_MAX = 4,         /* signed with each, so that a receiver may change its own in between */
    WEBHOOK_KEY_LEAST_BYTES = 24, /* the standard's bounds */
    WEBHOOK_KEY_MAX_BYTES = 64,
    WEBHOOK_REASON_BYTES = 256
};

struct webhook_keys {
    struct {
        unsigned char bytes[WEBHOOK_KEY_MAX_BYTES];
        size_t length;
    } keys[WEBHOOK_KEYS_MAX];
    unsigned count; /* 0: nothing is signed */
};

/* Reads keys from a file, one a line: "whsec_" and base 64, or the bytes of the line as they are. False: the file can't
 * be read, or has no key or one that is too short or long, in words that show nothing of it; then there are none. */
bool webhook_keys_read(const char *path, struct webhook_keys *keys, char reason[WEBHOOK_REASON_BYTES])
    __attribute__((warn_unused_result));

/* The value of webhook-signature: "v1," and base 64 for each key, separated by blanks; zero-terminated. Without blanks
 * or full stops in `id`. Returns out. */
enum { WEBHOOK_SIGNATURE_BYTES = WEBHOOK_KEYS_MAX * (3 + 44 + 1) + 1 };
const char *webhook_sign(const struct webhook_keys *keys, const char *id, long long timestamp_s, const char *body,
                         size_t length, char out[WEBHOOK_SIGNATURE_BYTES]);
