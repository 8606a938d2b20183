#include "server/http/reply.h"

/* What libmicrohttpd copies and sends at a time. The Gaussian of 1,000,000 elements in JSON takes 32 ms with 128 KiB,
 * 28.3 with 512 and 27.5 with 1 MiB (bench/README.md, "round trips"); meanwhile the loop's other clients wait. The
 * library's buffer is charged to the request; where memory is short a small one, which is not, must do. */
enum { SENT_AT_ONCE_BYTES = 512 * 1024, SENT_WHEN_SHORT_BYTES = 16 * 1024 };

/* MHD_ContentReaderCallback. Copying costs little beside sending. An iovec response would save it, but libmicrohttpd
 * (0.9.75) copies its list into what is left of the connection's pool, and where it doesn't fit there, which depends on
 * what the client sends, hangs up or even ends the process ("Failed to destroy mutex"). */
static ssize_t read_answer(void *context, uint64_t position, char *out, size_t capacity) {
    struct reply *reply = context;
    size_t copied = answer_read(&reply->cursor, (size_t)position, out, capacity);
    reply->read_bytes = (size_t)position + copied;
    return copied > 0 ? (ssize_t)copied : MHD_CONTENT_READER_END_OF_STREAM;
}

static size_t choose_buffer(struct reply *reply, struct memory *memory) {
    size_t length = reply->answer->length;
    size_t bytes = length < SENT_AT_ONCE_BYTES ? length : SENT_AT_ONCE_BYTES;
    if (memory_charge(memory, bytes)) {
        reply->buffer_bytes = bytes;
        return bytes;
    }
    return bytes < SENT_WHEN_SHORT_BYTES ? bytes : SENT_WHEN_SHORT_BYTES;
}

/* In one block it is sent from where it lies. */
static struct MHD_Response *make_response(struct reply *reply, struct memory *memory) {
    const struct answer *answer = reply->answer;
    if (answer->piece_count <= 1) {
        void *bytes = answer->piece_count == 1 ? (void *)(uintptr_t)answer->pieces[0].bytes : NULL;
        reply->read_bytes = answer->length;
        return MHD_create_response_from_buffer(answer->length, bytes, MHD_RESPMEM_PERSISTENT);
    }
    reply->cursor = (struct answer_cursor){.answer = answer};
    return MHD_create_response_from_callback(answer->length, choose_buffer(reply, memory), read_answer, reply, NULL);
}

static bool reply_add(struct MHD_Response *response, const char *name, const char *value) {
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

void reply_extra_list(struct reply_extra *extra, const struct request *request, const struct cors *cors) {
    extra->count = 0;
    if (request->allow) {
        extra->fields[extra->count++] = (struct answer_field){"Allow", request->allow};
    }
    if (request->queried != 0) {
        const char *media = media_field(request->queried, extra->media, sizeof extra->media);
        extra->fields[extra->count++] = (struct answer_field){"Accept-Query", media};
    }
    if (request->tells_codings) { /* RFC 9110, 15.5.16 */
        extra->fields[extra->count++] = (struct answer_field){"Accept-Encoding", CONTENT_CODINGS};
    }
    if (request->method == REQUEST_QUERY) { /* caches may keep what comes of it */
        extra->fields[extra->count++] = (struct answer_field){"Vary", "Accept, Accept-Encoding"};
    }
    extra->count += cors_fields(cors, request->allow, extra->fields + extra->count);
}

/* Has it further fields? Nearly none has. */
static bool is_special(const struct reply *reply) {
    const struct request *request = reply->request;
    return request->method == REQUEST_QUERY || request->allow || request->queried != 0 || request->tells_codings ||
           reply->cors->depends_on_origin || reply->cors->allow_origin;
}

static bool add_extra(const struct reply *reply, struct MHD_Response *response) {
    struct reply_extra extra;
    bool added = true;
    reply_extra_list(&extra, reply->request, reply->cors);
    for (unsigned i = 0; i < extra.count && added; i++) {
        added = reply_add(response, extra.fields[i].name, extra.fields[i].value);
    }
    return added;
}

static bool add_fields(const struct reply *reply, struct MHD_Response *response) {
    char timing[TIMES_HEADER_BYTES];
    times_print(reply->times, timing);
    bool added = reply_add(response, "X-Request-Id", reply->id) && reply_add(response, "Server-Timing", timing);
    for (unsigned i = 0; i < reply->answer->field_count && added; i++) {
        added = reply_add(response, reply->answer->fields[i].name, reply->answer->fields[i].value);
    }
    if (added && is_special(reply)) {
        added = add_extra(reply, response);
    }
    if (added && reply->closes) {
        added = reply_add(response, "Connection", "close");
    }
    return added;
}

enum MHD_Result reply_queue(struct reply *reply, struct connection *connection, struct memory *memory) {
    struct MHD_Response *response = make_response(reply, memory);
    if (!response) {
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_NO;
    if (add_fields(reply, response)) {
        queued = MHD_queue_response(connection->mhd, reply->answer->status, response);
    }
    MHD_destroy_response(response);
    return queued;
}

void reply_close(struct reply *reply, struct memory *memory) {
    memory_refund(memory, reply->buffer_bytes);
    reply->buffer_bytes = 0;
}
