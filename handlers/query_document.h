#pragma once
/* Internal to handlers. A query as the document that a JSON body with the same fields would have given, so that one
 * set of readers, and of error messages, serves both. */
#include "handlers/field.h"
#include "server/engine/call.h"

/* Does a name look like the rest of a text that was cut at a & of its own, as "x<2" of "x>0&x<2" does? */
bool query_document_is_cut(const char *name, size_t length);

/* Sets call->document from call->order->query. `tables` (NULL ends them; NULL names end each) say what a value stands
 * for. Where a name isn't there, or is FIELD_BODY, the document has the first such name alone, with a text, for the
 * caller to refuse. Returns call->problem.kind: what query_parse finds wrong, PROBLEM_DUPLICATE_KEY (only lists of
 * texts have a name more than once), what query_number finds wrong, or what call_memory_short says. */
MUST_CHECK enum problem_kind query_document_parse(struct call *call, const struct field *const *tables);
