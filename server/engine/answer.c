#include "server/engine/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEM_TEXT_BYTES = 2048 };

/* Seconds that a refused client is asked to wait: the shortest that the header can say. */
static const char retry_after_s[] = "1";

void answer_add(struct answer *answer, const char *name, const char *value) {
    assert(answer->field_count < ANSWER_FIELDS_MAX);
    answer->fields[answer->field_count++] = (struct answer_field){name, value};
}

void answer_empty(struct answer *answer, unsigned status) {
    answer->status = status;
    answer->pieces = answer->few;
}

void answer_drop_body_fields(struct answer *answer) {
    unsigned kept = 0;
    for (unsigned i = 0; i < answer->field_count; i++) {
        if (strcmp(answer->fields[i].name, "Content-Type") != 0 &&
            strcmp(answer->fields[i].name, "Content-Encoding") != 0) {
            answer->fields[kept++] = answer->fields[i];
        }
    }
    answer->field_count = kept;
}

/* Empty ones needn't have an address. */
static void add_piece(struct answer *answer, struct reply_piece *pieces, const char *bytes, size_t length) {
    if (length > 0) {
        pieces[answer->piece_count++] = (struct reply_piece){bytes, length};
        answer->length += length;
    }
}

static void list_coded(struct answer *answer, struct reply_piece *pieces, const struct content_pieces *coded) {
    for (size_t i = 0; i < coded->count; i++) {
        add_piece(answer, pieces, coded->list[i].bytes, coded->list[i].length);
    }
}

/* What the handler printed apart goes between what comes before and after it. */
static void list_printed(struct answer *answer, struct reply_piece *pieces, const struct call *call) {
    const struct text *text = &call->reply.text;
    size_t at = call->reply_piece_count > 0 ? call->reply_pieces_at : text->length;
    add_piece(answer, pieces, text->data, at);
    for (size_t i = 0; i < call->reply_piece_count; i++) {
        add_piece(answer, pieces, call->reply_pieces[i].bytes, call->reply_pieces[i].length);
    }
    add_piece(answer, pieces, at < text->length ? text->data + at : NULL, text->length - at);
}

void answer_add_fields(struct answer *answer, const struct call *call) {
    for (unsigned i = 0; i < call->field_count; i++) {
        answer_add(answer, call->fields[i].name, call->fields[i].value);
    }
}

bool answer_result(struct answer *answer, struct call *call, const struct content_pieces *coded,
                   enum content_coding coding) {
    size_t most = coded->count > 0 ? coded->count : call->reply_piece_count + 2;
    struct reply_piece *pieces =
        most <= ANSWER_FEW_PIECES ? answer->few : call_take(call, most * sizeof *answer->pieces);
    if (!pieces) {
        return false;
    }
    answer->status = call->status ? call->status : 200;
    answer->pieces = pieces;
    if (coded->count > 0) {
        list_coded(answer, pieces, coded);
    } else {
        list_printed(answer, pieces, call);
    }
    if (answer->status != 204 && answer->status != 304) {
        const char *type = call->content_type;
        answer_add(answer, "Content-Type", type ? type : media_name(call_answer_media(call)));
    }
    if (coded->count > 0) {
        answer_add(answer, "Content-Encoding", content_coding_name(coding));
        answer_add(answer, "Vary", "Accept-Encoding");
    }
    answer_add_fields(answer, call);
    return true;
}

/* Memory may be what is short: then a fixed text must do. */
void answer_problem(struct answer *answer, const struct problem *problem, const char *id) {
    static const char fallback[] = "{\"type\":\"urn:forkjoin:problem:memory-busy\",\"status\":503}";
    answer->problem = problem;
    answer->status = problem_status(problem->kind);
    answer->piece_count = 0;
    answer->length = 0;
    answer->field_count = 0;
    answer->pieces = answer->few;
    answer->text = malloc(PROBLEM_TEXT_BYTES);
    if (answer->text) {
        add_piece(answer, answer->few, answer->text, problem_print(problem, id, answer->text, PROBLEM_TEXT_BYTES));
    } else {
        answer->status = 503;
        add_piece(answer, answer->few, fallback, sizeof fallback - 1);
    }
    answer_add(answer, "Content-Type", "application/problem+json");
    if (answer->status == 503 || problem->kind == PROBLEM_IDEMPOTENCY_BUSY) {
        answer_add(answer, "Retry-After", retry_after_s);
    }
}

void answer_end_line(struct answer *answer) {
    add_piece(answer, answer->few, "\n", 1);
}

void answer_deinit(struct answer *answer) {
    free(answer->text);
    answer->text = NULL;
    answer->piece_count = 0;
    answer->length = 0;
}

size_t answer_read(struct answer_cursor *cursor, size_t position, char *out, size_t capacity) {
    const struct answer *answer = cursor->answer;
    size_t copied = 0;
    while (copied < capacity && cursor->piece < answer->piece_count) {
        const struct reply_piece *piece = &answer->pieces[cursor->piece];
        size_t skipped = position + copied - cursor->passed_bytes;
        size_t left = piece->length - skipped;
        size_t length = left < capacity - copied ? left : capacity - copied;
        memcpy(out + copied, piece->bytes + skipped, length);
        copied += length;
        if (length == left) {
            cursor->passed_bytes += piece->length;
            cursor->piece++;
        }
    }
    return copied;
}

static void write_reason(struct json_writer *writer, const struct answer_threads *threads) {
    static const char *const sentences[] = {
        [ANSWER_SMALL_WORK] = "small work runs on one thread",
        [ANSWER_TEAM_SIZES] = "teams are made in fewer sizes than that",
        [ANSWER_TEAM_STARTING] = "a team that wide is still being started",
        [ANSWER_BESIDE_JOBS] = "jobs and other work share the cores",
        [ANSWER_NO_THREADS] = "the system has no more threads",
    };
    if (threads->reason == ANSWER_AS_ASKED) {
        return;
    }
    json_key(writer, "reason");
    if (threads->reason == ANSWER_CORE_BUDGET) {
        char text[64];
        (void)snprintf(text, sizeof text, "core budget is %u", threads->core_budget);
        json_cstring(writer, text);
    } else {
        json_cstring(writer, sentences[threads->reason]);
    }
}

void answer_write_threads(struct json_writer *writer, const struct answer_threads *threads) {
    json_key(writer, "requested");
    if (threads->requested == 0) {
        json_cstring(writer, "auto");
    } else {
        json_unsigned(writer, threads->requested);
    }
    json_key(writer, "granted");
    json_unsigned(writer, threads->granted);
    write_reason(writer, threads);
}
