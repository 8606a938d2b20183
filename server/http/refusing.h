#pragma once
/* Internal to server/http. Requests that are refused past libmicrohttpd, with one answer and one log line: those that
 * don't come in time, and those that it must not see. The connection ends with them. */
#include "server/http/exchange_state.h"

/* What has come of a head that nobody waits for any more: for the answer to it, the log and the metrics. Nothing where
 * all of it has come. */
void refusing_note_head(struct client *client, const struct exchange_setting *setting);

/* The client's head or body hasn't come in time, or doesn't come on while the service drains. Where something else was
 * wrong before, that is what is answered. */
void refusing_late(struct client *client, const struct exchange_setting *setting, enum problem_kind why,
                   const char *detail);

/* The set's faulty connections: a client that has sent what is no HTTP is told, as soon as what it asked for before is
 * answered; until then nothing happens, and the connection comes back to the list. */
void refusing_faulty(struct connections *set, const struct exchange_setting *setting);
