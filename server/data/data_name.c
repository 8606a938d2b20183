#include "server/data/data_name.h"

#include <stdio.h>
#include <string.h>

static const char form[] = "a name has 1 to 128 letters, digits, '.', '_' and '-', and '/' between its parts";

static bool is_allowed(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '.' || byte == '_' || byte == '-' || byte == '/';
}

static enum problem_kind refuse_byte(struct text_view name, size_t at, const char *pointer, struct problem *problem) {
    unsigned char byte = (unsigned char)name.bytes[at];
    char shown[16];
    (void)snprintf(shown, sizeof shown, byte >= 0x20 && byte < 0x7f ? "'%c'" : "byte %u", byte);
    return problem_set(problem, PROBLEM_INVALID_NAME, pointer, "character %zu of the name is %s; %s%s", at + 1, shown,
                       form, byte == '%' ? ", which need no escapes" : "");
}

static enum problem_kind check_bytes(struct text_view name, const char *pointer, struct problem *problem) {
    if (name.length > DATA_NAME_MAX) {
        return problem_set(problem, PROBLEM_INVALID_NAME, pointer, "the name has %zu characters; %s", name.length,
                           form);
    }
    for (size_t i = 0; i < name.length; i++) {
        if (!is_allowed(name.bytes[i])) {
            return refuse_byte(name, i, pointer, problem);
        }
    }
    return PROBLEM_NONE;
}

static enum problem_kind check_part(struct text_view part, const char *pointer, struct problem *problem) {
    bool is_dots = (part.length == 1 || part.length == 2) && memcmp(part.bytes, "..", part.length) == 0;
    if (part.length > 0 && !is_dots) {
        return PROBLEM_NONE;
    }
    return problem_set(problem, PROBLEM_INVALID_NAME, pointer, "a part of the name %s; %s",
                       part.length == 0   ? "is empty"
                       : part.length == 1 ? "is \".\""
                                          : "is \"..\"",
                       form);
}

/* The parts before the last '/' as well as what is behind it, or not. */
static enum problem_kind check_parts(struct text_view name, bool is_whole, const char *pointer,
                                     struct problem *problem) {
    size_t begin = 0;
    for (size_t i = 0; i <= name.length; i++) {
        bool ends = i == name.length ? is_whole : name.bytes[i] == '/';
        if (!ends) {
            continue;
        }
        if (check_part((struct text_view){name.bytes + begin, i - begin}, pointer, problem)) {
            return problem->kind;
        }
        begin = i + 1;
    }
    return PROBLEM_NONE;
}

enum problem_kind data_name_check(struct text_view name, const char *pointer, struct problem *problem) {
    if (name.length == 0) {
        return problem_set(problem, PROBLEM_INVALID_NAME, pointer, "the name is empty; %s", form);
    }
    return check_bytes(name, pointer, problem) ? problem->kind : check_parts(name, true, pointer, problem);
}

enum problem_kind data_name_check_prefix(struct text_view prefix, const char *pointer, struct problem *problem) {
    return check_bytes(prefix, pointer, problem) ? problem->kind : check_parts(prefix, false, pointer, problem);
}

int data_name_compare(struct text_view a, struct text_view b) {
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}
