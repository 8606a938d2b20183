#pragma once
/* Internal to handlers. The fields that an endpoint knows, and what the text of their values in a query stands for.
 * Numbers are written as in JSON; what stands for one and isn't is refused where the query is read, as it was sent. */

enum field_value {
    FIELD_TEXT,
    FIELD_NUMBER,
    FIELD_INTEGER,
    FIELD_INTEGER_OR_AUTO, /* the word "auto" is a text */
    FIELD_BOOLEAN,         /* true or false; anything else is a text */
    FIELD_INTEGERS,        /* separated by commas */
    FIELD_TEXTS,           /* "a=1&a=2": each occurrence is an element, since texts may have commas */
    FIELD_NUMBER_OR_DATA,  /* "data:name" refers to named data */
    FIELD_DATA,            /* "data:name" alone; everything else comes in the body */
    FIELD_BODY             /* not known in a query */
};

/* A row of a table that a NULL name ends. The name FIELD_ANY, the last one, is every one that isn't in it. */
#define FIELD_ANY ""
struct field {
    const char *name;
    enum field_value in_query;
};
