#pragma once
/* Everything that can go wrong for a client, as one enum with its HTTP status, its stable RFC 9457 type and its title.
 *
 * The type a client sees is "urn:forkjoin:problem:" followed by the slug. Slugs never change; openapi.yaml lists them
 * all (the lint step compares). PROBLEM_NONE is zero, so `if (kind)` reads "if something went wrong". */
#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* X(name, slug, status, title) */
#define PROBLEM_KINDS(X)                                                                                               \
    X(MALFORMED_REQUEST, "malformed-request", 400, "The request head is malformed")                                    \
    X(EMPTY_BODY, "empty-body", 400, "The request has no body")                                                        \
    X(INVALID_JSON, "invalid-json", 400, "The body is not JSON")                                                       \
    X(TRAILING_DATA, "trailing-data", 400, "There is data after the JSON value")                                       \
    X(INVALID_UTF8, "invalid-utf8", 400, "The body is not valid UTF-8")                                                \
    X(DUPLICATE_KEY, "duplicate-key", 400, "A member name occurs twice")                                               \
    X(TOO_DEEP, "too-deep", 400, "The JSON is nested too deeply")                                                      \
    X(NUMBER_OVERFLOW, "number-overflow", 400, "A number is outside the range of a double")                            \
    X(NOT_AN_OBJECT, "not-an-object", 400, "The body is not a JSON object")                                            \
    X(INVALID_NPY, "invalid-npy", 400, "The body is not an array in the .npy format")                                  \
    X(INVALID_ENCODING, "invalid-encoding", 400, "The body is not what its Content-Encoding says")                     \
    X(UNKNOWN_FIELD, "unknown-field", 422, "The field is not known here")                                              \
    X(MISSING_FIELD, "missing-field", 422, "A required field is missing")                                              \
    X(WRONG_TYPE, "wrong-type", 422, "The field has the wrong type")                                                   \
    X(OUT_OF_RANGE, "out-of-range", 422, "The value is outside its range")                                             \
    X(LENGTH_MISMATCH, "length-mismatch", 422, "The arrays differ in length")                                          \
    X(CONFLICTING_FIELDS, "conflicting-fields", 422, "The fields exclude each other")                                  \
    X(INVALID_EXPRESSION, "invalid-expression", 422, "The expression is not one")                                      \
    X(NO_INTEGER, "no-integer", 422, "An element of the result is no integer that int64 has")                          \
    X(IDEMPOTENCY_CONFLICT, "idempotency-conflict", 422, "The job is there already, and is another one")               \
    X(NON_FINITE_RESULT, "non-finite-result", 422, "JSON cannot carry the result")                                     \
    X(NOT_FOUND, "not-found", 404, "There is nothing at this path")                                                    \
    X(NO_SUCH_JOB, "no-such-job", 404, "There is no such job")                                                         \
    X(RESULT_NOT_READY, "result-not-ready", 404, "The job has no result yet")                                          \
    X(IDEMPOTENCY_BUSY, "idempotency-busy", 409, "A request of this key is still being received")                      \
    X(METHOD_NOT_ALLOWED, "method-not-allowed", 405, "The method is not allowed here")                                 \
    X(NOT_ACCEPTABLE, "not-acceptable", 406, "No media type that you accept is available")                             \
    X(REQUEST_TIMEOUT, "request-timeout", 408, "The request did not arrive in time")                                   \
    X(RESULT_GONE, "result-gone", 410, "The job's result isn't there any more")                                        \
    X(BODY_TOO_LARGE, "body-too-large", 413, "The body is too large")                                                  \
    X(UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", 415, "The body's media type is not supported")                 \
    X(UNSUPPORTED_ENCODING, "unsupported-encoding", 415, "The body's content encoding is not supported")               \
    X(HTTP_VERSION, "http-version", 505, "The HTTP version is not supported")                                          \
    X(TARGET_TOO_LONG, "target-too-long", 414, "The request target is too long")                                       \
    X(HEAD_TOO_LARGE, "head-too-large", 431, "The request head is too large")                                          \
    X(PRECONDITION_FAILED, "precondition-failed", 412, "It is not what the request expects")                           \
    X(RANGE_NOT_SATISFIABLE, "range-not-satisfiable", 416, "The range is outside the data")                            \
    X(INVALID_NAME, "invalid-name", 422, "The name is none that data can have")                                        \
    X(UNKNOWN_DATA, "unknown-data", 422, "There is no data of this name")                                              \
    X(DATA_FULL, "data-full", 507, "There is no room for the named data")                                              \
    X(DISK_FAILED, "disk-failed", 507, "The data could not be written to the disk")                                    \
    X(CLIENT_GONE, "client-gone", 499, "The client went away")                                                         \
    X(INTERNAL, "internal", 500, "The server made a mistake")                                                          \
    X(JOB_CRASHED, "job-crashed", 500, "The job ended the server each time that it ran")                               \
    X(JOB_DAMAGED, "job-damaged", 500, "What the job was asked, or has answered, is damaged")                          \
    X(JOBS_UNAVAILABLE, "jobs-unavailable", 503, "Jobs can't be kept now")                                             \
    X(STATE_FULL, "state-full", 507, "There is no room for one more job")                                              \
    X(OVERLOADED, "overloaded", 503, "The server is busy")                                                             \
    X(TOO_MANY_CONNECTIONS, "too-many-connections", 503, "Too many connections")                                       \
    X(MEMORY_LIMIT, "memory-limit", 413, "The request needs more memory than the server may use")                      \
    X(MEMORY_BUSY, "memory-busy", 503, "The server's memory is in use by other requests")                              \
    X(SHUTTING_DOWN, "shutting-down", 503, "The server is shutting down")                                              \
    X(DEADLINE_EXCEEDED, "deadline-exceeded", 504, "The deadline passed before the result was ready")

enum problem_kind {
    PROBLEM_NONE = 0,
#define X(name, slug, status, title) PROBLEM_##name,
    PROBLEM_KINDS(X)
#undef X
        PROBLEM_KIND_COUNT
};

/* One occurrence of a problem. Plain data; initialise with {0}. */
struct problem {
    enum problem_kind kind;
    char pointer[96]; /* JSON Pointer (RFC 6901) of the field at fault, "" if there is none */
    /* This occurrence in words: names the field, the value and the limit. Bytes and characters count from 1, elements
     * and rows from 0, as in the pointer. The byte that is named is the first that can't be there, whoever reads: what
     * is before it may go on as a body that is right. (Where a body ends too early that is the byte behind its last.)
     * What is wrong as a whole has the place of its first byte: a character that isn't UTF-8, the escape of half a
     * surrogate pair, a number that overflows, a name that is there already. */
    char detail[256];
};

/* Records a problem unless one is already there (the first wins) and returns the kind now recorded, so that a caller
 * can write `return problem_set(...)`. `pointer` may be NULL. Detail and pointer are cut to fit, never inside a UTF-8
 * character. */
enum problem_kind problem_set(struct problem *problem, enum problem_kind kind, const char *pointer, const char *format,
                              ...) __attribute__((format(printf, 4, 5)));

/* Of a detail that begins with the byte that it is about, "at byte 17: ...": the 17, and at *rest what follows it.
 * 0, and all of the detail, where it begins otherwise. */
size_t problem_byte(const struct problem *problem, const char **rest);

/* "17 bytes"; of SIZE_MAX / 2 and more, which stand for what a size_t doesn't hold, "more bytes than can be counted".
 */
enum { PROBLEM_BYTES_MAX = 40 };
const char *problem_bytes(size_t bytes, char out[PROBLEM_BYTES_MAX]);

/* The ending of a noun that so many are counted of in a detail. */
static inline const char *problem_plural(size_t count) {
    return count == 1 ? "" : "s";
}

/* HTTP status (200 for PROBLEM_NONE), slug ("none") and title of a kind. Static strings. */
unsigned problem_status(enum problem_kind kind);
const char *problem_slug(enum problem_kind kind);
const char *problem_title(enum problem_kind kind);

/* Writes the problem+json document, without "request_id" where that is NULL, into out (never more than capacity - 1
 * bytes, always valid JSON and zero-terminated) and returns its length. 2048 bytes are always enough. */
size_t problem_print(const struct problem *problem, const char *request_id, char *out, size_t capacity);
