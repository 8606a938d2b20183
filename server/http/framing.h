#pragma once
/* Internal to server/http. Where requests begin and end on a connection, by RFC 9112, read from the bytes as they come,
 * before libmicrohttpd gets them. It reads heads in its own way, and in which ones it differs from the standard depends
 * on its version: 0.9.75 takes a field without a name for the head's end, folded lines for none, and answers some of
 * what it refuses twice or not at all (docs/operation.md, "Malformed requests"). What isn't right by the standard never
 * reaches it; what does has one meaning.
 *
 * Strict where RFC 9112 leaves a choice: lines end with CR LF, fields aren't folded, "chunked" is the only transfer
 * coding and excludes Content-Length, HTTP/1.0 has no transfer coding, one empty line may come before a request. What a
 * percent-escape of the target stands for is head.h's to check.
 *
 * Holds no byte but the beginnings of method and path, for the log, and of the Origin, for the answer to a head that is
 * refused; how the bytes are cut into pieces changes nothing.
 * One of each connection; its loop's thread alone. */
#include "server/http/framing_state.h"

/* Reads on, and leaves at the beginning of `bytes` those that libmicrohttpd may have, whose number it returns: all but
 * the extensions of chunks, which nobody has to understand and 1.0.1 refuses, and white space behind a Content-Length,
 * a Transfer-Encoding or a Host, which 0.9.75 takes for part of it; with a fault those before the message it is in, as
 * far as that began in this piece. Nothing more after a fault: the connection has to end, since nobody knows where the
 * next request would begin. length > 0. */
size_t framing_take(struct framing *framing, char *bytes, size_t length);
