#pragma once
/* Compresses a finished answer, given as parts, into pieces that can be sent one after the other. One thread. */
#include "codecs/coding/content_coding.h"
#include "codecs/memory.h"

struct content_part {
    const char *bytes;
    size_t length;
};

struct content_piece {
    char *bytes; /* length of them; room are taken from memory */
    size_t length;
    size_t room;
};

struct content_pieces {
    struct memory *memory;
    struct content_piece *list;
    size_t count; /* 0: send the parts as they are */
    size_t list_room;
    size_t length; /* of all pieces together */
};

enum content_effort {
    CONTENT_IF_SMALLER, /* give up where it doesn't help */
    CONTENT_ALWAYS      /* the client takes nothing else */
};

/* Answers of fewer bytes are not worth coding: they fit a TCP segment together with their head as they are, and don't
 * arrive earlier for being shorter. At this size gzip takes 6 µs (words) to 37 µs (numbers) and zstd 20 µs, where a
 * whole small call takes 90. */
enum { CONTENT_WORTH_BYTES = 1024 };

/* What an encoder charges at most while it works, the pieces aside. */
enum { CONTENT_ENCODER_BYTES_MAX = 2 << 20 };

/* Compresses the parts as one stream with any coding but CONTENT_IDENTITY; deflate with zlib's header, always. On
 * success the pieces are the caller's, to be freed with content_pieces_free. With CONTENT_IF_SMALLER it stops, with
 * count 0 and nothing held, as soon as an eighth is not saved. Polls *cancel (may be NULL) every 128 KiB and returns
 * PROBLEM_NONE with count 0 early when it is set: the caller knows. PROBLEM_MEMORY_LIMIT, with nothing held, where the
 * memory's limit would be passed. */
MUST_CHECK enum problem_kind content_encode(enum content_coding coding, enum content_effort effort,
                                            const struct content_part *parts, size_t part_count, struct memory *memory,
                                            const _Atomic bool *cancel, struct content_pieces *out,
                                            struct problem *problem);

void content_pieces_free(struct content_pieces *pieces); /* safe after {0} and twice */
