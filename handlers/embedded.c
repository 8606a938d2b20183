#include "handlers/embedded.h"

enum problem_kind embedded_answer(struct call *call, const struct embedded *file) {
    enum content_coding coding = call->order->reply_coding;
    call->reply_pieces = coding == CONTENT_GZIP ? &file->gzip : coding == CONTENT_ZSTD ? &file->zstd : &file->plain;
    call->reply_piece_count = 1;
    call->reply_pieces_at = 0;
    bool is_coded = call->reply_pieces != &file->plain;
    if (is_coded && call_add_field(call, "Content-Encoding", content_coding_name(coding))) {
        return call->problem.kind;
    }
    return call_add_field(call, "Vary", "Accept-Encoding");
}
