#pragma once
/* Internal to server/engine. Makes AddressSanitizer see accesses to memory that isn't anybody's just now, in blocks
 * that we deal out ourselves; nothing in other builds. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FENCED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FENCED 1
#endif
#ifdef FENCED
#include <sanitizer/asan_interface.h>
#define FENCE(start, bytes) __asan_poison_memory_region((start), (bytes))
#define UNFENCE(start, bytes) __asan_unpoison_memory_region((start), (bytes))
#else
#define FENCE(start, bytes) ((void)(start), (void)(bytes))
#define UNFENCE(start, bytes) ((void)(start), (void)(bytes))
#endif
