#include "server/jobs/job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ID_TIME_LENGTH = 10, ID_RANDOM_BYTES = JOB_NEW_ID_LENGTH - ID_TIME_LENGTH };

const char *job_status_name(enum job_status status) {
    static const char *const names[] = {
        [JOB_ACCEPTED] = "accepted", [JOB_RUNNING] = "running",     [JOB_SUCCESSFUL] = "successful",
        [JOB_FAILED] = "failed",     [JOB_DISMISSED] = "dismissed",
    };
    return names[status];
}

bool job_id_allowed(struct text_view id) {
    if (!id.bytes || id.length == 0 || id.length > JOB_ID_MAX) {
        return false;
    }
    size_t dots = 0;
    for (size_t i = 0; i < id.length; i++) {
        char c = id.bytes[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
            return false;
        }
        dots += c == '.';
    }
    return dots < id.length || dots > 2;
}

bool job_new_id(int64_t now_ms, char out[JOB_NEW_ID_LENGTH + 1]) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char random[ID_RANDOM_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return false;
    }
    for (size_t i = 0; i < ID_TIME_LENGTH; i++) {
        out[i] = digits[((uint64_t)now_ms >> (5 * (ID_TIME_LENGTH - 1 - i))) % 32];
    }
    for (size_t i = 0; i < ID_RANDOM_BYTES; i++) {
        out[ID_TIME_LENGTH + i] = digits[random[i] % 32];
    }
    out[JOB_NEW_ID_LENGTH] = '\0';
    return true;
}

static void add_number(struct digester *digester, uint64_t value) {
    unsigned char bytes[8]; /* one order for all machines */
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
    digester_add(digester, bytes, sizeof bytes);
}

static void add_text(struct digester *digester, struct text_view text) {
    add_number(digester, text.length);
    digester_add(digester, text.bytes, text.length);
}

struct digest job_fingerprint(const struct job *job) {
    struct digester digester;
    digester_init(&digester);
    add_text(&digester, job->op);
    add_text(&digester, job->query);
    add_number(&digester, job->body_media);
    add_number(&digester, job->reply_media);
    add_number(&digester, job->body_coding);
    add_number(&digester, job->reply_coding);
    add_number(&digester, job->reply_must_be_coded);
    add_number(&digester, job->body.length);
    digester_add(&digester, job->body.digest.bytes, sizeof job->body.digest.bytes);
    return digester_end(&digester);
}

struct digest job_result_seal(const struct job_result *result) {
    struct digester digester;
    digester_init(&digester);
    add_number(&digester, result->status);
    add_text(&digester, result->type);
    add_text(&digester, result->fields);
    add_number(&digester, result->content.length);
    digester_add(&digester, result->content.digest.bytes, sizeof result->content.digest.bytes);
    return digester_end(&digester);
}

static void release_bytes(struct payload_owner *owner) {
    free(owner);
}

struct payload job_bytes(const char *bytes, size_t length) {
    struct payload_owner *owner = length < SIZE_MAX - sizeof *owner ? malloc(sizeof *owner + length + 1) : NULL;
    if (!owner) {
        return (struct payload){0};
    }
    *owner = (struct payload_owner){.release = release_bytes};
    atomic_init(&owner->references, 1);
    char *copy = (char *)(owner + 1);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    copy[length] = '\0';
    return (struct payload){.bytes = copy, .length = length, .capacity = length, .owner = owner};
}

/* Every text of a job; NULL behind the last. */
enum { TEXTS = 10 };
static void list_texts(struct job *job, struct text_view *texts[TEXTS]) {
    struct text_view *const all[TEXTS] = {&job->id,
                                          &job->idempotency_key,
                                          &job->op,
                                          &job->query,
                                          &job->callback,
                                          &job->result.type,
                                          &job->result.fields,
                                          &job->result.metadata,
                                          &job->pin_notes,
                                          &job->delivery.error};
    memcpy(texts, all, sizeof all);
}

struct job *job_copy(const struct job *job) {
    struct job shallow = *job;
    struct text_view *texts[TEXTS];
    size_t pin_bytes = job->pin_count * sizeof *job->pins;
    size_t bytes = sizeof shallow + pin_bytes;
    list_texts(&shallow, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        bytes += texts[i]->length;
    }
    struct job *copy = malloc(bytes);
    if (!copy) {
        return NULL;
    }
    *copy = shallow;
    copy->next = NULL;
    struct job_pin *pins = (struct job_pin *)(copy + 1);
    if (pin_bytes > 0) {
        memcpy(pins, job->pins, pin_bytes);
    }
    copy->pins = job->pin_count > 0 ? pins : NULL;
    char *end = (char *)pins + pin_bytes;
    list_texts(copy, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        if (texts[i]->bytes) {
            memcpy(end, texts[i]->bytes, texts[i]->length);
            texts[i]->bytes = end;
            end += texts[i]->length;
        }
    }
    copy->pinned = payload_hold(&job->pinned);
    copy->body.bytes = payload_hold(&job->body.bytes);
    copy->result.content.bytes = payload_hold(&job->result.content.bytes);
    return copy;
}

void jobs_free(struct job *jobs) {
    while (jobs) {
        struct job *next = jobs->next;
        payload_drop(&jobs->pinned);
        payload_drop(&jobs->body.bytes);
        payload_drop(&jobs->result.content.bytes);
        free(jobs);
        jobs = next;
    }
}
