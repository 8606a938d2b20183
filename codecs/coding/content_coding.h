#pragma once
/* Content codings in HTTP headers (RFC 9110, 8.4 and 12.5.3): how a body is compressed and how an answer may be. Pure
 * functions. content_decoder.h and content_encoder.h do the work. */
#include "codecs/problem.h"

/* In HTTP "deflate" is the zlib format, which has that compression inside. */
enum content_coding { CONTENT_IDENTITY, CONTENT_GZIP, CONTENT_ZSTD, CONTENT_DEFLATE };

/* All but identity, as a header field lists them. */
#define CONTENT_CODINGS "zstd, gzip, deflate"

/* "identity", "gzip", "zstd", "deflate": what an answer's Content-Encoding says. Static strings. */
const char *content_coding_name(enum content_coding coding);

/* The coding that a body looks as if it were in by its first bytes (four tell): their magic numbers for gzip and zstd,
 * a zlib header for deflate. CONTENT_IDENTITY: none of them. */
enum content_coding content_coding_of(const char *bytes, size_t length);

/* The coding of a body with this Content-Encoding header: names in any case, x-gzip is gzip; NULL, empty and identity
 * are CONTENT_IDENTITY. Others, and several one over the other, are PROBLEM_UNSUPPORTED_ENCODING. */
MUST_CHECK enum problem_kind content_coding_parse(const char *content_encoding, enum content_coding *coding,
                                                  struct problem *problem);

/* What there is beside identity: an answer that is made now comes in all codings, a file in those that the build has
 * compressed it in, zstd and gzip. */
enum content_offer { CONTENT_MADE, CONTENT_STORED };

/* How an answer to a client with this Accept-Encoding header (several lines joined by commas; NULL and empty: as it is)
 * should be coded if that is worth it: of those on offer the named coding with the highest weight, zstd before gzip
 * before deflate before identity among equals. "*" allows and refuses, but it doesn't ask: it selects one that isn't
 * named, gzip first, only where identity is refused. Weights are read as Accept's are (codecs/weight.h); elements with
 * other parameters, or not known here, count as not there. *must: identity is refused, so the answer has to be coded.
 * Where all is refused the kind is PROBLEM_NOT_ACCEPTABLE. */
MUST_CHECK enum problem_kind content_coding_choose(const char *accept_encoding, enum content_offer offer,
                                                   enum content_coding *coding, bool *must, struct problem *problem);
