#pragma once
/* Internal to server/engine. Memory straight from the system, for buffer_pool.c only. Sizes come in classes, four to a
 * doubling, so that a mapping is at most 25 % larger than what is asked for and follows from its size alone. Pure but
 * for the system calls; any thread. */
#include <stdbool.h>
#include <stddef.h>

enum {
    MAPPING_LEAST_SHIFT = 18,
    MAPPING_LEAST_BYTES = 1 << MAPPING_LEAST_SHIFT,
    MAPPING_HIGHEST_SHIFT = 46, /* user address space is 2^47 bytes */
    MAPPING_STEPS_PER_DOUBLING = 4,
    MAPPING_CLASSES = (MAPPING_HIGHEST_SHIFT - MAPPING_LEAST_SHIFT + 1) * MAPPING_STEPS_PER_DOUBLING
};

/* The first class that holds so many bytes; MAPPING_CLASSES if there is none. */
size_t mapping_class(size_t bytes);

/* Of a class below MAPPING_CLASSES; a multiple of every page size up to 64 KiB. */
size_t mapping_bytes(size_t class_index);

/* Zeroed, and not resident before it is touched. NULL if the system has none. */
void *mapping_new(size_t class_index) __attribute__((warn_unused_result));

/* Moves or extends it to a larger class without copying. NULL if the system has none: the block is as it was. */
void *mapping_grow(void *block, size_t from_class, size_t to_class) __attribute__((warn_unused_result));

/* Gives back any part of mappings. Takes milliseconds where much is resident. */
void mapping_free(void *start, size_t bytes);
