#pragma once
/* Internal to handlers. Named data as a call sees it: what it reads, and what it keeps in place of sending it. Every
 * function that can fail returns what is in call->problem. */
#include "handlers/operand.h"
#include "server/data/data_store.h"

/* --- to read ----------------------------------------------------------------------------------------------------- */

/* The name's version, or the one that a job was given, with a reference of the caller's. NULL: PROBLEM_INVALID_NAME or
 * PROBLEM_UNKNOWN_DATA is recorded under the pointer. */
struct data_version *named_find(struct call *call, struct text_view name, const char *pointer);

/* `length` bytes of the version from `at` on, held until the call ends. NULL: no memory. */
const struct payload *named_hold(struct call *call, struct data_version *version, size_t at, size_t length);

/* --- to keep: the option "store" --------------------------------------------------------------------------------- */

/* Shall the result be kept under a name, in place of being sent? */
static inline bool named_is_wanted(const struct call *call) {
    return call->store.name.bytes;
}

/* Is the result printed, as JSON? */
static inline bool named_is_printed(const struct call *call) {
    return call->order->reply_media == MEDIA_JSON && !named_is_wanted(call);
}

/* For decode, where the result is to be kept: so many numbers have no room, or the name's conditions don't hold. What
 * is sure to fail is refused before it is computed. */
MUST_CHECK enum problem_kind named_check(struct call *call, const struct operand *result);

/* For decode or before: the same of `length` bytes under any name. */
MUST_CHECK enum problem_kind named_check_room(struct call *call, struct text_view name, size_t length);

/* For load: memory for the numbers of *result that outlives the call (operand_result). */
MUST_CHECK enum problem_kind named_take(struct call *call, struct operand *result);

/* For encode: keeps the numbers under the name, and prints what they are as the members of a JSON object. The answer's
 * status is 201. array_reply_json and array_reply_npy call it. */
MUST_CHECK enum problem_kind named_keep(struct call *call, const struct operand *result);

/* The same for few numbers that aren't an operand. */
MUST_CHECK enum problem_kind named_keep_numbers(struct call *call, const double *numbers, size_t count);

/* The same for counts, which are exact up to 2^53. Refuses others, whose pointer is "/key/index". */
MUST_CHECK enum problem_kind named_keep_counts(struct call *call, const char *key, const uint64_t *counts,
                                               size_t count);

/* What the numbers are where they are kept, as if they had come so. */
struct data_about named_about(const struct operand *numbers);

/* --- both -------------------------------------------------------------------------------------------------------- */

/* Puts it, and says how it went: PROBLEM_NONE with *receipt, whose version is the caller's to drop. */
MUST_CHECK enum problem_kind named_put(struct call *call, const struct data_put *put, struct data_receipt *receipt);

/* Header fields and members of an answer that tells of a version. */
MUST_CHECK enum problem_kind named_add_fields(struct call *call, const struct data_version *version);
void named_write_meta(struct json_writer *reply, const struct data_version *version);
