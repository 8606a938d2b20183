/* Makes the one mistake it is asked for, or none ("barrier"), to show that the sanitizer of this build finds it. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void overflow(int index) {
    /* volatile hides the size from UndefinedBehaviorSanitizer, which would be first to complain. */
    char *volatile block = calloc(1, 16);
    printf("%d\n", block[index]);
    free(block);
}

static void shift(int by) {
    printf("%d\n", 1 << by);
}

static void race(void) {
    int sum = 0;
#pragma omp parallel num_threads(2)
    for (int round = 0; round < 100000; round++) {
        sum++;
    }
    printf("%d\n", sum);
}

static void barrier(void) {
    int sums[2] = {0, 0};
    for (int round = 0; round < 100; round++) {
#pragma omp parallel num_threads(2)
        sums[(omp_get_thread_num() + round) % 2]++;
    }
    printf("%d %d\n", sums[0], sums[1]);
}

int main(int argc, char **argv) {
    const char *mode = argc == 2 ? argv[1] : "";
    if (strcmp(mode, "overflow") == 0) {
        overflow(15 + argc);
    } else if (strcmp(mode, "shift") == 0) {
        shift(30 + argc);
    } else if (strcmp(mode, "race") == 0) {
        race();
    } else if (strcmp(mode, "barrier") == 0) {
        barrier();
    } else {
        return 2;
    }
}
