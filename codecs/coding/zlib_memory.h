#pragma once
/* Internal to codecs/coding. Lets zlib take its memory from a `struct memory`, so that it's charged before it's there.
 */
#include "codecs/memory.h"

#define ZLIB_CONST /* input is const */
#include <zlib.h>

/* Sets a zeroed stream's allocator; before inflateInit2 or deflateInit2. `memory` outlives the stream. */
void zlib_memory_init(z_stream *stream, struct memory *memory);
