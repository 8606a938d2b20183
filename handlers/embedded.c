#include "handlers/embedded.h"

static const struct embedded_form *form_of(const struct call *call, const struct embedded *file) {
    switch (call->order->reply_coding) {
    case CONTENT_GZIP:
        return &file->gzip;
    case CONTENT_ZSTD:
        return &file->zstd;
    default:
        return &file->plain;
    }
}

const char *embedded_tag(const struct call *call, const struct embedded *file) {
    return form_of(call, file)->tag;
}

enum problem_kind embedded_answer(struct call *call, const struct embedded *file) {
    const struct embedded_form *form = form_of(call, file);
    call->reply_pieces = &form->piece;
    call->reply_piece_count = 1;
    call->reply_pieces_at = 0;
    if (form != &file->plain &&
        call_add_field(call, "Content-Encoding", content_coding_name(call->order->reply_coding))) {
        return call->problem.kind;
    }
    return call_add_field(call, "Vary", "Accept-Encoding");
}
