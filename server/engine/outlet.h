#pragma once
/* The part of an answer's body that is sent while the work that makes it still runs: a bounded room between producers,
 * any threads, and the run's owner.
 *
 * Producers (a lane's team, or whatever else makes something known bit by bit) put bytes in. Where there is no room
 * they wait for the owner to take some, so a slow client holds up the work and takes no memory; once the owner has
 * left, or the run is cut, putting fails and the producer ends. A producer that may not wait offers (outlet_offer).
 *
 * The owner is told through its mailbox: once when there is something, and then once each time after it has found
 * nothing (outlet_take gave 0). The link is posted apart from the run's own, and has a kind of its own. What was put
 * before the run is reported can be taken after that; the run's answer, which is complete then, comes behind it: a last
 * line, or what went wrong.
 *
 * Life: outlet_new by the owner -> producers put, the owner takes -> outlet_leave by the owner, outlet_drop. A
 * run that is started with outlet_bytes does all this by itself where media_has_parts, and its handler finds the outlet
 * in its call from `ask` on; the lane ends before the run is freed. Any other producer, as whoever was asked, needs a
 * reference of its own (outlet_hold), and wakes the call when there will be nothing more. The memory is charged to the
 * budget until the last reference is dropped. */
#include "server/engine/host.h"
#include "server/engine/mailbox.h"

#include <stddef.h>

struct outlet;
struct run;

/* With room for `bytes`, at least 1. `run` is what run_of_link gives. NULL without memory. The owner's reference. */
struct outlet *outlet_new(const struct host *host, struct mailbox *mailbox, struct run *run, size_t bytes);

/* One more reference, for a producer that the run doesn't wait for. */
struct outlet *outlet_hold(struct outlet *outlet);
/* Any thread; NULL is fine. */
void outlet_drop(struct outlet *outlet);

/* --- producers: any thread ---------------------------------------------------------------------------------------- */

/* All bytes in one: those of several producers don't mix. Waits for room. False: given up, and some
 * of them may have been taken; a line feed comes behind these then, so that what follows stands in a line of its own.
 * Or there is no memory for the room of a small outlet, and none of them has. */
bool outlet_put(struct outlet *outlet, const char *bytes, size_t length) __attribute__((warn_unused_result));

/* All or nothing, without waiting. False: there is no room, or no memory for it, another producer is waiting for some,
 * or given up. */
bool outlet_offer(struct outlet *outlet, const char *bytes, size_t length) __attribute__((warn_unused_result));

/* --- the owner ---------------------------------------------------------------------------------------------------- */

/* Moves up to `capacity` bytes to `out`. 0: there is nothing, and the mailbox will tell. Never waits. */
size_t outlet_take(struct outlet *outlet, char *out, size_t capacity);

/* Producers give up from now on, and the mailbox isn't told any more. What was put can still be taken. NULL is fine. */
void outlet_give_up(struct outlet *outlet);

/* outlet_give_up, and outlet_of_link says that the owner has left. NULL is fine. */
void outlet_leave(struct outlet *outlet);

/* The run of a link of kind MAILBOX_OUTLET that was taken out of the mailbox; NULL: the owner has left. */
struct run *outlet_of_link(struct mailbox_link *link);
