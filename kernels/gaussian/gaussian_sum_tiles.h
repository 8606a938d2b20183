/* The Gaussian sum's loops, for one type of number: no header of its own, but the body of gaussian_sum.c and
 * gaussian_float_sum.c. They define what differs:
 *
 *   REAL, POINTS    the type of number, and the points' struct
 *   EXP             its inline_exp
 *
 * First the y's are packed: TILE points at a time, one row of TILE numbers per dimension and one of weights, so that
 * vectors run across points whatever the dimension. The last tile is filled up with its last point at weight 0.
 *
 * Then each x meets each range of up to GAUSSIAN_SUM_RANGE y's, that is one element of the team's loop: range by range,
 * so that neighbouring elements share a range, which stays in the second level cache, and a block of it in the first.
 * One x alone is still work for as many threads as there are ranges. A block of up to BLOCK tiles adds up in TILE
 * lanes, the lanes pairwise, and blocks and ranges in order with compensation (Sum2 of Ogita, Rump and Oishi, 2005: its
 * error is one rounding of the result, up to second order). All of it depends on the y's alone.
 *
 * Partial results are kept per x and range, for as many x's at a time as PARTIALS holds: the matrix divided by 16384
 * can still be large. */

/* Points per tile: two of the widest vectors (bench/gaussians: one or four are no faster), 128 bytes. */
enum { TILE = 128 / sizeof(REAL) };

/* Tiles per block: 16 KiB in three dimensions, and 32 roundings. Half or twice as many are no faster. */
enum { BLOCK = 32 };

/* x's that a block meets in turn while it is in the cache, and x's per pass over a tile where there are many
 * dimensions, which then loads each number once for all of them. */
enum { GROUP = 16, TOGETHER = 4 };

/* Work of 10 us and more per piece: rows of a tile to pack, x's to close; and x's per piece of the main loop are GROUP
 * in up to NARROW dimensions, TOGETHER in more, to notice a cancel within milliseconds. */
enum { PACK = 512, CLOSE = 4096, NARROW = 64 };

/* Partial sums kept at a time: 4 MiB of them. With full ranges they are seconds of work, so that the team hardly waits
 * for its members between two lots. */
enum { PARTIALS = 1 << 18 };

/* A running sum: high + low. */
struct sum {
    double high, low;
};

struct run {
    POINTS x, y;
    size_t dimensions, tiles, ranges;
    REAL gamma;
    const REAL *weights;
    REAL *packed;         /* tiles * (dimensions + 1) * TILE */
    struct sum *partials; /* ranges * width, range by range */
    size_t first, width;  /* the x's at work: as many as the partials have room for */
    REAL *s;
};

/* TwoSum: high takes the rounded sum, low what rounding lost. */
static void add(struct sum *sum, double value) {
    double high = sum->high + value, part = high - sum->high;
    sum->low += (sum->high - (high - part)) + (value - part);
    sum->high = high;
}

/* An infinite or undefined sum has no rounding error, but inf - inf in low. */
static double close(struct sum sum) {
    return isfinite(sum.high) ? sum.high + sum.low : sum.high;
}

KERNEL_INLINE double add_pairwise(const REAL *lane) {
    double sum[TILE / 2];
    KERNEL_SIMD
    for (size_t l = 0; l < TILE / 2; l++) {
        sum[l] = (double)lane[l] + (double)lane[l + TILE / 2];
    }
    for (size_t half = TILE / 4; half > 0; half /= 2) {
        KERNEL_SIMD
        for (size_t l = 0; l < half; l++) {
            sum[l] += sum[l + half];
        }
    }
    return sum[0];
}

/* Few dimensions, known when this is compiled: all in one loop. */
KERNEL_INLINE void add_tiles(const REAL *x, size_t dimensions, REAL gamma, const REAL *tile, size_t tiles,
                             REAL *lanes) {
    REAL sum[TILE] = {0};
    for (size_t t = 0; t < tiles; t++, tile += (dimensions + 1) * TILE) {
        KERNEL_SIMD
        for (size_t l = 0; l < TILE; l++) {
            REAL square = 0;
            for (size_t k = 0; k < dimensions; k++) {
                REAL difference = x[k] - tile[k * TILE + l];
                square += difference * difference;
            }
            sum[l] += tile[dimensions * TILE + l] * EXP(-gamma * square);
        }
    }
    memcpy(lanes, sum, sizeof sum);
}

