// Printing against std::to_chars, byte for byte, one by one and many at a time, and the powers of ten against their
// definition. In C++, as both are.
#include "codecs/numbers/decimal_digits.h"
#include "codecs/numbers/decimal_powers.h"
#include "codecs/numbers/number_blocks.h"
#include "codecs/numbers/number_print.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <csetjmp>

extern "C" {
#include <cmocka.h>
}

namespace {

constexpr int patterns = 500000; // of each kind

double from_bits(std::uint64_t bits) {
    return std::bit_cast<double>(bits);
}

std::uint64_t random_bits() {
    static std::uint64_t random = 88172645463325252;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random * 0x2545F4914F6CDD1D;
}

// With `precision` digits at most where it isn't 17.
void check_one(double value, unsigned precision) {
    char text[64];
    char expected[64];
    std::size_t length = 0;
    assert_int_equal(number_print_piece(&value, 1, precision, false, text, sizeof text, &length), 1);
    const std::to_chars_result result = precision == NUMBER_PRECISION_MAX
                                            ? std::to_chars(expected, std::end(expected), value)
                                            : std::to_chars(expected, std::end(expected), value,
                                                            std::chars_format::general, static_cast<int>(precision));
    const std::string_view found(text, length);
    const std::string_view wanted(expected, static_cast<std::size_t>(result.ptr - expected));
    if (found != wanted) {
        fail_msg("%a, %u digits: %.*s instead of %.*s", value, precision, static_cast<int>(length), text,
                 static_cast<int>(wanted.size()), expected);
    }
}

using print_piece = size_t(const double *values, size_t count, unsigned precision, bool continues, char *out,
                           size_t capacity, size_t *length);

// As printed by std::to_chars, `expected`, with commas between.
void check_piece(const std::vector<double> &values, const std::string &expected, print_piece *print, const char *name) {
    std::vector<char> text(values.size() * NUMBER_PRINT_MAX);
    std::size_t length = 0;
    const std::size_t printed =
        print(values.data(), values.size(), NUMBER_PRECISION_MAX, false, text.data(), text.size(), &length);
    const std::string_view found(text.data(), length);
    if (printed != values.size() || found != expected) {
        const auto at = std::mismatch(found.begin(), found.end(), expected.begin(), expected.end()).first;
        const auto number = static_cast<std::size_t>(std::count(found.begin(), at, ','));
        fail_msg("%s: number %zu of %zu, %a, is wrong: %.*s", name, number, printed, values[number], 40,
                 std::string(at - std::min<std::ptrdiff_t>(at - found.begin(), 20), found.end()).c_str());
    }
}

std::vector<double> pending;

void check_pending() {
    std::string expected;
    for (const double value : pending) {
        char text[64];
        expected.append(text, std::to_chars(text, std::end(text), value).ptr).push_back(',');
    }
    if (!expected.empty()) {
        expected.pop_back();
    }
    check_piece(pending, expected, number_print_piece, "number_print_piece");
    check_piece(pending, expected, number_print_portable, "number_print_portable");
    pending.clear();
}

// Together with others, up to check_pending.
void check(double value) {
    constexpr std::size_t batch = 1001; // so that values are now in one, now in another lane of a block
    if (std::isfinite(value)) {
        pending.push_back(value);
        pending.push_back(-value);
    }
    if (pending.size() > batch) {
        check_pending();
    }
}

// Doubles to both sides of a positive one, itself included.
void check_around(double value, std::uint64_t steps) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (std::uint64_t near = bits - std::min(bits, steps); near <= bits + steps; ++near) {
        check(from_bits(near));
    }
}

void doubles_around_powers_of_two_are_printed_as_to_chars_does(void **) {
    for (std::uint64_t exponent = 0; exponent < 0x7FF; ++exponent) {
        check_around(from_bits(exponent << 52), 20);
        check_around(from_bits(exponent << 52 | std::uint64_t{1} << 51), 3);
    }
    check_around(0x1.3de005bd620dfp+216, 3); // over 10^49 it is 2^-64.5 above a half
    for (int bit = 0; bit < 52; ++bit) {     // subnormals
        check_around(from_bits(std::uint64_t{1} << bit), 20);
    }
    check_pending();
}

