#pragma once
/* Internal to codecs/json. A document's values, wherever they come from, and what is said of those that won't do. */
#include "codecs/json/document_type.h"
#include "codecs/problem.h"
#include "codecs/text.h"

#include <jansson.h>
#include <stdint.h>

struct document;

enum {
    QUOTED_MAX = 160,
    SHOWN_MAX = 64, /* of a name or a string of the client's */
    POINTER_MAX = sizeof((struct problem *)0)->pointer
};

/* A view: lives as long as the document. */
struct value {
    enum document_type type;
    struct text_view text; /* of a string */
    double number;         /* of a number; of a boolean 1 or 0 */
    const json_t *json;    /* of an array or an object */
};

/* Of type DOCUMENT_ABSENT where there is none of that name. */
struct value document_member(const struct document *document, const char *name);
/* NULL is absent. */
struct value value_of(const json_t *json);

/* "an array", say. */
const char *value_name(enum document_type type);
/* What a value is, in words: a string is shown, as it may be a number in quotes, or an option that a query misspells.
 */
const char *value_describe(const struct value *value, char out[QUOTED_MAX]);
/* Says that the member is missing, or isn't what is expected. */
enum problem_kind value_refuse(const struct value *value, const char *name, const char *expected,
                               struct problem *problem);

/* Is it a whole number from lowest to highest? */
bool value_fits(double value, int64_t lowest, int64_t highest, int64_t *out);
/* That in words. */
void value_range(int64_t lowest, int64_t highest, const char *alternative, char out[QUOTED_MAX]);
/* `what` names the value in words, `expected` what it should be. */
enum problem_kind value_refuse_integer(double value, const char *pointer, const char *what, int64_t lowest,
                                       int64_t highest, const char *expected, struct problem *problem);
