#include "codecs/coding/zlib_memory.h"

#include <string.h>

/* zlib doesn't say the size when it frees: it stands before the block, in as many bytes as keep the alignment. */
enum { PREFIX = 64 };

static voidpf allocate(voidpf opaque, uInt items, uInt size) {
    size_t bytes = (size_t)items * size + PREFIX;
    char *block = memory_take(opaque, bytes);
    if (!block) {
        return Z_NULL;
    }
    memcpy(block, &bytes, sizeof bytes);
    return block + PREFIX;
}

static void release(voidpf opaque, voidpf address) {
    size_t bytes = 0;
    char *block = (char *)address - PREFIX;
    memcpy(&bytes, block, sizeof bytes);
    memory_give(opaque, block, bytes);
}

void zlib_memory_init(z_stream *stream, struct memory *memory) {
    stream->zalloc = allocate;
    stream->zfree = release;
    stream->opaque = memory;
}