void doubles_around_short_decimals_are_printed_as_to_chars_does(void **) {
    for (int exponent = -326; exponent <= 308; ++exponent) {
        for (int digits = 1; digits < 100; ++digits) {
            char text[32];
            (void)std::snprintf(text, sizeof text, "%de%d", digits, exponent);
            check_around(std::strtod(text, nullptr), digits == 1 ? 10 : 2);
        }
    }
    check_pending();
}

void whole_numbers_are_printed_as_to_chars_does(void **) {
    constexpr double all_whole = 0x1p53;
    for (int i = 0; i < 20000; ++i) {
        check(i);
        check(i * 1e5);
        check(all_whole - 10000 + i);
        check(all_whole + 2 * i);
        check(all_whole / 8 + i / 4.0); // halfway between two decimals
        check(static_cast<double>(random_bits() >> (1 + i % 60)));
    }
    check_pending();
}

void random_doubles_are_printed_as_to_chars_does(void **) {
    static constexpr double units[] = {1, 10, 1e2, 1e3, 1e4, 1e6, 1e9, 1e12, 1e20};
    for (int i = 0; i < patterns; ++i) {
        check(from_bits(random_bits()));
        check(from_bits(random_bits() >> (12 + i % 52))); // subnormals
        check(static_cast<double>(random_bits() >> 11) * 0x1p-53);
        check(static_cast<double>(random_bits() >> (11 + i % 50)) / units[i % 9]);
    }
    check_pending();
}

// Numbers that need different ways, beside each other in every order.
void mixed_doubles_are_printed_as_to_chars_does(void **) {
    static constexpr double kinds[] = {
        0.1, 2.0 / 3,  7,    0,      -0.0, 0.5,        5e-324,    1e-5,       3e-4,     12345.678,
        1e5, 4e-5 / 3, 1e22, 0x1p60, 1e16, 0x1p53 + 2, 1e300 / 7, 1e-300 / 7, 1e15 / 7, 123456789012345680};
    for (int i = 0; i < patterns; ++i) {
        const std::uint64_t random = random_bits();
        const double value = kinds[random % std::size(kinds)];
        check((random >> 32) % 4 == 0 ? value : 0.1);
        check((random >> 34) % 4 == 0 ? value : static_cast<double>(random >> 11) * 0x1p-53);
    }
    check_pending();
}

void check_digits(std::uint64_t number) {
    const decimal::digit_text found = decimal::split_17(number);
    const decimal::digit_text portable = decimal::split_17_portable(number);
    char expected[32];
    char text[17];
    (void)std::snprintf(expected, sizeof expected, "%017llu", static_cast<unsigned long long>(number));
    text[0] = portable.first;
    for (int i = 0; i < 8; ++i) {
        text[1 + i] = static_cast<char>(portable.middle >> 8 * i);
        text[9 + i] = static_cast<char>(portable.last >> 8 * i);
    }
    const std::string_view digits(expected, sizeof text);
    const auto last = digits.find_last_not_of('0');
    if (digits != std::string_view(text, sizeof text) || found.first != portable.first ||
        found.middle != portable.middle || found.last != portable.last || found.count != portable.count ||
        found.count != (last == std::string_view::npos ? 1 : static_cast<int>(last) + 1)) {
        fail_msg("%s: %.*s, %d and %d digits", expected, 17, text, portable.count, found.count);
    }
}

void digits_are_those_that_printf_prints(void **) {
    constexpr std::uint64_t all = 100000000000000000;
    for (std::uint64_t unit = 1; unit < all; unit *= 10) {
        for (std::uint64_t i = 0; i < 10000; ++i) {
            check_digits(i * unit % all);
            check_digits((all - 1 - i * unit) % all);
            check_digits(random_bits() % (all / unit) * unit);
        }
    }
}

