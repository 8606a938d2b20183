/* The commas of 64 bytes are found first, so that where a number starts doesn't wait for the one before it to be read,
 * and the processor reads several at once. A number whose end is known is read without a branch on how many digits it
 * has, which can't be predicted for random doubles: 16 bytes before its end and 16 before those are loaded, and what is
 * before its first digit cleared. 7.2 ns for a double in [0, 1), where one after the other it was 14.5; 4.2 instead of
 * 8.6 for an integer of six digits (bench/codecs). In rows brackets take another 1 ns.
 *
 * That is for up to 19 digits, 16 of them before the point, or 18 without one; with an exponent, one before the point.
 * All else is left to number_read, and so is what is no number: only that knows why. */
#include "codecs/numbers/number_list.h"

#include "codecs/numbers/decimal_scale.h"
#include "codecs/numbers/digit_groups.h"
#include "codecs/numbers/number_read.h"

#include <cassert>
#include <cstring>

namespace {

constexpr std::ptrdiff_t exponent_max = 5;                // e-200
constexpr std::ptrdiff_t exponent_usual = 4;              // e-20
constexpr std::ptrdiff_t bytes_before = 2 * VECTOR_BYTES; // that may be loaded before a number's start
constexpr std::ptrdiff_t bytes_after = VECTOR_BYTES;      // that may be loaded from a number's end on
constexpr std::size_t exact_digits = 15;                  // of which any are below 2^53
constexpr std::size_t digits_max = 19;                    // of which any fit into 64 bits
constexpr std::size_t integer_max = 18;                   // of which any fit into 63
constexpr std::size_t whole_max = 8;                      // before a point, usually

// What dividing by 10^n takes.
struct alignas(32) divisor {
    std::uint64_t reciprocal; // 64 bits of it, as in decimal::powers
    std::uint64_t exponent;   // where a double has it, and less one: the mantissa's highest bit makes up for that
    std::uint64_t power;
    double exact;
};

constexpr std::array<divisor, digits_max> make_divisors() {
    std::array<divisor, digits_max> all{};
    std::uint64_t power = 1;
    std::int64_t q = 0;
    for (divisor &each : all) {
        const auto exponent = static_cast<std::uint64_t>(decimal::floor_log2(q) + 63 + 1023 - 1);
        const auto index = static_cast<std::size_t>(q - decimal::lowest_exponent);
        each = {decimal::powers[index].high, exponent << 52, power, static_cast<double>(power)};
        power *= 10;
        --q;
    }
    return all;
}

constexpr std::array<divisor, digits_max> divisors = make_divisors();

// The least number of so many digits, but for one digit 0.
constexpr std::uint64_t least[whole_max + 1] = {0, 0, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

// The 16 bytes from [16 + n] on keep the last n bytes of a vector, those from [n] on the last n - 16.
constexpr std::array<char, 64> make_keep() {
    std::array<char, 64> bytes{};
    for (std::size_t i = 32; i < bytes.size(); ++i) {
        bytes[i] = '\xFF';
    }
    return bytes;
}

alignas(64) constexpr std::array<char, 64> keep = make_keep();

std::uint64_t bits_of(double value) {
    return std::bit_cast<std::uint64_t>(value);
}

double with_sign(std::uint64_t bits, std::uint64_t negative) {
    return std::bit_cast<double>(bits | negative << 63);
}

bool is_space(char byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

bool are_digits(byte_vector a, byte_vector b) {
    return vector_mask(vector_below(a > b ? a : b, 10)) == (1U << VECTOR_BYTES) - 1;
}

// The last `count` of the 16 bytes before `end`, as values of digits; 0 for those before.
byte_vector load_last(const char *end, std::size_t count) {
    return (vector_load(end - VECTOR_BYTES) ^ vector_of('0')) & vector_load(&keep[VECTOR_BYTES + count]);
}

// The same of the 16 bytes before those.
byte_vector load_before(const char *end, std::size_t count) {
    return (vector_load(end - 2 * VECTOR_BYTES) ^ vector_of('0')) & vector_load(&keep[count]);
}

// Of the eight bytes before `end`.
std::uint64_t load_last_8(const char *end, std::size_t count) {
    std::uint64_t word;
    std::uint64_t mask;
    std::memcpy(&word, end - sizeof word, sizeof word);
    std::memcpy(&mask, &keep[3 * sizeof word + count], sizeof mask);
    return (word ^ 0x3030303030303030) & mask;
}

std::uint64_t fraction_of(const digits::groups &groups) {
    return groups.second * 10000000000000000 + groups.third * 100000000 + groups.fourth;
}

[[gnu::noinline]] std::uint64_t scale_hard(std::uint64_t mantissa, std::size_t places) {
    const std::optional<std::uint64_t> bits = decimal::scale(mantissa, -static_cast<std::int64_t>(places));
    assert(bits); // in this range it always has an answer
    return *bits;
}

// The bits of mantissa / 10^places, for more than exact_digits: at least eight of them are behind the point. What
// decimal::scale does, but for what can't be here: neither is anything subnormal or infinite, nor halfway between two
// doubles, which takes 54 bits times 5^places, above 10^19.
[[gnu::always_inline]] inline std::uint64_t scale(std::uint64_t mantissa, std::size_t places) {
    if (mantissa == 0) {
        return 0;
    }
    const int zeros = std::countl_zero(mantissa);
    const unsigned __int128 product = static_cast<unsigned __int128>(mantissa << zeros) * divisors[places].reciprocal;
    const auto high = static_cast<std::uint64_t>(product >> 64);
    if ((high & 0x1FF) == 0x1FF) { // one in 512, and numbers that are short but for zeros
        return scale_hard(mantissa, places);
    }
    const int top = static_cast<int>(high >> 63);
    const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(top - zeros));
    return divisors[places].exponent + (exponent << 52) + (((high >> (top + 9)) + 1) >> 1);
}

// The same for a mantissa of up to exact_digits; two exact doubles' quotient is rounded once.
std::uint64_t divide(std::uint64_t mantissa, std::size_t places) {
    return bits_of(static_cast<double>(static_cast<std::int64_t>(mantissa)) / divisors[places].exact);
}

// In what follows a number goes from `at`, behind its sign, to `end`. What isn't of the kind asked for is false.

struct decimal_number {
    std::uint64_t mantissa;
    std::size_t places;
};

// One digit, a point, at[1], and others.
[[gnu::always_inline]] inline bool read_unit(const char *at, const char *end, decimal_number &number) {
    const std::size_t places = static_cast<std::size_t>(end - at) - 2;
    if (places - 1 >= digits_max - 1) {
        return false;
    }
    const byte_vector before = load_before(end, places);
    const byte_vector last = load_last(end, places);
    if (!is_digit(*at) || !are_digits(before, last)) {
        return false;
    }
    const auto unit = static_cast<std::uint64_t>(*at - '0');
    number = {unit * divisors[places].power + fraction_of(digits::values_32(before, last)), places};
    return true;
}

// The same with an exponent at `e`, of up to three digits.
[[gnu::noinline]] bool read_scientific(const char *at, const char *e, const char *end, std::uint64_t negative,
                                       double *out) {
    const char *digit = e + 1;
    const bool is_below = *digit == '-';
    digit += is_below || *digit == '+' ? 1 : 0;
    decimal_number number;
    if ((*e | 0x20) != 'e' || digit == end || !read_unit(at, e, number) || number.mantissa == 0) {
        return false;
    }
    std::int64_t exponent = 0;
    for (; digit < end; ++digit) {
        if (!is_digit(*digit)) {
            return false;
        }
        exponent = exponent * 10 + (*digit - '0');
    }
    const std::optional<std::uint64_t> bits =
        decimal::scale(number.mantissa, (is_below ? -exponent : exponent) - static_cast<std::int64_t>(number.places));
    if (bits) {
        *out = with_sign(*bits, negative);
    }
    return bits.has_value();
}

const char *find_exponent(const char *end) {
    const char *e = end - 2;
    while (e > end - exponent_max && (*e | 0x20) != 'e') {
        --e;
    }
    return e;
}

[[gnu::always_inline]] inline bool read_integer(const char *at, const char *end, std::uint64_t &bits) {
    const auto count = static_cast<std::size_t>(end - at);
    if (count == 0 || ((*at == '0') & (count > 1)) != 0) { // && can't be predicted among short ones
        return false;
    }
    const byte_vector last = load_last(end, count);
    if (!are_digits(last, last)) {
        return false;
    }
    bits = divide(fraction_of(digits::values_32(vector_of(0), last)), 0);
    return true;
}

// More than 16 digits.
[[gnu::noinline]] bool read_long_integer(const char *at, const char *end, std::uint64_t negative, double *out) {
    const auto count = static_cast<std::size_t>(end - at);
    if (count > integer_max || *at == '0') {
        return false;
    }
    const byte_vector before = load_before(end, count);
    const byte_vector last = load_last(end, count);
    if (!are_digits(before, last)) {
        return false;
    }
    *out = with_sign(divide(fraction_of(digits::values_32(before, last)), 0), negative);
    return true;
}

// Up to eight digits, a point at `point`, and more digits.
[[gnu::always_inline]] inline bool read_decimal(const char *at, const char *point, const char *end,
                                                std::uint64_t &bits) {
    const auto whole_count = static_cast<std::size_t>(point - at);
    const auto places = static_cast<std::size_t>(end - point) - 1;
    if (whole_count == 0 || places == 0 || whole_count + places > digits_max) {
        return false;
    }
    const word_vector words = {load_last_8(point, whole_count),
                               load_last_8(end - VECTOR_BYTES, places - VECTOR_BYTES)}; // their sum doesn't wrap
    const byte_vector before = reinterpret_cast<byte_vector>(words);
    const byte_vector last = load_last(end, places);
    if (!are_digits(before, last)) {
        return false;
    }
    const digits::groups groups = digits::values_32(before, last);
    if (groups.first < least[whole_count]) {
        return false;
    }
    const std::uint64_t mantissa = groups.first * divisors[places].power + fraction_of(groups);
    bits = whole_count + places <= exact_digits ? divide(mantissa, places) : scale(mantissa, places);
    return true;
}

// The same for 9 to 16 digits before the point: a time in seconds, for one.
[[gnu::noinline]] bool read_long_decimal(const char *at, const char *point, const char *end, std::uint64_t negative,
                                         double *out) {
    const auto whole_count = static_cast<std::size_t>(point - at);
    const auto places = static_cast<std::size_t>(end - point) - 1;
    if (places == 0 || whole_count + places > digits_max || *at == '0') {
        return false;
    }
    const byte_vector whole = load_last(point, whole_count);
    const byte_vector fraction = load_last(end, places);
    if (!are_digits(whole, fraction)) {
        return false;
    }
    const digits::groups groups = digits::values_32(whole, fraction);
    const std::uint64_t mantissa =
        (groups.first * 100000000 + groups.second) * divisors[places].power + groups.third * 100000000 + groups.fourth;
    const std::uint64_t bits =
        whole_count + places <= exact_digits ? divide(mantissa, places) : scale_hard(mantissa, places);
    *out = with_sign(bits, negative);
    return true;
}

[[gnu::always_inline]] inline bool read_usual(const char *at, const char *end, double *out) {
    // A bool would wait for the last result, in whose register gcc put it: 8 ns.
    const std::uint64_t negative = *at == '-';
    at += negative;
    std::uint64_t bits = 0;
    if (at[1] == '.') {
        if (end[-exponent_usual] == 'e') {
            return read_scientific(at, end - exponent_usual, end, negative, out);
        }
        decimal_number number;
        if (!read_unit(at, end, number)) {
            return read_scientific(at, find_exponent(end), end, negative, out);
        }
        bits = number.places < exact_digits ? divide(number.mantissa, number.places)
                                            : scale(number.mantissa, number.places);
        *out = with_sign(bits, negative);
        return true;
    }
    const unsigned points = vector_mask(vector_equal(vector_load(at), '.')) | 1U << VECTOR_BYTES;
    const char *const point = at + std::countr_zero(points);
    if (point >= end) {
        if (!read_integer(at, end, bits)) {
            return false;
        }
    } else if (point > at + whole_max) {
        return *point == '.' ? read_long_decimal(at, point, end, negative, out)
                             : read_long_integer(at, end, negative, out);
    } else if (!read_decimal(at, point, end, bits)) {
        return false;
    }
    *out = with_sign(bits, negative);
    return true;
}

[[gnu::noinline]] bool read_unusual(const char *at, const char *comma, const char *end, double *out) {
    const number_reading reading = number_read(at, end, out);
    return reading.status == NUMBER_READ && reading.end == comma;
}

const char *skip_spaces(const char *at) {
    while (is_space(*at)) {
        ++at;
    }
    return at;
}

// Whether all that is loaded for numbers that end in the 64 bytes from `at` on may be.
bool has_stride(const number_text &text, const char *at) {
    return at - text.begin >= bytes_before && text.end - at >= STRIDE_BYTES + bytes_after && at < text.limit;
}

// Without the bits for what isn't before the limit.
std::uint64_t before_limit(std::uint64_t bits, const number_text &text, const char *at) {
    const std::ptrdiff_t rest = text.limit - at;
    return rest < STRIDE_BYTES ? bits & ((std::uint64_t{1} << rest) - 1) : bits;
}

struct stride {
    byte_vector bytes[4];

    explicit stride(const char *at)
        : bytes{vector_load(at), vector_load(at + VECTOR_BYTES), vector_load(at + 2 * VECTOR_BYTES),
                vector_load(at + 3 * VECTOR_BYTES)} {}
};

[[gnu::always_inline]] inline bool read_any(const char *at, const char *comma, const char *end, double *out) {
    return read_usual(at, comma, out) || read_unusual(at, comma, end, out);
}

// The numbers whose commas are in the 64 bytes from `at` on. False where one is wrong.
[[gnu::always_inline]] inline bool read_stride(const number_text &text, const char *&at, double *&out) {
    const char *const begin = at;
    std::uint64_t commas = before_limit(stride_equal(stride(begin).bytes, ','), text, begin);
    for (; commas != 0; commas &= commas - 1) {
        const char *const comma = begin + std::countr_zero(commas);
        const char *const first = skip_spaces(at);
        if (!read_any(first, comma, text.end, out)) {
            return false;
        }
        ++out;
        at = comma + 1;
    }
    return true;
}

struct row_place {
    const char *at;
    std::size_t column;
    double *out;
};

// The same for rows; what is read is behind place.at then.
[[gnu::always_inline]] inline bool read_row_stride(const number_text &text, std::size_t columns, row_place &place) {
    const char *const begin = place.at;
    const stride bytes(begin);
    std::uint64_t stops = before_limit(stride_equal(bytes.bytes, ',') | stride_equal(bytes.bytes, ']'), text, begin);
    for (; stops != 0; stops &= stops - 1) {
        const char *stop = begin + std::countr_zero(stops);
        const char *first = skip_spaces(place.at);
        if (place.column == 0) {
            if (*first != '[') {
                return false;
            }
            first = skip_spaces(first + 1);
        }
        const bool is_last = place.column + 1 == columns;
        if (*stop != (is_last ? ']' : ',') || !read_any(first, stop, text.end, place.out)) {
            return false;
        }
        if (is_last) {
            ++stop;
            stops &= stops - 1;
            if (*stop != ',' || stop >= text.limit) {
                return false;
            }
        }
        place = {stop + 1, is_last ? 0 : place.column + 1, place.out + 1};
    }
    return true;
}

} // namespace

extern "C" const char *number_read_list(const number_text *text, const char *at, double **out) {
    double *next = *out;
    bool goes_on = true;
    while (goes_on) {
        const char *const begin = at;
        if (has_stride(*text, at)) {
            goes_on = read_stride(*text, at, next);
        }
        if (at == begin && goes_on) {
            at = skip_spaces(at);
            const number_reading reading = number_read(at, text->end, next);
            goes_on = reading.status == NUMBER_READ && *reading.end == ',' && reading.end < text->limit;
            at = goes_on ? reading.end + 1 : at;
            next += goes_on ? 1 : 0;
        }
    }
    *out = next;
    return skip_spaces(at);
}

extern "C" const char *number_read_rows(const number_text *text, const char *at, std::size_t columns,
                                        std::size_t *column, double **out) {
    row_place place = {at, *column, *out};
    const char *begin = nullptr;
    while (place.at != begin && has_stride(*text, place.at)) {
        begin = place.at;
        if (!read_row_stride(*text, columns, place)) {
            break;
        }
    }
    *column = place.column;
    *out = place.out;
    return place.at;
}
