#pragma once
/* Internal to kernels. Stores that go past the caches, for results larger than these: an ordinary store first
 * reads the line it writes to.
 */
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>

/* memcpy. Lines that aren't covered whole are written as usual. */
static inline void stream_store(void *to, const void *from, size_t bytes) {
    enum { LINE = 64, WORD = sizeof(__m128i) };
    char *target = to;
    const char *source = from;
    size_t head = -(size_t)target % LINE;
    head = head < bytes ? head : bytes;
    memcpy(target, source, head);
    size_t end = head + (bytes - head) / LINE * LINE;
    for (size_t i = head; i < end; i += WORD) {
        _mm_stream_si128((__m128i *)(void *)(target + i), _mm_loadu_si128((const __m128i *)(const void *)(source + i)));
    }
    memcpy(target + end, source + end, bytes - end);
}

/* Between the stores above and anything that tells other threads of them: they aren't ordered by themselves. */
static inline void stream_end(void) {
    _mm_sfence();
}

#else

static inline void stream_store(void *to, const void *from, size_t bytes) {
    memcpy(to, from, bytes);
}

static inline void stream_end(void) {}

#endif