// What fits is printed as it is; else subnormals need their shortest text seen first, and beyond 1e308 none is rounded.
void fewer_digits_are_printed_as_to_chars_does(void **) {
    for (int i = 0; i < patterns / 2; ++i) {
        const unsigned precision = 1 + static_cast<unsigned>(i) % 15;
        const double size = std::fabs(from_bits(random_bits()));
        if (size >= std::numeric_limits<double>::min() && size <= 1e308) {
            check_one(size, precision);
        }
        check_one(static_cast<double>(random_bits() >> (11 + i % 53)), precision);
        check_one(static_cast<double>(random_bits() >> 40) / (1 << i % 24), precision); // halfway cases
        check_one(-static_cast<double>(i) / 1000, precision);
    }
    for (unsigned precision = 1; precision <= 15; ++precision) {
        for (std::uint64_t exponent = 1; exponent < 0x7FE; ++exponent) {
            check_one(from_bits(exponent << 52), precision);
            check_one(from_bits((exponent << 52) - 1 + (exponent == 1)), precision);
        }
    }
}

// Least significant word first, without zeros at its end.
using big = std::vector<std::uint32_t>;

big times(const big &a, const big &b) {
    big result(a.size() + b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < b.size(); ++j) {
            carry += result[i + j] + std::uint64_t{a[i]} * b[j];
            result[i + j] = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
        result[i + b.size()] = static_cast<std::uint32_t>(carry);
    }
    while (!result.empty() && result.back() == 0) {
        result.pop_back();
    }
    return result;
}

big power_of_2(std::size_t exponent) {
    big result(exponent / 32 + 1);
    result.back() = std::uint32_t{1} << exponent % 32;
    return result;
}

bool is_less(const big &a, const big &b) {
    return a.size() != b.size() ? a.size() < b.size()
                                : std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

big from_power(__uint128_t power) {
    big result;
    for (; power > 0; power >>= 32) {
        result.push_back(static_cast<std::uint32_t>(power));
    }
    return result;
}

std::size_t bit_count(const big &number) {
    return number.size() * 32 - static_cast<std::size_t>(std::countl_zero(number.back()));
}

// 5^q = f * 2^e, where f has 128 bits: truncated, it's the largest integer with f * 2^e <= 5^q.
void powers_of_ten_have_128_right_bits(void **) {
    big five{1}; // to the q
    for (int q = 0; q <= -decimal::lowest_exponent; ++q, five = times(five, {5})) {
        const std::size_t bits = bit_count(five);
        if (q <= decimal::highest_exponent) {
            const decimal::power found = decimal::powers[static_cast<std::size_t>(q - decimal::lowest_exponent)];
            const __uint128_t power = static_cast<__uint128_t>(found.high) << 64 | found.low;
            const big number = times(five, power_of_2(128)); // f * 2^bits
            assert_true(found.high >> 63);
            assert_false(is_less(number, times(from_power(power), power_of_2(bits))));
            assert_true(is_less(number, times(from_power(power + 1), power_of_2(bits)))); // power isn't all ones
        }
        if (q > 0) {
            const decimal::power found = decimal::powers[static_cast<std::size_t>(-q - decimal::lowest_exponent)];
            const __uint128_t rounded = static_cast<__uint128_t>(found.high) << 64 | found.low;
            const __uint128_t power = rounded - (-q >= decimal::exact_reciprocal);
            const big one = power_of_2(127 + bits); // f * 5^q
            assert_true(found.high >> 63);
            assert_true(is_less(times(from_power(power), five), one));
            assert_true(is_less(one, times(from_power(power + 1), five)));
        }
    }
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(doubles_around_powers_of_two_are_printed_as_to_chars_does),
        cmocka_unit_test(doubles_around_short_decimals_are_printed_as_to_chars_does),
        cmocka_unit_test(whole_numbers_are_printed_as_to_chars_does),
        cmocka_unit_test(random_doubles_are_printed_as_to_chars_does),
        cmocka_unit_test(mixed_doubles_are_printed_as_to_chars_does),
        cmocka_unit_test(digits_are_those_that_printf_prints),
        cmocka_unit_test(fewer_digits_are_printed_as_to_chars_does),
        cmocka_unit_test(powers_of_ten_have_128_right_bits),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
