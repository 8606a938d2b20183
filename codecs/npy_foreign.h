#pragma once
/* Internal to codecs. What people send in place of .npy. */
#include <stddef.h>

/* What bytes that don't begin as a .npy array seem to be, and what to do: "a .npz archive; send one of its arrays ...",
 * to follow "is". NULL where it can't be told. Static string. Pure. */
const char *npy_foreign(const char *bytes, size_t length);
