#include "server/engine/times.h"

#include "codecs/numbers/number_text.h"

#include <stddef.h>
#include <string.h>

struct phase {
    const char *name; /* in Server-Timing */
    const char *key;  /* in "timing" */
    size_t offset;
};

static const struct phase phases[] = {
    {"receive", "receive_ms", offsetof(struct times, receive)},
    {"queue", "queue_ms", offsetof(struct times, queue)},
    {"decode", "decode_ms", offsetof(struct times, decode)},
    {"compute", "compute_ms", offsetof(struct times, compute)},
    {"encode", "encode_ms", offsetof(struct times, encode)},
    {"total", "total_ms", offsetof(struct times, total)},
    {"cpu", "cpu_ms", offsetof(struct times, cpu)},
};
enum { PHASE_COUNT = sizeof phases / sizeof *phases };

static uint64_t phase_ns(const struct times *times, size_t index) {
    uint64_t value;
    memcpy(&value, (const char *)times + phases[index].offset, sizeof value);
    return value;
}

void times_add(struct times *times, const struct times *spent) {
    times->receive += spent->receive;
    times->queue += spent->queue;
    times->decode += spent->decode;
    times->compute += spent->compute;
    times->encode += spent->encode;
    times->total += spent->total;
    times->cpu += spent->cpu;
}

void times_write(struct json_writer *writer, const struct times *times) {
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        json_key(writer, phases[i].key);
        json_milliseconds(writer, phase_ns(times, i));
    }
}

void times_print(const struct times *times, char out[TIMES_HEADER_BYTES]) {
    size_t length = 0;
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        if (i > 0) {
            memcpy(out + length, ", ", 2);
            length += 2;
        }
        size_t name_length = strlen(phases[i].name);
        memcpy(out + length, phases[i].name, name_length);
        length += name_length;
        memcpy(out + length, ";dur=", 5);
        length += 5;
        length += number_text_milliseconds(phase_ns(times, i), out + length);
    }
    out[length] = '\0';
}
