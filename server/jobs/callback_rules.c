#include "server/jobs/callback_rules.h"

#include <inttypes.h>
#include <stdio.h>

enum { FACTOR_BITS = 2 /* four times */, HTTP_GONE = 410, MS_PER_S = 1000 };

uint64_t callback_pause_ms(unsigned tries, uint64_t first_ms, uint32_t chance, uint64_t asked_s) {
    uint64_t pause_ms = first_ms;
    for (unsigned i = 1; i < tries && pause_ms < CALLBACK_PAUSE_MAX_MS; i++) {
        pause_ms <<= FACTOR_BITS;
    }
    pause_ms = pause_ms < CALLBACK_PAUSE_MAX_MS ? pause_ms : CALLBACK_PAUSE_MAX_MS;
    pause_ms = pause_ms - pause_ms / 4 + pause_ms / 2 * chance / UINT32_MAX;
    uint64_t asked_ms = asked_s < CALLBACK_PAUSE_MAX_MS / MS_PER_S ? asked_s * MS_PER_S : CALLBACK_PAUSE_MAX_MS;
    return pause_ms > asked_ms ? pause_ms : asked_ms;
}

enum job_delivery_state callback_state_after(unsigned tries, unsigned status) {
    bool is_over = status == HTTP_GONE || tries >= CALLBACK_TRIES_MAX;
    return status >= 200 && status < 300 ? JOB_DELIVERY_DONE : is_over ? JOB_DELIVERY_GIVEN_UP : JOB_DELIVERY_DUE;
}

const char *callback_message_id(const struct job *job, char out[CALLBACK_ID_BYTES]) {
    char numbers[64];
    char text[DIGEST_TEXT_LENGTH + 1];
    struct digester digester;
    digester_init(&digester);
    int length = snprintf(numbers, sizeof numbers, "%" PRIu64 ".%" PRId64 ".", job->number, job->created_ms);
    digester_add(&digester, numbers, (size_t)length);
    digester_add(&digester, job->id.bytes, job->id.length);
    struct digest digest = digester_end(&digester);
    (void)snprintf(out, CALLBACK_ID_BYTES, "msg_%.32s", digest_print(&digest, text));
    return out;
}
