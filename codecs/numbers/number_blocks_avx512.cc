// Eight numbers in the lanes of vectors: what decimal_shortest.h and number_print.cc do for one, without branches; then
// each text from its digits by one permutation of bytes. bench/codecs: 6 ns for a double in [0, 1), where
// number_print_portable takes 19.
//
// Several blocks take a step before any takes the next: each step is a long chain of operations, and only with several
// chains at hand the processor stays busy (8 blocks: 5.8 ns a number; 4: 5.9; 2: 6.4; 1: 7.6).
//
// What needs another way is left to number_print_shortest: whole numbers below 2^53 (it's as fast), powers of two,
// subnormals, and whole numbers from 2^53 on that are written out.
#include "codecs/numbers/number_blocks.h"

#if NUMBER_HAS_BLOCKS
#include "codecs/numbers/decimal_powers.h"
#include "codecs/numbers/number_print.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <immintrin.h>

#define AVX512                                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi,avx512vbmi2,avx512vpopcntdq")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) inline

namespace {

constexpr std::size_t lanes = number_block;
constexpr std::size_t batch_blocks = 8; // 9 kB
constexpr unsigned all_lanes = 0xFF;

using word = std::uint64_t;
using words = unsigned long long __attribute__((vector_size(64)));

constexpr word fraction_bits = (word{1} << 52) - 1;
constexpr word bias = 1023 + 52;
constexpr word each_32 = 0x0000000100000001;
constexpr word each_16 = 0x0001000100010001;
constexpr word each_8 = 0x0101010101010101;
constexpr word eight_digits = 100000000;

template <auto value>
AVX512_INLINE words all() {
    return (words)_mm512_set1_epi64(static_cast<long long>(value));
}

AVX512_INLINE words shift_signed(words number, int bits) {
    return (words)((__m512i)number >> bits);
}

// sum + the low 52 bits of a * b, of which the low 52 bits count.
AVX512_INLINE words add_low(words sum, words a, words b) {
    return (words)_mm512_madd52lo_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}

// The same with the high 52 bits.
AVX512_INLINE words add_high(words sum, words a, words b) {
    return (words)_mm512_madd52hi_epu64((__m512i)sum, (__m512i)a, (__m512i)b);
}

// floor(2^bits / divisor) + 1: n times that, shifted back, is floor(n / divisor) for n < 2^bits / divisor.
constexpr word reciprocal(word divisor, int bits) {
    __extension__ using uint128 = unsigned __int128;
    return static_cast<word>((uint128{1} << bits) / divisor + 1);
}

template <word divisor>
AVX512_INLINE words divide(words number) {
    return add_high(words{}, number, all<reciprocal(divisor, 52)>());
}

// number - quotient * divisor, which is below 2^52 as the divisor is.
template <word divisor>
AVX512_INLINE words remainder(words number, words quotient) {
    return add_low(number, quotient, all<(word{1} << 52) - divisor>()) & all<fraction_bits>();
}

AVX512_INLINE words choose(__mmask8 condition, words yes, words no) {
    return (words)_mm512_mask_mov_epi64((__m512i)no, condition, (__m512i)yes);
}

AVX512_INLINE __mmask8 is_less(words a, words b) { // signed
    return _mm512_cmplt_epi64_mask((__m512i)a, (__m512i)b);
}

AVX512_INLINE __mmask8 is_zero(words number) {
    return _mm512_testn_epi64_mask((__m512i)number, (__m512i)number);
}

// A number of 156 bits.
struct limbs {
    words low;
    words middle;
    words high;
};

// Eight numbers on the way to their texts. Only `rare` is set where all of them are.
struct block {
    words bits;
    words scale;       // decimal_shortest.h's exponent
    limbs half;        // half the interval's width, in units of 2^-152
    words significand; // of 17 digits, perhaps with zeros at its end
    words exponent;    // of ten, that the first digit counts
    words digits[4];   // what texts are made of, 32 bytes a lane; lanes 0, 2, 4, 6, 1, 3, 5, 7
    word layout[lanes];
    word start[lanes]; // of the text, behind a comma and perhaps a minus
    word end[lanes];
    word suffix_at[lanes];
    word suffix[lanes];
    __mmask8 small; // below 2^53
    __mmask8 rare;  // not printed here
    __mmask8 scientific;
};

AVX512_INLINE void store(word *at, words vector) {
    std::memcpy(at, &vector, sizeof vector);
}

AVX512_INLINE words load_pairs(const word *at, int first) {
    const auto load = [at](int lane) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i *>(&decimal::powers[at[lane]]));
    };
    const __m256i early = _mm256_set_m128i(load(first + 2), load(first));
    const __m256i late = _mm256_set_m128i(load(first + 6), load(first + 4));
    return (words)_mm512_maskz_inserti64x4(all_lanes, _mm512_castsi256_si512(early), late, 1);
}