/* Any dimensions, for TOGETHER x's at a time (some of them the same where there are fewer left): the squared distances
 * stay in registers. */
KERNEL_INLINE void add_wide_tile(const REAL *const x[TOGETHER], size_t dimensions, REAL gamma, const REAL *tile,
                                 REAL *const lanes[TOGETHER]) {
    REAL square[TOGETHER][TILE];
    for (size_t r = 0; r < TOGETHER; r++) {
        for (size_t l = 0; l < TILE; l++) {
            square[r][l] = 0;
        }
    }
    for (size_t k = 0; k < dimensions; k++) {
        for (size_t r = 0; r < TOGETHER; r++) {
            KERNEL_SIMD
            for (size_t l = 0; l < TILE; l++) {
                REAL difference = x[r][k] - tile[k * TILE + l];
                square[r][l] += difference * difference;
            }
        }
    }
    for (size_t r = 0; r < TOGETHER; r++) {
        KERNEL_SIMD
        for (size_t l = 0; l < TILE; l++) {
            lanes[r][l] += tile[dimensions * TILE + l] * EXP(-gamma * square[r][l]);
        }
    }
}

KERNEL_INLINE void add_wide_tiles(const REAL *x, size_t count, size_t dimensions, REAL gamma, const REAL *tile,
                                  size_t tiles, REAL lanes[GROUP][TILE]) {
    REAL idle[TILE] = {0};
    memset(lanes, 0, count * sizeof *lanes);
    for (size_t t = 0; t < tiles; t++, tile += (dimensions + 1) * TILE) {
        for (size_t i = 0; i < count; i += TOGETHER) {
            const REAL *points[TOGETHER];
            REAL *sums[TOGETHER];
            for (size_t r = 0; r < TOGETHER; r++) {
                points[r] = x + (i + r < count ? i + r : i) * dimensions;
                sums[r] = i + r < count ? lanes[i + r] : idle;
            }
            add_wide_tile(points, dimensions, gamma, tile, sums);
        }
    }
}

/* Up to GROUP x's and BLOCK tiles. */
KERNEL_CLONES
static void add_block(const REAL *x, size_t count, size_t dimensions, REAL gamma, const REAL *tile, size_t tiles,
                      double *sums) {
    REAL lanes[GROUP][TILE];
    if (dimensions == 1) {
        for (size_t i = 0; i < count; i++) {
            add_tiles(x + i, 1, gamma, tile, tiles, lanes[i]);
        }
    } else if (dimensions == 2) {
        for (size_t i = 0; i < count; i++) {
            add_tiles(x + i * 2, 2, gamma, tile, tiles, lanes[i]);
        }
    } else if (dimensions == 3) {
        for (size_t i = 0; i < count; i++) {
            add_tiles(x + i * 3, 3, gamma, tile, tiles, lanes[i]);
        }
    } else if (dimensions == 4) {
        for (size_t i = 0; i < count; i++) {
            add_tiles(x + i * 4, 4, gamma, tile, tiles, lanes[i]);
        }
    } else {
        add_wide_tiles(x, count, dimensions, gamma, tile, tiles, lanes);
    }
    for (size_t i = 0; i < count; i++) {
        sums[i] = add_pairwise(lanes[i]);
    }
}

/* The tile that a range begins with. Ranges are as even as whole blocks allow: a short last one would leave the thread
 * that has it idle for a third of the time (m = 50,000, two threads). */
static size_t range_begin(const struct run *run, size_t range) {
    size_t blocks = run->tiles / BLOCK + (run->tiles % BLOCK != 0);
    return range * blocks / run->ranges * BLOCK;
}

