#include "tests/reference/triangular_simple.h"

uint64_t triangular_simple(uint64_t range) {
    uint64_t last = 0;
    for (uint64_t n = 0; n < range; n++) {
        last = n * (n + 1) / 2;
    }
    return last;
}
