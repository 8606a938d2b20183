#include "codecs/numbers/number_text.h"

#include "codecs/numbers/number_print.h"

#include <charconv>
#include <cstdint>

namespace {

char *print_unsigned(std::uint64_t value, char *out) {
    return std::to_chars(out, out + NUMBER_TEXT_MAX, value).ptr;
}

} // namespace

extern "C" size_t number_text_double(double value, char *out) {
    size_t length = 0;
    number_print_piece(&value, 1, NUMBER_PRECISION_MAX, false, out, NUMBER_TEXT_MAX, &length);
    return length;
}

extern "C" size_t number_text_unsigned(uint64_t value, char *out) {
    return static_cast<size_t>(print_unsigned(value, out) - out);
}

extern "C" size_t number_text_milliseconds(uint64_t nanoseconds, char *out) {
    const std::uint64_t microseconds = nanoseconds / 1000;
    const std::uint64_t milliseconds = microseconds / 1000;
    const unsigned fraction = static_cast<unsigned>(microseconds - milliseconds * 1000);
    char *end = out;
    if (milliseconds == 0) { /* nearly always, and each answer has fourteen of them */
        *end++ = '0';
    } else {
        end = print_unsigned(milliseconds, out);
    }
    end[0] = '.';
    end[1] = static_cast<char>('0' + fraction / 100);
    end[2] = static_cast<char>('0' + fraction / 10 % 10);
    end[3] = static_cast<char>('0' + fraction % 10);
    return static_cast<size_t>(end + 4 - out);
}
