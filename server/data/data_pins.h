#pragma once
/* What names stood for: a set of versions, each under the name that it had when somebody looked. A set that collects
 * asks the store for a name that it is asked for the first time, and from then on gives the same answer; one that is
 * closed gives what it has and nothing else, whatever becomes of the names.
 *
 * A set is a payload without bytes, whose `length` is what the set takes itself: held and dropped as every payload, it
 * holds its versions. One thread while it collects; any number of threads once it is closed. */
#include "server/data/data_store.h"
#include "server/engine/payload.h"

struct data_pins;

enum { DATA_PINS_MAX = 1024 };

/* An empty set that collects from the store (NULL: there is none, and so no name); owner NULL without memory. */
struct payload data_pins_new(struct data_store *store);
void data_pins_close(struct payload *set);

/* NULL where the payload is empty. */
struct data_pins *data_pins_of(const struct payload *set);

bool data_pins_collects(const struct data_pins *pins);

/* The name's version with a reference of the caller's; NULL: there is none. */
struct data_version *data_pins_find(struct data_pins *pins, struct text_view name);

/* Has it everything that it gave? Else there were more than DATA_PINS_MAX names, or there was no memory. */
enum data_pins_state { DATA_PINS_WHOLE, DATA_PINS_TOO_MANY, DATA_PINS_NO_MEMORY };
enum data_pins_state data_pins_state(const struct data_pins *pins);

/* --- beside the process ------------------------------------------------------------------------------------------ */

/* The versions in the order of their names; returns how many. Held by the set. */
size_t data_pins_list(const struct data_pins *pins, struct data_version *versions[DATA_PINS_MAX]);

/* Makes content of `folder` of a version's bytes, sealed and not published yet: a further name of a file that has them
 * already, where that can be, else a copy. 0 or an errno, and then there is nothing to discard. Waits for the disk. */
MUST_CHECK int data_version_file(struct data_version *version, int folder, struct durable_file *file);

/* One line that says what a version is, whose digest is known. Returns its length. */
enum { DATA_NOTE_MAX = 1024 };
size_t data_version_note(const struct data_version *version, char out[DATA_NOTE_MAX]);

/* The set that the lines tell of, closed: of each the store's own version, where that is still there (NULL: there is no
 * store), else the content of `folder`, mapped after it was compared with its digest. DURABLE_BAD too where a line
 * isn't one of data_version_note's; DURABLE_FAILED too without memory. Only when it is DURABLE_GOOD there is a set.
 * Waits for the disk, as dropping the set may. */
MUST_CHECK enum durable_outcome data_pins_restore(struct data_store *store, struct text_view notes, int folder,
                                                  struct payload *set);
