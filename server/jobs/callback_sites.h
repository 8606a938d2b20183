#pragma once
/* Internal to server/jobs. Which receivers have not answered lately: one that is down, and has thousands of callbacks
 * that are due, shall not hold up all others for the time that each try takes to fail. One thread. */
#include <stdbool.h>
#include <stdint.h>

enum { CALLBACK_SITES_MAX = 64 };

/* Zeroed at first. */
struct callback_sites {
    struct {
        uint64_t hash; /* of the site */
        uint64_t until_ns;
    } silent[CALLBACK_SITES_MAX];
    unsigned next; /* the one that is overwritten when all are in use */
};

/* A try there has ended, with an answer or without one. */
void callback_sites_note(struct callback_sites *sites, uint64_t hash, bool is_answered, uint64_t now_ns);

/* Has the last try there, within CALLBACK_SILENT_NS, had no answer? */
bool callback_sites_is_silent(const struct callback_sites *sites, uint64_t hash, uint64_t now_ns);
#define CALLBACK_SILENT_NS UINT64_C(60000000000)
