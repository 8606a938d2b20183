#pragma once
/* Decompresses a body while it arrives: gzip (members one after the other too, checksums verified; RFC 1952), zstd
 * (frames one after the other too, windows up to 8 MiB as RFC 9659 demands; RFC 8878) and deflate: one zlib stream
 * (checksum verified; RFC 1950) or, as some clients send and browsers read, one without zlib's header and checksum (RFC
 * 1951), with nothing behind it. Output goes into the caller's
 * windows only, so how much a body may unfold to is the caller's to say. One thread at a time. */
#include "codecs/coding/content_coding.h"
#include "codecs/memory.h"

/* What a decoder charges at most, itself included. gzip and deflate stay below 64 KiB. */
enum { CONTENT_DECODER_BYTES_MAX = 9 << 20 };

/* Bytes to read and room to write, both moved on by what was used. */
struct content_io {
    const char *in;
    size_t in_length;
    char *out;
    size_t out_room;
};

struct content_decoder;

/* A decoder for any coding but CONTENT_IDENTITY, owned by the caller; PROBLEM_MEMORY_LIMIT and NULL where the memory's
 * limit would be passed. */
MUST_CHECK enum problem_kind content_decoder_new(enum content_coding coding, struct memory *memory,
                                                 struct content_decoder **out, struct problem *problem);

/* Goes on until io->in_length or io->out_room is 0. There may be more output than fitted: call again with more room,
 * though without input, until room is left over. PROBLEM_INVALID_ENCODING for bytes that are not of the coding, with
 * their offset; PROBLEM_MEMORY_LIMIT. After a problem a decoder can only be freed.
 * The time it takes is bounded by the bytes given on both sides; poll cancel flags between calls. */
MUST_CHECK enum problem_kind content_decode(struct content_decoder *decoder, struct content_io *io,
                                            struct problem *problem);

/* After the last input, and once content_decode left room over: PROBLEM_INVALID_ENCODING where the input ended early
 * (an empty one did). */
MUST_CHECK enum problem_kind content_decoder_finish(const struct content_decoder *decoder, struct problem *problem);

void content_decoder_free(struct content_decoder *decoder); /* NULL is fine */
