#include "server/http/reply.h"

#include "server/engine/outlet.h"

#include <assert.h>

/* What libmicrohttpd copies and sends at a time. The Gaussian of 1,000,000 elements in JSON takes 32 ms with 128 KiB,
 * 28.3 with 512 and 27.5 with 1 MiB (bench/README.md, "round trips"); meanwhile the loop's other clients wait. The
 * library's buffer is charged to the request; where memory is short a small one, which is not, must do. */
enum { SENT_AT_ONCE_BYTES = 512 * 1024, SENT_WHEN_SHORT_BYTES = 16 * 1024, EVENTS_BYTES = 128 };

/* MHD_ContentReaderCallback. Copying costs little beside sending. An iovec response would save it, but libmicrohttpd
 * (0.9.75) copies its list into what is left of the connection's pool, and where it doesn't fit there, which depends on
 * what the client sends, hangs up or even ends the process ("Failed to destroy mutex"). */
static ssize_t read_answer(void *context, uint64_t position, char *out, size_t capacity) {
    struct reply *reply = context;
    size_t copied = answer_read(&reply->cursor, (size_t)position, out, capacity);
    reply->read_bytes = (size_t)position + copied;
    return copied > 0 ? (ssize_t)copied : MHD_CONTENT_READER_END_OF_STREAM;
}

/* The same of one that grows: where there is nothing just now, the connection sleeps until the run's mailbox tells. */
static ssize_t read_growing(void *context, uint64_t position, char *out, size_t capacity) {
    struct reply *reply = context;
    struct run *run = reply->growing;
    bool is_done = !run->is_working; /* before the look: then there will be nothing more */
    size_t copied = outlet_take(run->outlet, out, capacity);
    reply->grown_bytes += copied;
    if (copied == 0 && !is_done) {
        connection_suspend(reply->connection, run->deadline_ns);
        return 0;
    }
    if (copied == 0) {
        reply->cursor.answer = &run->answer;
        copied = answer_read(&reply->cursor, (size_t)position - reply->grown_bytes, out, capacity);
    }
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
    if (reply->growing) {
        /* Chunks are sent from the connection's pool; a client of HTTP/1.0 gets it through this buffer,
         * events by several sends each. */
        bool is_of_events = reply->growing->order.reply_media == MEDIA_EVENTS;
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, is_of_events ? EVENTS_BYTES : SENT_WHEN_SHORT_BYTES,
                                                 read_growing, reply, NULL);
    }
    if (answer->piece_count <= 1) {
        void *bytes = answer->piece_count == 1 ? (void *)(uintptr_t)answer->pieces[0].bytes : NULL;
        reply->read_bytes = answer->length;
        return MHD_create_response_from_buffer(answer->length, bytes, MHD_RESPMEM_PERSISTENT);
    }
    reply->cursor = (struct answer_cursor){.answer = answer};
    return MHD_create_response_from_callback(answer->length, choose_buffer(reply, memory), read_answer, reply, NULL);
}

static void list_extra(struct reply_extra *extra, const struct request *request, const struct cors *cors) {
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

static void list_field(struct reply_head *head, const char *name, const char *value) {
    assert(head->field_count < REPLY_FIELDS_MAX);
    head->fields[head->field_count++] = (struct answer_field){name, value};
}

static void list_all(struct reply_head *head, const struct answer_field *fields, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        list_field(head, fields[i].name, fields[i].value);
    }
}

void reply_list_fields(const struct reply *reply, struct reply_head *head) {
    head->field_count = 0;
    times_print(reply->times, head->timing);
    list_field(head, "X-Request-Id", reply->id);
    list_field(head, "Server-Timing", head->timing);
    if (reply->trace) {
        trace_context_print(reply->trace, head->trace);
        list_field(head, "traceresponse", head->trace);
    }
    list_all(head, reply->answer->fields, reply->answer->field_count);
    if (!reply->request) {
        list_all(head, head->extra.fields, cors_fields(reply->cors, NULL, head->extra.fields));
    } else if (is_special(reply)) {
        list_extra(&head->extra, reply->request, reply->cors);
        list_all(head, head->extra.fields, head->extra.count);
    }
    if (reply->closes) {
        list_field(head, "Connection", "close");
    }
}

static bool add_fields(const struct reply *reply, struct MHD_Response *response) {
    struct reply_head head;
    reply_list_fields(reply, &head);
    bool added = true;
    for (unsigned i = 0; i < head.field_count && added; i++) {
        added = MHD_add_response_header(response, head.fields[i].name, head.fields[i].value) == MHD_YES;
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
