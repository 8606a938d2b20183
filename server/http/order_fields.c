#include "server/http/order_fields.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

/* The walk over all lines of one field. */
struct gathering {
    const char *name;
    size_t length; /* of all values, with ", " between them and a zero behind */
    char *out;     /* where the next one goes; NULL: they are measured */
};

static enum MHD_Result gather(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    struct gathering *gathering = context;
    if (strcasecmp(name, gathering->name) != 0) {
        return MHD_YES;
    }
    const char *text = value ? value : "";
    size_t length = strlen(text);
    if (gathering->out) {
        memcpy(gathering->out, text, length);
        memcpy(gathering->out + length, ", ", 2);
        gathering->out += length + 2;
    }
    gathering->length += length + 2;
    return MHD_YES;
}

static enum problem_kind read_field(struct MHD_Connection *connection, struct run *run, const char *name,
                                    struct text_view *field) {
    struct gathering gathering = {.name = name};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, gather, &gathering);
    if (gathering.length == 0) {
        return PROBLEM_NONE;
    }
    size_t length = gathering.length - 2;
    char *copy = call_take(&run->call, gathering.length);
    if (!copy) {
        return run->call.problem.kind;
    }
    gathering.out = copy;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, gather, &gathering);
    copy[length] = '\0';
    *field = (struct text_view){copy, length};
    return PROBLEM_NONE;
}

enum problem_kind order_fields_read(struct MHD_Connection *connection, struct run *run) {
    struct order_fields *fields = &run->order.fields;
    const struct {
        const char *name;
        struct text_view *field;
    } all[] = {
        {"If-Match", &fields->if_match},
        {"If-None-Match", &fields->if_none_match},
        {"Range", &fields->range},
        {"If-Range", &fields->if_range},
        {"Prefer", &fields->prefer},
        {"Idempotency-Key", &fields->idempotency_key},
        {"Last-Event-ID", &fields->last_event_id},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (read_field(connection, run, all[i].name, all[i].field)) {
            return run->call.problem.kind;
        }
    }
    return PROBLEM_NONE;
}