// The power of ten at `index` in the table, times 2^(24 + shift). Two gathers instead of the loads take 0.5 ns more.
AVX512_INLINE limbs load_powers(words index, words shift) {
    word at[lanes];
    store(at, index);
    const words even = load_pairs(at, 0);
    const words odd = load_pairs(at, 1);
    const words high = __builtin_shufflevector(even, odd, 0, 8, 2, 10, 4, 12, 6, 14);
    const words low = __builtin_shufflevector(even, odd, 1, 9, 3, 11, 5, 13, 7, 15);
    const auto middle = (words)_mm512_shrdv_epi64((__m512i)low, (__m512i)high, (__m512i)(all<28>() - shift));
    return {low << (shift + all<24>()) & all<fraction_bits>(), middle & all<fraction_bits>(),
            high >> (all<16>() - shift)};
}

// Step 1: decimal_shortest.h's struct scaling.
AVX512_INLINE void find_scales(const double *values, block *out) {
    constexpr int zeros_subnormals_infinities_nans = 0xBF;
    const __m512d value = _mm512_loadu_pd(values);
    const auto bits = (words)value;
    const words biased = bits >> 52 & all<0x7FF>();
    const __mmask8 small = is_less(biased, all<bias + 1>());
    const __m512d truncated = _mm512_maskz_roundscale_pd(small, value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    const __mmask8 whole = _mm512_cmp_pd_mask(truncated, value, _CMP_EQ_OQ);
    const __mmask8 others = _mm512_fpclass_pd_mask(value, zeros_subnormals_infinities_nans);
    out->rare = whole | others | is_zero(bits & all<fraction_bits>());
    if (out->rare == all_lanes) {
        return;
    }
    const words exponent = shift_signed(add_low(all<-static_cast<int>(bias) * 1262611>(), biased, all<1262611>()), 22);
    const words index = all<-decimal::lowest_exponent>() - exponent;
    const words log = shift_signed(add_low(all<decimal::lowest_exponent * 1741647>(), index, all<1741647>()), 19);
    out->bits = bits;
    out->small = small;
    out->scale = exponent;
    out->half = load_powers(index, biased - all<bias>() + log);
}

// Step 2: decimal_shortest.h's shortest(), where x = 2c * half = 2 * (2^52 + fraction) * half. All products and sums
// are exact, in limbs that are carried at the end: the point is before bit 48 of the high limb, and of x / 2 before
// bit 47. There, bits after the 64th behind the point are cut off. That gives the same numbers: what is added before
// one rounds down are multiples of 2^-64.
AVX512_INLINE void find_significands(block *out) {
    const words fraction = out->bits & all<fraction_bits>();
    const limbs half = out->half;
    const words low = add_low(words{}, fraction, half.low); // of x / 2
    const words middle = add_low(add_high(half.low, fraction, half.low), fraction, half.middle);
    const words high = add_low(add_high(half.middle, fraction, half.middle), fraction, half.high);
    const words top = add_high(half.high, fraction, half.high) << 5;

    const words carried = high + (middle >> 52);
    const words whole = top + (carried >> 47);
    const auto part = (words)_mm512_shldi_epi64((__m512i)carried, (__m512i)(middle << 12), 17);
    const words limit = all<word{1} << 63>() | (~whole & all<1>());
    const __mmask8 is_up = _mm512_cmpge_epu64_mask((__m512i)part, (__m512i)limit);
    const words nearest = choose(is_up, whole + all<1>(), whole);

    // floor(upper - 2^-64 where the ends don't belong to the interval)
    const words unit = all<word{1} << 36>(); // 2^-64
    const words odd = out->bits << 36 & unit;
    const words upper = middle + middle + half.middle - odd + ((low + low + half.low) >> 52);
    const words last = top + shift_signed(high + high + half.high + shift_signed(upper, 52), 48);
    // floor(lower - 2^-64 where they do)
    const words lower = middle + middle - half.middle + odd - unit + shift_signed(low + low - half.low, 52);
    const words before = top + shift_signed(high + high - half.high + shift_signed(lower, 52), 48);

    const words same = add_low(last & all<(1 << 28) - 1>(), last >> 28, all<6>()); // % 10: 2^28 % 10 is 6
    const words tenth = add_low(words{}, same, all<reciprocal(10, 52)>());         // the fraction of same / 10
    const words ten = last - add_high(words{}, tenth, all<10>());
    const words chosen = choose(is_less(before, ten), ten, nearest);
    const __mmask8 has_16 = is_less(chosen, all<10000000000000000>());
    out->significand = choose(has_16, (chosen << 3) + (chosen << 1), chosen);
    out->exponent = out->scale + choose(has_16, all<15>(), all<16>());
}

// The eight digits of a number < 10^8, the last one in the lowest byte; as decimal_digits.h's split_8.
AVX512_INLINE words split_8(words number) {
    const words fours = add_low(number, divide<10000>(number), all<(word{1} << 32) - 10000>());
    const __m512i scaled = _mm512_mulhi_epu16((__m512i)fours, (__m512i)all<5243 * each_16>());
    const __m512i hundreds = _mm512_srli_epi16(scaled, 3);
    const words twos = fours + (words)_mm512_mullo_epi32(hundreds, (__m512i)all<((1 << 16) - 100) * each_32>());
    const __m512i tens = _mm512_mulhi_epu16((__m512i)twos, (__m512i)all<6554 * each_16>());
    return twos + (words)_mm512_mullo_epi16(tens, (__m512i)all<((1 << 8) - 10) * each_16>());
}

// A lane's 32 bytes are the second to the ninth digit, from the last one on; the other eight likewise; the first digit,
// a point, a zero. Returns how many digits there are up to the last that isn't 0.
AVX512_INLINE words store_digits(block *out) {
    constexpr word more_bytes = '0' | '.' << 8 | '0' << 16;
    const words upper = add_high(words{}, out->significand >> 8, all<reciprocal(eight_digits >> 8, 70)>()) >> 18;
    const words first = add_high(words{}, upper, all<reciprocal(eight_digits, 78)>()) >> 26;
    const words late = split_8(remainder<eight_digits>(out->significand, upper));
    const words early = split_8(remainder<eight_digits>(upper, first));
    const words early_text = early | all<'0' * each_8>();
    const words late_text = late | all<'0' * each_8>();
    const words more = first | all<more_bytes>();
    const words even = __builtin_shufflevector(early_text, late_text, 0, 8, 2, 10, 4, 12, 6, 14);
    const words odd = __builtin_shufflevector(early_text, late_text, 1, 9, 3, 11, 5, 13, 7, 15);
    out->digits[0] = __builtin_shufflevector(even, more, 0, 1, 8, 8, 2, 3, 10, 10);
    out->digits[1] = __builtin_shufflevector(even, more, 4, 5, 12, 12, 6, 7, 14, 14);
    out->digits[2] = __builtin_shufflevector(odd, more, 0, 1, 9, 9, 2, 3, 11, 11);
    out->digits[3] = __builtin_shufflevector(odd, more, 4, 5, 13, 13, 6, 7, 15, 15);
    const __mmask8 has_9 = is_zero(late);
    const words tail = choose(has_9, early, late);
    const auto zero_bits = (words)_mm512_popcnt_epi64((__m512i)(~tail & (tail - all<1>())));
    return choose(has_9, all<9>(), all<17>()) - (zero_bits >> 3);
}

// e-05, e+22, e-308, the first character in the lowest byte.
AVX512_INLINE words make_suffix(words exponent, words size) {
    const words hundreds = divide<100>(size);
    const words rest = remainder<100>(size, hundreds);
    const words tens = divide<10>(rest);
    const words twos = tens | remainder<10>(rest, tens) << 8;
    const words digits = choose(is_zero(hundreds), twos, hundreds | twos << 8) | all<'0' * (each_8 >> 40)>();
    return digits << 16 | choose(is_less(exponent, words{}), all<'e' | '-' << 8>(), all<'e' | '+' << 8>());
}

// Where the bytes of a text come from: digits that aren't there any more are zeros, which the next text covers.
constexpr int lowest_fixed = -4;
constexpr int highest_fixed = 15;
using layout = std::array<std::uint8_t, 32>;
using layout_table = std::array<layout, highest_fixed - lowest_fixed + 1>;

constexpr std::uint8_t source_of_digit(int digit) {
    constexpr int first = 16;
    constexpr int zero = 18;
    if (digit < 0 || digit > 16) {
        return zero;
    }
    return static_cast<std::uint8_t>(digit == 0 ? first : digit <= 8 ? 8 - digit : 24 - digit);
}

constexpr layout_table make_layouts() {
    constexpr std::uint8_t point = 17;
    layout_table layouts{};
    for (int exponent = lowest_fixed; exponent <= highest_fixed; ++exponent) {
        layout &entry = layouts[static_cast<std::size_t>(exponent - lowest_fixed)];
        const int zeros = std::max(-exponent, 0);
        const int whole = std::max(exponent, 0) + 1;
        for (int i = 0; i < static_cast<int>(entry.size()); ++i) {
            entry[static_cast<std::size_t>(i)] = i == whole ? point : source_of_digit(i - (i > whole) - zeros);
        }
    }
    return layouts;
}

alignas(64) constexpr layout_table layouts = make_layouts();

// Step 3: as number_print.cc's print_shortest.
AVX512_INLINE void lay_out(block *out) {
    const words count = store_digits(out);
    const words exponent = out->exponent;
    const words alone = choose(is_less(count, all<2>()), all<1>(), words{});
    const __mmask8 tiny = is_less(exponent, alone + all<lowest_fixed>());
    const __mmask8 huge = is_less(all<4>() - alone, exponent - count);
    const auto large = static_cast<__mmask8>(~out->small);
    const auto scientific = static_cast<__mmask8>(tiny | (large & huge));
    out->rare |= static_cast<__mmask8>(large & ~huge);
    out->scientific = scientific;
    const words shown = choose(scientific, words{}, exponent);
    const words zeros = choose(is_less(shown, words{}), words{} - shown, words{});
    const words all_digits = count + zeros + all<1>(); // and the point
    const words suffix_at = choose(scientific, all_digits - alone, all_digits);
    const words start = all<1>() + (out->bits >> 63);
    words end = start + suffix_at;
    if ((out->rare | scientific) != 0) {
        const words size = choose(is_less(exponent, words{}), words{} - exponent, exponent);
        const words suffix_length = choose(is_less(all<99>(), size), all<5>(), all<4>());
        store(out->suffix_at, suffix_at);
        store(out->suffix, make_suffix(exponent, size));
        end = choose(scientific, end + suffix_length, end);
    }
    store(out->layout, shown - all<lowest_fixed>());
    store(out->start, start);
    store(out->end, end);
}

// Step 4, for one lane. Returns where its text starts.
AVX512_INLINE char *store_text(const block &from, std::size_t lane, char *out) {
    std::memcpy(out, ",-", 2);
    out += from.start[lane];
    const auto *digits = reinterpret_cast<const __m256i *>(from.digits) + lane % 2 * (lanes / 2) + lane / 2;
    const auto *source = reinterpret_cast<const __m256i *>(&layouts[from.layout[lane]]);
    const __m256i text = _mm256_load_si256(digits);
    const __m256i shown = _mm256_mask_permutexvar_epi8(text, ~__mmask32{0}, _mm256_load_si256(source), text);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(out), shown);
    return out;
}

