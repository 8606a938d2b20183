#pragma once
/* The result of a load run as one JSON object on stdout; bench/README.md explains its members. */
#include "bench/swarm.h"

/* Sorts tally->per_client. */
void load_report_print(const struct plan *plan, struct tally *tally);