/* Up to GROUP x's against one range. */
static void add_range(const struct run *run, size_t range, size_t first, size_t count) {
    struct sum *partials = run->partials + range * run->width + first;
    double sums[GROUP];
    size_t begin = range_begin(run, range);
    size_t end = range + 1 < run->ranges ? range_begin(run, range + 1) : run->tiles;
    memset(partials, 0, count * sizeof *partials);
    for (size_t t = begin; t < end; t += BLOCK) {
        add_block(run->x.values + (run->first + first) * run->dimensions, count, run->dimensions, run->gamma,
                  run->packed + t * (run->dimensions + 1) * TILE, end - t < BLOCK ? end - t : BLOCK, sums);
        for (size_t i = 0; i < count; i++) {
            add(&partials[i], sums[i]);
        }
    }
}

static void run_elements(void *context, size_t begin, size_t end) {
    const struct run *run = context;
    while (begin < end) {
        size_t range = begin / run->width, first = begin % run->width;
        size_t count = run->width - first < GROUP ? run->width - first : GROUP;
        count = end - begin < count ? end - begin : count;
        add_range(run, range, first, count);
        begin += count;
    }
}

static void pack_tiles(void *context, size_t begin, size_t end) {
    const struct run *run = context;
    size_t dimensions = run->dimensions;
    REAL *row = run->packed + begin * (dimensions + 1) * TILE;
    for (size_t first = begin * TILE; first < end * TILE; first += TILE) {
        for (size_t k = 0; k < dimensions; k++, row += TILE) {
            for (size_t l = 0; l < TILE; l++) {
                size_t j = first + l < run->y.count ? first + l : run->y.count - 1;
                row[l] = run->y.values[j * dimensions + k];
            }
        }
        for (size_t l = 0; l < TILE; l++) {
            row[l] = first + l >= run->y.count ? 0 : run->weights ? run->weights[first + l] : 1;
        }
        row += TILE;
    }
}

static void close_sums(void *context, size_t begin, size_t end) {
    const struct run *run = context;
    for (size_t i = begin; i < end; i++) {
        struct sum total = {0};
        for (size_t range = 0; range < run->ranges; range++) {
            const struct sum *partial = &run->partials[range * run->width + i];
            add(&total, partial->high);
            total.low += partial->low;
        }
        run->s[run->first + i] = (REAL)close(total);
    }
}

static size_t count_ranges(size_t m) {
    return m / GAUSSIAN_SUM_RANGE + (m % GAUSSIAN_SUM_RANGE != 0);
}

/* x's whose partial sums are kept at a time. */
static size_t choose_width(size_t n, size_t ranges) {
    size_t width = PARTIALS / (ranges > 0 ? ranges : 1);
    width = width < GROUP ? GROUP : width;
    return n < width ? n : width;
}

/* No more than 1e18, so that callers can add costs up. */
static uint64_t predict_ns(size_t n, size_t m, double pair_ns) {
    double ns = 1000 + (double)n * (double)m * pair_ns;
    return ns < 1e18 ? (uint64_t)ns : 1000000000000000000U;
}

static enum kernel_status sum_up(POINTS x, POINTS y, size_t dimensions, REAL gamma, const REAL *weights, REAL *s,
                                 void *scratch, const struct team *team, const struct progress *progress) {
    y = y.values ? y : x;
    struct run run = {
        .x = x, .y = y, .dimensions = dimensions, .gamma = gamma, .weights = weights, .packed = scratch, .s = s};
    run.ranges = count_ranges(y.count);
    run.tiles = y.count / TILE + (y.count % TILE != 0);
    run.partials = (struct sum *)(run.packed + run.tiles * (dimensions + 1) * TILE);
    /* Packing and the closing additions are no part of the progress. */
    const struct progress unseen = {.cancel = progress->cancel, .cpu_ns = progress->cpu_ns};
    const struct team whole = {.threads = team->threads, .schedule = team->schedule};
    size_t pack = 1 + PACK / (dimensions + 1), group = dimensions > NARROW ? TOGETHER : GROUP;
    size_t width = choose_width(x.count, run.ranges);
    enum kernel_status status = team_for(&whole, &unseen, run.tiles, pack, pack_tiles, &run);
    for (; status == KERNEL_DONE && run.first < x.count; run.first += width) {
        run.width = x.count - run.first < width ? x.count - run.first : width;
        status = team_for(team, progress, run.ranges * run.width, group, run_elements, &run);
        if (status == KERNEL_DONE) {
            status = team_for(&whole, &unseen, run.width, CLOSE, close_sums, &run);
        }
    }
    return status;
}
