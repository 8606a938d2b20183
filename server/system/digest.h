#pragma once
/* SHA-256 (FIPS 180-4): names files by what is in them and tells whether that was changed. Any thread; a digester is
 * one thread's at a time. By nettle, whose contexts lie where the caller wants them and whose functions can't fail. */
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_BYTES = SHA256_DIGEST_SIZE, DIGEST_TEXT_LENGTH = 2 * DIGEST_BYTES };

struct digest {
    unsigned char bytes[DIGEST_BYTES];
};

/* Of bytes that come in pieces. */
struct digester {
    struct sha256_ctx state;
};

void digester_init(struct digester *digester);
void digester_add(struct digester *digester, const void *bytes, size_t length);

/* The digest of all that was added; the digester begins anew. */
struct digest digester_end(struct digester *digester);

struct digest digest_of(const void *bytes, size_t length);

bool digest_equal(const struct digest *a, const struct digest *b);

/* Lower-case hexadecimal, zero-terminated. Returns out. */
const char *digest_print(const struct digest *digest, char out[DIGEST_TEXT_LENGTH + 1]);

/* The same in base 64, zero-terminated, as in Content-Digest (RFC 9530). */
enum { DIGEST_BASE64_LENGTH = 44 };
const char *digest_print_base64(const struct digest *digest, char out[DIGEST_BASE64_LENGTH + 1]);

/* What digest_print gives and nothing else; false otherwise. */
bool digest_parse(struct digest *digest, const char *text);
