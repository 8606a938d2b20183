#pragma once
/* Internal to server/engine. The memory that a run and its small blocks lie in. An owner has one run after the other,
 * mostly, so its mailbox keeps that of one for the next.
 *
 * It is in two parts. One is the run's to its end: the run, and room for what is kept of a head and for what waits
 * (handlers/job_call.h). The other, room for a short body's document, a kernel's carry and an answer, is given back
 * while the run waits for somebody else: ten thousand that wait share one. */
#include "server/engine/run.h"

/* Nothing in it is initialised. NULL: no memory. */
struct run *run_block_take(struct mailbox *mailbox);
/* The run's account gets both parts; it is as account_init has left it. */
void run_block_lend(struct run *run);
/* The run is closed. Any thread. */
void run_block_free(struct run *run);
/* The same, by the owner's thread, while the mailbox is sure to be there still: for the next one. */
void run_block_put_by(struct run *run);

/* The owner's thread: the second part isn't needed for a while. It stays where something of it is in use. */
void run_block_rest(struct run *run);
/* The owner's thread: it may be needed again. What there is no second part for comes from the heap. */
void run_block_rise(struct run *run);
