/* One turn of the thread takes what the journal has done, begins what is due as far as there are slots, lets libcurl
 * work, and sleeps in libcurl's own poll, which callbacks_due and the journal wake. */
#include "server/jobs/callbacks.h"

#include "server/engine/ring.h"
#include "server/jobs/callback_rules.h"
#include "server/jobs/callback_send.h"
#include "server/jobs/callback_sites.h"
#include "server/jobs/job_index.h"
#include "server/jobs/runner_state.h"
#include "server/system/clock.h"
#include "server/system/facts.h"
#include "server/system/log.h"
#include "server/system/thread.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Who is told that a delivery is due has it to itself for so much longer than a try may last. */
enum { LEASE_SPARE_MS = 60000 };

/* The day's time, by which deliveries are due, may jump: it is looked at so often while one is to come. */
#define LOOK_NS (60 * NS_PER_S)

/* How many may wait at once for a receiver that hasn't answered lately, and for how long others are put off. */
enum { SILENT_AT_ONCE = 4, PUT_OFF_MS = 30000 };

/* After the time of callbacks_stop, for the journal to be told of what ended in its last moment. */
#define TELL_NS NS_PER_S

enum slot_state {
    SLOT_IS_FREE,
    SLOT_SENDS,
    SLOT_TELLS, /* the journal has `request` */
    SLOT_PAUSES /* it has refused it: again at wake_ns */
};

struct slot {
    enum slot_state state;
    struct callbacks *callbacks;
    struct job *job; /* owned */
    uint64_t site;   /* a hash of where it goes */
    struct callback_send send;
    struct journal_request request;
    unsigned refusals; /* one after the other */
    uint64_t wake_ns;
};

struct callbacks {
    const struct host *host;
    struct webhook_keys keys;
    struct journal *journal;
    CURLM *multi;
    pthread_t thread;
    bool is_started;
    struct mailbox answers; /* of the journal: links of requests */
    atomic_bool is_due;     /* ask the journal */
    atomic_bool is_draining;
    atomic_bool is_stopping;
    uint64_t stop_ns; /* set before is_stopping */
    /* The thread's. */
    struct slot slots[CALLBACKS_AT_ONCE];
    unsigned used; /* slots */
    struct callback_sites sites;
    struct journal_request asked;
    bool is_asking;
    unsigned refusals; /* of `asked` */
    uint64_t ask_ns;   /* not before */
    uint64_t next_ns;  /* when something is due that isn't yet */
};

static void wake(void *context) {
    const struct callbacks *callbacks = context;
    (void)curl_multi_wakeup(callbacks->multi);
}

void callbacks_due(void *context) {
    struct callbacks *callbacks = context;
    atomic_store(&callbacks->is_due, true);
    wake(callbacks);
}

/* --- telling the journal ----------------------------------------------------------------------------------------- */

static void release(struct slot *slot) {
    jobs_free(slot->job);
    slot->job = NULL;
    slot->refusals = 0;
    slot->state = SLOT_IS_FREE;
    slot->callbacks->used--;
    atomic_store(&slot->callbacks->is_due, true); /* there is a place for one more */
}

static void told(struct journal_request *request) {
    struct slot *slot = RING_OWNER(request, struct slot, request);
    mailbox_post(&slot->callbacks->answers, &request->link);
}

static void tell(struct slot *slot) {
    slot->state = SLOT_TELLS;
    slot->request.done = told;
    journal_ask(slot->callbacks->journal, &slot->request);
}

static void be_told(struct slot *slot) {
    if (journal_is_out(slot->request.outcome)) {
        slot->state = SLOT_PAUSES;
        slot->wake_ns = clock_now_ns() + runner_backoff_ns(++slot->refusals);
    } else {
        release(slot); /* what is gone meanwhile needs nothing */
    }
}

