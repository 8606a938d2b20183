#include "server/engine/times.h"

#include "codecs/numbers/number_text.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

struct phase {
    const char *in_header; /* how a phase begins in Server-Timing … */
    const char *in_json;   /* … and in "timing", as long as that */
    size_t length;
    size_t offset;
};

static_assert(sizeof ", ;dur=" == sizeof ",\"_ms\":", "a phase begins as long in either");

#define PHASE(name)                                                                                                    \
    {", " #name ";dur=", ",\"" #name "_ms\":", sizeof ", " #name ";dur=" - 1, offsetof(struct times, name)}
static const struct phase phases[] = {
    PHASE(receive), PHASE(queue), PHASE(decode), PHASE(compute), PHASE(encode), PHASE(total), PHASE(cpu),
};
enum { PHASE_COUNT = sizeof phases / sizeof *phases };

/* Seven times the longest name and the most digits. */
enum { TIMES_JSON_BYTES = PHASE_COUNT * (sizeof ",\"receive_ms\":" + 24) };

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

/* Every answer has these twice. All at once: one by one, as members of the object, they would cost a call and a check
 * of the room each. */
void times_write(struct json_writer *writer, const struct times *times) {
    struct text *text = &writer->text;
    char *out = text_room(text, TIMES_JSON_BYTES);
    if (!out) {
        return;
    }
    char *at = out;
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        size_t skipped = i == 0 && !writer->comma_due;
        size_t length = phases[i].length - skipped;
        memcpy(at, phases[i].in_json + skipped, length);
        at += length;
        at += number_text_milliseconds(phase_ns(times, i), at);
    }
    text->length += (size_t)(at - out);
    writer->comma_due = true;
}

void times_print(const struct times *times, char out[TIMES_HEADER_BYTES]) {
    char *at = out;
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        size_t skipped = i == 0 ? 2 : 0;
        size_t length = phases[i].length - skipped;
        memcpy(at, phases[i].in_header + skipped, length);
        at += length;
        at += number_text_milliseconds(phase_ns(times, i), at);
    }
    *at = '\0';
}
