/* libFuzzer target: the bytes of a connection, cut into pieces. However they are cut, the same has to come of it; and
 * what ends between two requests has to be right exactly when a second, slower reader here, which has all of it at once
 * and splits it into lines, finds so, with as many requests. */
#include "tests/fuzz/target.h"

#include "server/http/framing.h"

#include <regex.h>
#include <strings.h>

#define NAME "([!$&'()*+.;=_~0-9A-Za-z-]|%[0-9A-Fa-f]{2})"
#define REST "[!$&'()*+.;=_~0-9A-Za-z%:-]"
#define TOKEN "[-!#$%&'*+.^_`|~0-9A-Za-z]+"

static regex_t request_line, field_line, host_value, length_value, size_line;

static void compile(regex_t *form, const char *text) {
    require(regcomp(form, text, REG_EXTENDED | REG_NOSUB) == 0, "an expression");
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    compile(&request_line, "^" TOKEN " [!-~]+ HTTP/1\\.[0-9]$");
    compile(&field_line, "^" TOKEN ":");
    compile(&host_value, "^(" NAME "*|\\[([0-9A-Fa-f:][0-9A-Fa-f:.]*(%" REST "*)?|[vV]" REST "*)])(:[0-9]*)?$");
    compile(&length_value, "^0*[0-9]{1,18}$");
    compile(&size_line, "^[0-9A-Fa-f]+([ \t]*;.*)?$");
    return 0;
}

struct reader {
    const char *at;
    const char *end;
    char line[1 << 14];
};

/* The next line, without its end. False: there is none, or something in it that no line has. */
static bool next_line(struct reader *reader) {
    size_t length = 0;
    while (reader->at < reader->end && *reader->at != '\r') {
        unsigned char byte = (unsigned char)*reader->at++;
        if (length + 1 >= sizeof reader->line || (byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
        reader->line[length++] = (char)byte;
    }
    reader->line[length] = '\0';
    bool has_end = reader->end - reader->at >= 2 && reader->at[1] == '\n';
    reader->at += has_end ? 2 : 0;
    return has_end;
}

static bool matches(const regex_t *form, const char *text) {
    return regexec(form, text, 0, NULL, 0) == 0;
}

/* The value of the line's field, if that is its name: without white space around it. */
static char *value_of(char *line, const char *name) {
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return NULL;
    }
    char *value = line + length + 1 + strspn(line + length + 1, " \t");
    size_t left = strlen(value);
    while (left > 0 && (value[left - 1] == ' ' || value[left - 1] == '\t')) {
        value[--left] = '\0';
    }
    return value;
}

struct head {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
    uint64_t length;
};

static bool read_field(char *line, struct head *head) {
    char *value;
    if (!matches(&field_line, line)) {
        return false;
    }
    if ((value = value_of(line, "Host"))) {
        head->hosts++;
        return matches(&host_value, value);
    }
    if ((value = value_of(line, "Content-Length"))) {
        head->lengths++;
        head->length = strtoull(value, NULL, 10);
        return matches(&length_value, value);
    }
    if ((value = value_of(line, "Transfer-Encoding"))) {
        head->codings++;
        return strcasecmp(value, "chunked") == 0;
    }
    return true;
}

static bool read_fields(struct reader *reader, struct head *head) {
    while (next_line(reader)) {
        if (reader->line[0] == '\0') {
            return true;
        }
        if (!read_field(reader->line, head)) {
            return false;
        }
    }
    return false;
}

static bool skip(struct reader *reader, uint64_t count) {
    if ((uint64_t)(reader->end - reader->at) < count) {
        return false;
    }
    reader->at += count;
    return true;
}

static bool read_trailer(struct reader *reader) {
    while (next_line(reader)) {
        if (reader->line[0] == '\0') {
            return true;
        }
        if (!matches(&field_line, reader->line)) {
            return false;
        }
    }
    return false;
}

static bool read_chunks(struct reader *reader) {
    while (next_line(reader) && matches(&size_line, reader->line)) {
        uint64_t size = strtoull(reader->line, NULL, 16);
        if (size == 0) {
            return read_trailer(reader);
        }
        if (!skip(reader, size) || !next_line(reader) || reader->line[0] != '\0') {
            return false;
        }
    }
    return false;
}

static bool read_request(struct reader *reader) {
    struct head head = {0};
    if (!matches(&request_line, reader->line)) {
        return false;
    }
    bool is_old = reader->line[strlen(reader->line) - 1] == '0';
    if (!read_fields(reader, &head) || head.hosts > 1 || head.lengths > 1 || head.codings > 1 ||
        (head.hosts == 0 && !is_old) || (head.codings > 0 && (is_old || head.lengths > 0))) {
        return false;
    }
    return head.codings > 0 ? read_chunks(reader) : skip(reader, head.length);
}

/* Is it a row of whole requests, and of how many? */
static bool read_all(const char *bytes, size_t length, uint64_t *requests) {
    static struct reader reader;
    reader.at = bytes;
    reader.end = bytes + length;
    for (*requests = 0; reader.at < reader.end; *requests += 1) {
        if (!next_line(&reader)) {
            return false;
        }
        if (reader.line[0] == '\0' && reader.at == reader.end) {
            return true; /* an empty line, and nothing behind it */
        }
        if (reader.line[0] == '\0' && !next_line(&reader)) {
            return false;
        }
        if (!read_request(&reader)) {
            return false;
        }
    }
    return true;
}

/* Cuts the bytes into pieces of at most `most`, and collects what passes. */
static struct framing feed(const char *bytes, size_t length, size_t most, char *passed, size_t *passed_length) {
    struct framing framing = {0};
    *passed_length = 0;
    for (size_t at = 0; at < length && !framing.fault;) {
        size_t count = length - at < most ? length - at : most;
        char *piece = copy(bytes + at, count);
        size_t now = framing_take(&framing, piece, count);
        require(now <= count, "how much passes");
        memcpy(passed + *passed_length, piece, now);
        *passed_length += now;
        at += count;
        free(piece);
    }
    return framing;
}

/* The first byte says how to cut the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 1 << 13) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    size_t length = size - 1;
    char *whole_passed = take(length), *cut_passed = take(length);
    size_t whole_length = 0, cut_length = 0;
    struct framing whole = feed(bytes, length, length, whole_passed, &whole_length);
    struct framing cut = feed(bytes, length, data[0] % 16 + 1U, cut_passed, &cut_length);
    require(whole.fault == cut.fault && whole.requests == cut.requests, "the pieces' outcome");
    require(strcmp(whole.method, cut.method) == 0 && strcmp(whole.path, cut.path) == 0, "the pieces' line");
    size_t both = whole_length < cut_length ? whole_length : cut_length;
    require(memcmp(whole_passed, cut_passed, both) == 0, "what passes");
    require(whole.fault ? strcmp(whole.detail, cut.detail) == 0
                        : whole_length == cut_length && whole.state == cut.state && whole.left == cut.left,
            "the pieces' state");
    uint64_t requests = 0;
    bool is_right = read_all(bytes, length, &requests);
    bool is_large = whole.fault == PROBLEM_TARGET_TOO_LONG || whole.fault == PROBLEM_HEAD_TOO_LARGE ||
                    whole.fault == PROBLEM_BODY_TOO_LARGE;
    if (!is_large && !(whole.fault && strstr(whole.detail, "exceed"))) {
        bool is_taken = !whole.fault && whole.state == FRAMING_BEGIN;
        require(is_taken == is_right, "whether these are requests");
        require(!is_right || whole.requests == requests, "how many requests there are");
    }
    free(whole_passed);
    free(cut_passed);
    return 0;
}