static void log_outcome(const struct slot *slot, enum job_delivery_state state, unsigned status, uint64_t pause_ms) {
    const struct job *job = slot->job;
    const char *site = slot->send.target.url ? slot->send.target.site : "nowhere";
    unsigned tries = job->delivery.tries + 1;
    int length = (int)job->id.length;
    if (state == JOB_DELIVERY_DONE) {
        log_event(LOG_INFO, "callback-delivered", "job %.*s: %s answered %u to try %u", length, job->id.bytes, site,
                  status, tries);
    } else if (state == JOB_DELIVERY_DUE) {
        log_event(LOG_WARN, "callback-failed", "job %.*s: %s, try %u of %d: %s; again in %.1f s", length, job->id.bytes,
                  site, tries, CALLBACK_TRIES_MAX, slot->send.reason, (double)pause_ms / 1000);
    } else {
        log_event(LOG_WARN, "callback-given-up", "job %.*s: %s, try %u of %d, the last one: %s", length, job->id.bytes,
                  site, tries, CALLBACK_TRIES_MAX, slot->send.reason);
    }
}

/* The try is over: what became of it goes to the log and to the journal. */
static void conclude(struct slot *slot, enum job_delivery_state state, unsigned status, uint64_t asked_s) {
    const struct config *config = &slot->callbacks->host->facts->config;
    const struct job *job = slot->job;
    uint32_t chance = UINT32_MAX / 2;
    uint64_t pause_ms = 0;
    if (state == JOB_DELIVERY_DUE) {
        (void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK); /* else the middle */
        pause_ms = callback_pause_ms(job->delivery.tries + 1, config->callback_retry_ns / NS_PER_MS, chance, asked_s);
    }
    log_outcome(slot, state, status, pause_ms);
    callback_send_free(&slot->send);
    slot->request = (struct journal_request){.verb = JOURNAL_DELIVERED,
                                             .delivered = {.id = job->id,
                                                           .tries = job->delivery.tries,
                                                           .state = state,
                                                           .delay_ms = pause_ms,
                                                           .error = {slot->send.reason, strlen(slot->send.reason)}}};
    tell(slot);
}

