#pragma once
/* Internal to server/http. The bytes of a client's connection: what libmicrohttpd reads goes by here, so that it can be
 * looked at before; and looking at what has come, answers that the library can't give, and ends. Everything else here
 * asks this module, never the socket, so that another way to carry bytes changes this file alone. Nothing waits. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads from a client for libmicrohttpd, as recv does: its result, and errno. */
typedef ssize_t transport_reader(void *context, int fd, void *out, size_t capacity);
/* From now on what this thread reads by recv goes through `reader`; NULL: straight to the system. */
void transport_read_through(transport_reader *reader, void *context);

/* What has come, as recv does, but never waits. */
ssize_t transport_receive(int fd, void *out, size_t capacity);

/* What is there to read, not taken: its length; 0: the client has ended its side; -1: nothing yet. */
ssize_t transport_peek(int fd, char *out, size_t capacity);
/* Has the client ended its side, and has all before that been read? */
bool transport_has_ended(int fd);
/* Takes what has come, without looking at it, `most_bytes` at most. Returns how much that was; *has_ended: the client
 * has ended its side, or the connection is broken, and nothing is left. */
size_t transport_drop(int fd, size_t most_bytes, bool *has_ended);
/* Sends what fits into the socket's buffer; a client that doesn't read loses the rest. */
void transport_send(int fd, const char *bytes, size_t length);
/* Nothing more will be sent; what the client sends is still taken. */
void transport_end(int fd);
/* Ends both ways: whoever waits for the socket sees its end. */
void transport_hang_up(int fd);
/* A client that goes on sending is told that nobody listens as soon as the socket is closed; whatever it has not read
 * yet is lost. Else one whose last bytes were all taken, but that saw no more room for others, waits for a minute. */
void transport_cut_off(int fd);
/* Bytes that the client's system has acknowledged, of all that was ever sent to it; UINT64_MAX where ours doesn't tell.
 */
uint64_t transport_taken_bytes(int fd);
/* The port that the client came to. */
unsigned transport_local_port(int fd);
