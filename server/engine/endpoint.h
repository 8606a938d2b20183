#pragma once
/* What the server knows of an endpoint: a row that its handler exports and handlers/routes.c lists. The server never
 * names one.
 *
 * Information endpoints have `answer` alone: it writes a complete body, of the one media type that they produce, into
 * call->reply and runs on the event loop, so it must not compute. Compute endpoints, whatever their method, have the
 * other four; those of GET and DELETE get no body, and their options are in the query (order.body_media is MEDIA_NONE):
 *
 *   decode   what says how large and how wide the work is: options, small values, lengths; sets call->demand. It may
 *            run on the event loop, so it looks at no bulk value as a whole but for counting
 *   ask      asks somebody else for what the call needs (a store, the end of a job), and returns true where it has to
 * wait for that: call_wake is called once then, on any thread, and may be before `ask` returns; after that `ask` is
 *            called once more. False: go on, or there is a problem. On the thread that owns the run, so it never waits.
 *            NULL: nothing is needed
 *   unask    the call that waits shall end: makes call_wake come soon. NULL: it comes soon anyway
 *   load     reads the bulk of the body with call->team; NULL: decode has read all
 *   compute  runs the kernel with it
 *   encode   prints the result's members into call->reply, inside the object that the server has begun and will end
 *            after adding "threads" and "timing"
 *
 * Bodies of MEDIA_TEXT are worked on while they arrive, if there is `window`: after decode it is called for one window
 * after the other, in place of load and compute. Windows cut the text anywhere; `last` says that nothing follows (the
 * window may be empty then).
 *
 * Bodies that go to a disk do so while they arrive, if there are `keeps` and `keep`:
 *
 *   keeps    on the event loop, before the body comes: whether and how this one is kept. With KEEP_WINDOWS decode is
 *            called next, without a body, and `ask` when all is kept; else decode is called when all is kept
 *   keep     takes one piece after the other, on the thread that owns the run, so it never waits: true where whoever
 * has the bytes isn't done with them, who calls call_wake then; false: it is, or there is a problem. `last`: nothing
 * follows (the piece may be empty then)
 *
 * Each returns what is in call->problem: PROBLEM_NONE or the kind recorded. PROBLEM_NONE also when it stopped because
 * call->cancel was set: the server knows why it set it. */
#include "server/engine/call.h"

/* Received at about 4 GB/s and counted at 20: large enough that handing it over (30–70 µs) costs little. */
enum { STREAM_WINDOW_BYTES = 1024 * 1024 };

enum endpoint_method { ENDPOINT_GET /* and HEAD */, ENDPOINT_POST /* and QUERY */, ENDPOINT_PUT, ENDPOINT_DELETE };

/* Several rows may have one path, character by character, and methods of their own. */
struct endpoint {
    const char *path; /* in it {name} stands for one part, which order.part is then; {name...} at its end for all that
                         is left, slashes included. Of several that fit the first in the table counts */
    const char *summary; /* one line for GET / */
    enum endpoint_method method;
    bool options_in_query; /* the body, whatever its media, is all payload: options are in the query */
    bool is_blind;     /* the body stays in the coding that it came in, and is a block of bytes, whatever its media */
    bool writes_all;   /* encode writes the whole body: nothing is begun or added */
    bool is_probe;     /* asked by whatever decides about the process, or watches it: answered whatever limits are
                          reached, and in one of its media whatever is accepted */
    unsigned consumes; /* enum media of bodies, or-ed; 0 for information endpoints */
    unsigned produces; /* of answers */
    const struct envelope_field
        *bulk; /* members of JSON bodies that may be long (codecs/json/envelope.h); NULL: none */
    enum problem_kind (*answer)(struct call *call);
    const char *(*tag)(const struct call *call);  /* names what `answer` writes (ETag), which it has in gzip and zstd
                                                     too: whoever likes one gets it, a client here as well. NULL, or
                                                     returns it: that changes, and goes as it is */
    enum problem_kind (*open)(struct call *call); /* on the event loop, before the body comes: NULL, or what refuses an
                                                     order that can't succeed; takes no time, and changes nothing that
                                                     outlives the call */
    enum problem_kind (*decode)(struct call *call);
    enum keeping (*keeps)(const struct call *call);
    bool (*keep)(struct call *call, const char *bytes, size_t length, bool last);
    bool (*ask)(struct call *call);
    void (*unask)(struct call *call);
    enum problem_kind (*load)(struct call *call);
    enum problem_kind (*compute)(struct call *call);
    enum problem_kind (*window)(struct call *call, const char *bytes, size_t length, bool last);
    enum problem_kind (*encode)(struct call *call);
};
