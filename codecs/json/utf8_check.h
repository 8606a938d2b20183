#pragma once
/* UTF-8 by the gigabyte, as strict as utf8.h. */
#include <stddef.h>

/* Bytes before the first that doesn't start a well-formed character; `length` where all of it is UTF-8. */
size_t utf8_check(const char *bytes, size_t length);
