#pragma once
/* The numbers that bench/predictions computes on, and how it compares a run with what was predicted. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers from `low` to `high`, spread as the order says. */
enum order { SCATTERED, RISING, FALLING, SOME_ODD };

struct numbers {
    const char *name;
    double low, high;
    float float_low, float_high; /* the same idea in single precision */
    enum order order;
    double odd; /* of SOME_ODD: each eighth number */
};

extern const struct numbers numbers[];
extern const size_t numbers_count;

void fill_doubles(const struct numbers *of, double *out, size_t count);
void fill_floats(const struct numbers *of, float *out, size_t count);
/* `out` doubles or floats. */
void fill_numbers(const struct numbers *of, bool is_float, void *out, size_t count);

/* 64-byte aligned, written once. Ends the program where there is none. */
void *take(size_t bytes);

/* A row is all inputs of one kernel: the one that exceeds its prediction most is printed. row_begin returns false where
 * the user asked for others only. */
bool row_begin(const char *name);
void row_judge(const char *input, double predicted_ns, void (*run)(const void *context), const void *context);
void row_end(void);

/* The rows of one file each. */
void predict_elements(void);
void predict_points(void);