/* Without a try. */
static void put_off(struct slot *slot) {
    const struct job *job = slot->job;
    callback_send_free(&slot->send);
    slot->request = (struct journal_request){
        .verb = JOURNAL_DELIVERED,
        .delivered = {.id = job->id, .tries = job->delivery.tries, .is_put_off = true, .delay_ms = PUT_OFF_MS}};
    tell(slot);
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

/* Are as many under way there as may be? */
static bool is_held_up(const struct callbacks *callbacks, uint64_t site) {
    unsigned sending = 0;
    for (size_t i = 0; i < CALLBACKS_AT_ONCE; i++) {
        sending += callbacks->slots[i].state == SLOT_SENDS && callbacks->slots[i].site == site;
    }
    return sending >= SILENT_AT_ONCE && callback_sites_is_silent(&callbacks->sites, site, clock_now_ns());
}

static void begin(struct slot *slot, struct job *job) {
    struct callbacks *callbacks = slot->callbacks;
    slot->job = job;
    job->next = NULL;
    callbacks->used++;
    enum callback_begun begun = callback_send_begin(&slot->send, callbacks->host, &callbacks->keys, job);
    const char *site = slot->send.target.site;
    slot->site = job_index_hash((struct text_view){site, strlen(site)}, 0);
    if (begun == CALLBACK_BEGUN && is_held_up(callbacks, slot->site)) {
        put_off(slot);
    } else if (begun == CALLBACK_BEGUN && curl_multi_add_handle(callbacks->multi, slot->send.easy) == CURLM_OK) {
        slot->state = SLOT_SENDS;
    } else if (begun == CALLBACK_REFUSED) {
        conclude(slot, JOB_DELIVERY_GIVEN_UP, 0, 0);
    } else {
        (void)snprintf(slot->send.reason, sizeof slot->send.reason, "there was no memory for it");
        conclude(slot, callback_state_after(job->delivery.tries + 1, 0), 0, 0);
    }
}

static void finish(struct callbacks *callbacks, CURL *easy, CURLcode code) {
    char *private = NULL;
    uint64_t asked_s = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct slot *slot = RING_OWNER((struct callback_send *)(void *)private, struct slot, send);
    (void)curl_multi_remove_handle(callbacks->multi, easy);
    unsigned status = callback_send_end(&slot->send, code, &asked_s);
    callback_sites_note(&callbacks->sites, slot->site, status > 0, clock_now_ns());
    conclude(slot, callback_state_after(slot->job->delivery.tries + 1, status), status, asked_s);
}

static void work(struct callbacks *callbacks) {
    int running = 0, left = 0;
    const CURLMsg *message;
    (void)curl_multi_perform(callbacks->multi, &running);
    while ((message = curl_multi_info_read(callbacks->multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            finish(callbacks, message->easy_handle, message->data.result);
        }
    }
}

/* --- what is due ------------------------------------------------------------------------------------------------- */

static struct slot *free_slot(struct callbacks *callbacks) {
    for (size_t i = 0; i < CALLBACKS_AT_ONCE; i++) {
        if (callbacks->slots[i].state == SLOT_IS_FREE) {
            return &callbacks->slots[i];
        }
    }
    return NULL;
}

static void asked(struct journal_request *request) {
    struct callbacks *callbacks = RING_OWNER(request, struct callbacks, asked);
    mailbox_post(&callbacks->answers, &request->link);
}

/* As many were asked for as there are free slots. */
static void take_due(struct callbacks *callbacks) {
    struct journal_request *request = &callbacks->asked;
    uint64_t now_ns = clock_now_ns();
    callbacks->is_asking = false;
    if (request->outcome != JOURNAL_DONE) {
        callbacks->ask_ns = now_ns + runner_backoff_ns(++callbacks->refusals);
        atomic_store(&callbacks->is_due, true);
        return;
    }
    callbacks->refusals = 0;
    uint64_t look_ns = request->next_ms < LOOK_NS / NS_PER_MS ? request->next_ms * NS_PER_MS : LOOK_NS;
    callbacks->next_ns = request->next_ms == UINT64_MAX ? UINT64_MAX : now_ns + look_ns;
    struct job *jobs = request->jobs;
    request->jobs = NULL;
    while (jobs) {
        struct job *next = jobs->next;
        struct slot *slot = atomic_load(&callbacks->is_draining) ? NULL : free_slot(callbacks);
        if (slot) {
            begin(slot, jobs);
        } else {
            jobs->next = NULL;
            jobs_free(jobs); /* it stays due */
        }
        jobs = next;
    }
}

/* Until the journal has taken what it had refused, nothing new is sent: it might be sent again and again. */
static bool is_refused(const struct callbacks *callbacks) {
    for (size_t i = 0; i < CALLBACKS_AT_ONCE; i++) {
        if (callbacks->slots[i].refusals > 0) {
            return true;
        }
    }
    return false;
}

static bool may_ask(const struct callbacks *callbacks) {
    return !callbacks->is_asking && callbacks->used < CALLBACKS_AT_ONCE && !is_refused(callbacks) &&
           !atomic_load(&callbacks->is_draining);
}

static void ask_what_is_due(struct callbacks *callbacks, uint64_t now_ns) {
    bool is_due = atomic_load(&callbacks->is_due) || now_ns >= callbacks->next_ns;
    if (!is_due || now_ns < callbacks->ask_ns || !may_ask(callbacks)) {
        return;
    }
    atomic_store(&callbacks->is_due, false);
    callbacks->next_ns = UINT64_MAX;
    callbacks->is_asking = true;
    callbacks->asked = (struct journal_request){
        .verb = JOURNAL_DELIVERIES,
        .done = asked,
        .deliveries = {.limit = CALLBACKS_AT_ONCE - callbacks->used,
                       .lease_ms = callbacks->host->facts->config.callback_timeout_ns / NS_PER_MS + LEASE_SPARE_MS}};
    journal_ask(callbacks->journal, &callbacks->asked);
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void take_answers(struct callbacks *callbacks) {
    for (struct mailbox_link *link = mailbox_take(&callbacks->answers), *next; link; link = next) {
        next = link->next;
        struct journal_request *request = RING_OWNER(link, struct journal_request, link);
        if (request == &callbacks->asked) {
            take_due(callbacks);
        } else {
            be_told(RING_OWNER(request, struct slot, request));
        }
    }
}

static void tell_again(struct callbacks *callbacks, uint64_t now_ns) {
    for (size_t i = 0; i < CALLBACKS_AT_ONCE; i++) {
        struct slot *slot = &callbacks->slots[i];
        if (slot->state == SLOT_PAUSES && slot->wake_ns <= now_ns) {
            tell(slot);
        }
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t due_ns(const struct callbacks *callbacks) {
    uint64_t due_ns = UINT64_MAX;
    for (size_t i = 0; i < CALLBACKS_AT_ONCE; i++) {
        if (callbacks->slots[i].state == SLOT_PAUSES) {
            due_ns = earlier(due_ns, callbacks->slots[i].wake_ns);
        }
    }
    if (may_ask(callbacks)) {
        uint64_t next_ns = atomic_load(&callbacks->is_due) ? 0 : callbacks->next_ns;
        next_ns = next_ns < callbacks->ask_ns ? callbacks->ask_ns : next_ns;
        due_ns = earlier(due_ns, next_ns);
    }
    return due_ns;
}

/* libcurl knows itself when its transfers need it before that. */
static void sleep_until(struct callbacks *callbacks, uint64_t due_ns) {
    uint64_t left_ms = due_ns == UINT64_MAX ? INT_MAX : (clock_left_ns(due_ns) + NS_PER_MS - 1) / NS_PER_MS;
    (void)curl_multi_poll(callbacks->multi, NULL, 0, left_ms < INT_MAX ? (int)left_ms : INT_MAX, NULL);
}

static void *serve(void *context) {
    struct callbacks *callbacks = context;
    for (;;) {
        bool is_stopping = atomic_load(&callbacks->is_stopping);
        take_answers(callbacks);
        work(callbacks);
        uint64_t now_ns = clock_now_ns(), next_ns;
        tell_again(callbacks, now_ns);
        ask_what_is_due(callbacks, now_ns);
        if (is_stopping && ((callbacks->used == 0 && !callbacks->is_asking) || now_ns >= callbacks->stop_ns)) {
            return NULL;
        }
        next_ns = due_ns(callbacks);
        sleep_until(callbacks, is_stopping ? earlier(next_ns, callbacks->stop_ns) : next_ns);
    }
}

/* --- life -------------------------------------------------------------------------------------------------------- */

struct callbacks *callbacks_new(const struct host *host, const struct webhook_keys *keys) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NULL;
    }
    struct callbacks *callbacks = calloc(1, sizeof *callbacks);
    if (callbacks) {
        callbacks->multi = curl_multi_init();
    }
    if (!callbacks || !callbacks->multi) {
        free(callbacks);
        curl_global_cleanup();
        return NULL;
    }
    callbacks->host = host;
    callbacks->keys = *keys;
    callbacks->next_ns = UINT64_MAX;
    for (size_t i = 0; i < CALLBACKS_AT_ONCE; i++) {
        callbacks->slots[i].callbacks = callbacks;
    }
    mailbox_init(&callbacks->answers, wake, callbacks);
    return callbacks;
}

bool callbacks_start(struct callbacks *callbacks, struct journal *journal) {
    callbacks->journal = journal;
    atomic_store(&callbacks->is_due, true); /* what an earlier process has left */
    int error = thread_start(&callbacks->thread, "callbacks", serve, callbacks);
    callbacks->is_started = error == 0;
    errno = error;
    return callbacks->is_started;
}

void callbacks_drain(struct callbacks *callbacks) {
    if (callbacks) {
        atomic_store(&callbacks->is_draining, true);
    }
}

void callbacks_stop(struct callbacks *callbacks, uint64_t until_ns) {
    if (!callbacks || !callbacks->is_started) {
        return;
    }
    callbacks_drain(callbacks);
    callbacks->stop_ns = until_ns < UINT64_MAX - TELL_NS ? until_ns + TELL_NS : UINT64_MAX;
    atomic_store(&callbacks->is_stopping, true);
    wake(callbacks);
    pthread_join(callbacks->thread, NULL);
    callbacks->is_started = false;
}

void callbacks_free(struct callbacks *callbacks) {
    if (!callbacks) {
        return;
    }
    for (size_t i = 0; i < CALLBACKS_AT_ONCE; i++) {
        struct slot *slot = &callbacks->slots[i];
        if (slot->state == SLOT_SENDS) {
            (void)curl_multi_remove_handle(callbacks->multi, slot->send.easy);
        }
        callback_send_free(&slot->send);
        jobs_free(slot->job);
    }
    if (callbacks->is_asking) {
        jobs_free(callbacks->asked.jobs);
    }
    mailbox_deinit(&callbacks->answers);
    (void)curl_multi_cleanup(callbacks->multi);
    free(callbacks);
    curl_global_cleanup();
}
