#pragma once
/* Internal to server/http. Ids that tie a request to its answer and its log line. */
#include <stdbool.h>
#include <stddef.h>

/* Is a client's own id safe to repeat in headers and logs: 1 … max characters out of letters, digits, '.', '_' and '-'?
 */
bool request_id_is_sane(const char *id, size_t max);

enum { REQUEST_ID_LENGTH = 16 };

/* Writes a new id, 16 hexadecimal digits and a terminator; unique within the process and, but for chance, between
 * processes. Any thread. */
void request_id_make(char *out);
