#pragma once
/* A client's text as part of a problem: of its detail, which stays one readable line, and of
 * its JSON Pointer. */
#include <stddef.h>

/* Writes the UTF-8 text to out, `size` bytes with the NUL at the end: control characters (utf8_is_control) of ASCII,
 * and bytes that aren't UTF-8, as \xNN, others as \uNNNN; "..." where it didn't surely fit. size >= 8. Returns out. */
const char *readable_print(const char *bytes, size_t length, char *out, size_t size);

/* Writes the JSON Pointer to the root's member `name`, "/name", to out, as far as it fits (cut between characters). */
void readable_pointer(const char *name, char *out, size_t size);
/* Appends the member `name` of what the pointer in out leads to, in the same way. */
void readable_pointer_append(const char *name, char *out, size_t size);
