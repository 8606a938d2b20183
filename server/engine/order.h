#pragma once
/* What was asked, apart from the body: made once, before the call begins, and not changed while it runs. */
#include "codecs/text.h"
#include "server/engine/media.h"

struct endpoint;

struct order {
    const struct endpoint *endpoint;
    enum media body_media;
    enum media reply_media;
    struct text_view query; /* of the URL, without '?', as it came; where the body isn't JSON the options are there.
                               Borrowed: outlives the call */
};