AVX512_INLINE char *print_common(const block &from, char *out) {
#pragma GCC unroll 8
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        store_text(from, lane, out);
        out += from.end[lane];
    }
    return out;
}

// Returns how many were printed before the first that isn't finite.
AVX512_INLINE std::size_t print_any(const double *values, const block &from, char **at) {
    char *out = *at;
#pragma GCC unroll 8
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        if ((from.rare >> lane & 1) == 0) {
            char *text = store_text(from, lane, out);
            std::memcpy(text + from.suffix_at[lane], &from.suffix[lane], sizeof from.suffix[lane]);
            out += from.end[lane];
        } else if (std::isfinite(values[lane])) {
            *out = ',';
            out = number_print_shortest(values[lane], out + 1);
        } else {
            *at = out;
            return lane;
        }
    }
    *at = out;
    return lanes;
}

// `count` blocks, as far as they are finite.
AVX512_INLINE std::size_t print_batch(const double *values, std::size_t count, char **out) {
    block batch[batch_blocks];
    for (std::size_t i = 0; i < count; ++i) {
        find_scales(values + i * lanes, &batch[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (batch[i].rare != all_lanes) {
            find_significands(&batch[i]);
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (batch[i].rare != all_lanes) {
            lay_out(&batch[i]);
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (batch[i].rare == 0 && batch[i].scientific == 0) {
            *out = print_common(batch[i], *out);
            continue;
        }
        const std::size_t printed = print_any(values + i * lanes, batch[i], out);
        if (printed < lanes) {
            return i * lanes + printed;
        }
    }
    return count * lanes;
}

} // namespace

bool number_blocks_supported() {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("avx512vpopcntdq");
}

AVX512 size_t number_blocks_print(const double *values, size_t count, char *out, size_t capacity, size_t *length) {
    char *const start = out;
    size_t printed = 0;
    for (;;) {
        const size_t left = capacity - static_cast<size_t>(out - start);
        const size_t fitting = left < number_room ? 0 : (left - number_room) / (lanes * NUMBER_PRINT_MAX);
        const size_t blocks = std::min({(count - printed) / lanes, fitting, batch_blocks});
        const size_t finite = print_batch(values + printed, blocks, &out);
        printed += finite;
        if (blocks == 0 || finite < blocks * lanes) {
            break;
        }
    }
    *length = static_cast<size_t>(out - start);
    return printed;
}
#endif
