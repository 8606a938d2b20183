#pragma once
/* The head of an HTTP/1.1 response, as far as a load client needs it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum response_outcome {
    RESPONSE_PARTIAL, /* the head isn't complete yet */
    RESPONSE_READ,
    RESPONSE_INVALID /* not HTTP/1.1, or a body whose length isn't declared (chunked bodies aren't supported) */
};

struct response_head {
    unsigned status;
    bool closes;         /* the server announced that it will close the connection */
    size_t head_bytes;   /* up to and including the empty line */
    uint64_t body_bytes; /* that follow */
};

enum response_outcome response_head_read(struct response_head *head, const char *bytes, size_t length);
