#pragma once
/* Internal to codecs/numbers. Eight numbers at a time for number_print_piece, where the processor can. C++ only. */
#include <cstddef>

/* What printing a number may write to; its text is the beginning of that. */
constexpr size_t number_room = 48;

/* The shortest text of a finite number, written to number_room bytes. Returns its end. */
char *number_print_shortest(double value, char *out);

/* number_print_piece, one number at a time, for any processor. */
size_t number_print_portable(const double *values, size_t count, unsigned precision, bool continues, char *out,
                             size_t capacity, size_t *length);

#if defined(__x86_64__) && defined(__GNUC__)
#define NUMBER_HAS_BLOCKS 1

constexpr size_t number_block = 8;

/* Whether the processor has what number_blocks_print needs: from Ice Lake and Zen 4 on. */
bool number_blocks_supported();

/* Prints a comma and the shortest text of each number, eight after eight, until fewer than eight are left, or one isn't
 * finite, or eight more might not fit into the `capacity` bytes. Returns how many were printed; *length is the bytes
 * they took. */
size_t number_blocks_print(const double *values, size_t count, char *out, size_t capacity, size_t *length);
#else
#define NUMBER_HAS_BLOCKS 0
#endif
