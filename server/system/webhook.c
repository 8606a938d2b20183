#include "server/system/webhook.h"

#include <assert.h>
#include <errno.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1024, SIGNATURE_LENGTH = 44 };

static_assert(BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) == SIGNATURE_LENGTH, "a signature's length in base 64");

static const char prefix[] = "whsec_";

static bool refuse(char *reason, const char *path, const char *why) {
    (void)snprintf(reason, WEBHOOK_REASON_BYTES, "%.120s: %s", path, why);
    return false;
}

static bool decode(const char *text, size_t length, unsigned char *out, size_t *out_length) {
    struct base64_decode_ctx context;
    base64_decode_init(&context);
    return base64_decode_update(&context, out_length, out, length, text) == 1 && base64_decode_final(&context) == 1;
}

static bool take_line(struct webhook_keys *keys, const char *line, size_t length, const char **why) {
    unsigned char bytes[BASE64_DECODE_LENGTH(FILE_MAX_BYTES)];
    size_t key_length = length;
    bool is_coded = length >= sizeof prefix - 1 && memcmp(line, prefix, sizeof prefix - 1) == 0;
    if (is_coded) {
        if (!decode(line + sizeof prefix - 1, length - (sizeof prefix - 1), bytes, &key_length)) {
            *why = "what is behind \"whsec_\" isn't base 64";
            return false;
        }
    } else {
        memcpy(bytes, line, length);
    }
    if (key_length < WEBHOOK_KEY_LEAST_BYTES || key_length > WEBHOOK_KEY_MAX_BYTES) {
        *why = "a key has 24 to 64 bytes";
    } else if (keys->count == WEBHOOK_KEYS_MAX) {
        *why = "there are more than four keys";
    } else {
        memcpy(keys->keys[keys->count].bytes, bytes, key_length);
        keys->keys[keys->count++].length = key_length;
    }
    explicit_bzero(bytes, sizeof bytes);
    return !*why;
}

static bool take_lines(struct webhook_keys *keys, const char *text, size_t length, const char **why) {
    const char *end = text + length;
    for (const char *line = text; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        line_end = line_end ? line_end : end;
        size_t line_length = (size_t)(line_end - line);
        line_length -= line_length > 0 && line[line_length - 1] == '\r';
        if (line_length > 0 && !take_line(keys, line, line_length, why)) {
            return false;
        }
        line = line_end + 1;
    }
    if (keys->count == 0) {
        *why = "there is no key in it";
    }
    return keys->count > 0;
}

bool webhook_keys_read(const char *path, struct webhook_keys *keys, char reason[WEBHOOK_REASON_BYTES]) {
    char text[FILE_MAX_BYTES];
    const char *why = NULL;
    *keys = (struct webhook_keys){0};
    FILE *file = fopen(path, "re");
    if (!file) {
        return refuse(reason, path, strerror(errno));
    }
    (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of it stays behind */
    size_t length = fread(text, 1, sizeof text, file);
    bool has_failed = ferror(file) != 0;
    int cause = errno;
    (void)fclose(file);
    bool is_good = !has_failed && length < sizeof text && take_lines(keys, text, length, &why);
    explicit_bzero(text, sizeof text);
    if (!is_good) {
        *keys = (struct webhook_keys){0};
        return refuse(reason, path, has_failed ? strerror(cause) : why ? why : "it is too long for keys");
    }
    return true;
}

const char *webhook_sign(const struct webhook_keys *keys, const char *id, long long timestamp_s, const char *body,
                         size_t length, char out[WEBHOOK_SIGNATURE_BYTES]) {
    char head[128];
    int head_length = snprintf(head, sizeof head, "%s.%lld.", id, timestamp_s);
    char *end = out;
    assert(head_length > 0 && (size_t)head_length < sizeof head);
    for (unsigned i = 0; i < keys->count; i++) {
        struct hmac_sha256_ctx context;
        uint8_t digest[SHA256_DIGEST_SIZE];
        hmac_sha256_set_key(&context, keys->keys[i].length, keys->keys[i].bytes);
        hmac_sha256_update(&context, (size_t)head_length, (const uint8_t *)head);
        hmac_sha256_update(&context, length, (const uint8_t *)body);
        hmac_sha256_digest(&context, sizeof digest, digest);
        const char *before = i > 0 ? " v1," : "v1,";
        memcpy(end, before, strlen(before));
        end += strlen(before);
        base64_encode_raw(end, sizeof digest, digest);
        end += SIGNATURE_LENGTH;
    }
    *end = '\0';
    return out;
}
