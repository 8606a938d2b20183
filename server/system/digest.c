#include "server/system/digest.h"

#include <assert.h>
#include <nettle/base64.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

void digester_init(struct digester *digester) {
    sha256_init(&digester->state);
}

void digester_add(struct digester *digester, const void *bytes, size_t length) {
    if (length > 0) {
        sha256_update(&digester->state, length, bytes);
    }
}

struct digest digester_end(struct digester *digester) {
    struct digest digest;
    sha256_digest(&digester->state, sizeof digest.bytes, digest.bytes);
    return digest;
}

struct digest digest_of(const void *bytes, size_t length) {
    struct digester digester;
    digester_init(&digester);
    digester_add(&digester, bytes, length);
    return digester_end(&digester);
}

bool digest_equal(const struct digest *a, const struct digest *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

const char *digest_print(const struct digest *digest, char out[DIGEST_TEXT_LENGTH + 1]) {
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[DIGEST_TEXT_LENGTH] = '\0';
    return out;
}

bool digest_parse(struct digest *digest, const char *text) {
    if (strspn(text, digits) != DIGEST_TEXT_LENGTH || text[DIGEST_TEXT_LENGTH] != '\0') {
        return false;
    }
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        ptrdiff_t high = strchr(digits, text[2 * i]) - digits;
        ptrdiff_t low = strchr(digits, text[2 * i + 1]) - digits;
        digest->bytes[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static_assert(BASE64_ENCODE_RAW_LENGTH(DIGEST_BYTES) == DIGEST_BASE64_LENGTH, "a digest's length in base 64");

const char *digest_print_base64(const struct digest *digest, char out[DIGEST_BASE64_LENGTH + 1]) {
    base64_encode_raw(out, DIGEST_BYTES, digest->bytes);
    out[DIGEST_BASE64_LENGTH] = '\0';
    return out;
}
