/* Runs a program over blocks of elements, whose registers fit the first cache where the program allows that. Operands
 * that have every element are read where they lie; those that are repeated along a dimension are copied into registers,
 * block by block. Which element fails first is the same for any cut: all steps are run for all elements of a block, and
 * an element's steps depend on it alone. */
#include "kernels/expression/machine.h"

#include "kernels/first_failure.h"
#include "kernels/stream_store.h"

#include <assert.h>
#include <string.h>

/* A register has BLOCK_MAX elements where the program's registers have CACHE_BYTES then, fewer where not. A step from
 * SLOW_COST on (lgamma and tgamma) takes SLOW_BLOCK at most: libm, which may have to help with each of them, takes 1.3
 * us then. */
enum { ALIGNMENT = 64, BLOCK_MAX = 1024, CACHE_BYTES = 64 * 1024, WIDEST = 8, SLOW_BLOCK = 256, SLOW_COST = 100 };

/* Every register that there may be has ALIGNMENT elements at least. */
enum { ALL_REGISTERS_MAX = REGISTERS_MAX + EXPRESSION_NAMES_MAX };
static_assert(ALL_REGISTERS_MAX * ALIGNMENT * WIDEST <= MACHINE_REGISTER_BYTES, "registers fit their memory");

/* Elements that a thread takes at once: PIECE_NS of work, and between one block and PIECE_ELEMENTS, however long a
 * block is: pieces of 16 short blocks cost where(x>0,x,y) 0.4 ms of one thread's 7.3 (bench/expressions). */
enum { PIECE_NS = 50000, PIECE_ELEMENTS = 16 * 1024 };

/* Results of STREAM_BYTES on go past the caches, as the Gaussian's (kernels/gaussian/gaussian_tiles.inc), where the
 * memory sets the pace: programs of STREAM_COST nanoseconds for 8 elements at most (exp and log, of 6, take 7.0 and
 * 7.1 ms of one thread's CPU time, streamed 9.8 and 9.9; bench/expressions). STREAM_SLICE elements at a time, so that
 * the memory is read and written at once. */
enum { STREAM_BYTES = 4 << 20, STREAM_COST = 5, STREAM_SLICE = 64 };

/* Arrays of STREAM_BYTES on come from the memory. Programs of two steps to FEW_STEPS have registers of FAR_BYTES then:
 * the processor looks ahead from one step into the next. 10,000,000 elements in huge pages on two threads, ms with 2, 4
 * and 8 KiB: exp(-(x-y)**2) 6.2, 7.6, 8.8, where(x>0,x,y) 5.4, 5.9, 8.2, but x + 3*y, a single step, 5.5, 4.0, 3.8.
 * Where there are several steps, the next block's lines are asked for meanwhile, and those of results that aren't
 * streamed: a polynomial of 20 steps takes 13.1 instead of 17.3, and on one thread of a Zen 5 (x>0)&(y>1) 6.2 instead
 * of 10.0, where(x>0,x,y) 5.5 of 6.0, but 7.4 with its result's lines. bench/expressions. */
enum { LINE = 64, FEW_STEPS = 5, FAR_BYTES = 2048 };

/* 48, 13 and 3 bits. */
static uint64_t pack_failure(size_t element, size_t step, enum expression_failure_kind kind) {
    return (uint64_t)element << 16 | (uint64_t)step << 3 | (uint64_t)kind;
}

static bool is_cancelled(const struct machine *machine) {
    return machine->cancel && atomic_load_explicit(machine->cancel, memory_order_relaxed);
}

/* --- what lies where --------------------------------------------------------------------------------------------- */

size_t expression_count(const struct expression_shape *shape) {
    size_t count = 1;
    for (unsigned i = 0; i < shape->dimensions; i++) {
        count *= shape->lengths[i];
    }
    return count;
}

/* Does it have every element of the shape, row after row? */
static bool is_whole(const struct expression_array *array, const struct expression_shape *shape) {
    size_t stride = 1;
    for (unsigned i = shape->dimensions; i-- > 0;) {
        if (shape->lengths[i] > 1 && array->strides[i] != stride) {
            return false;
        }
        stride *= shape->lengths[i];
    }
    return true;
}

static void copy_run(char *out, const char *from, size_t stride, size_t bytes, size_t count) {
    if (stride == 1) {
        memcpy(out, from, count * bytes);
        return;
    }
    if (stride == 0) {
        const void *inputs[] = {from};
        struct block_fault unused = {0};
        block_run(OPERATION_FILL,
                  bytes == 8   ? EXPRESSION_FLOAT64
                  : bytes == 4 ? EXPRESSION_FLOAT32
                               : EXPRESSION_BOOL,
                  out, inputs, 1, count, &unused);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * bytes, from + i * stride * bytes, bytes);
    }
}

/* Elements [begin, begin + count) of the shape, run by run along the last dimension. */
static void copy_block(const struct expression_array *array, const struct expression_shape *shape, size_t bytes,
                       size_t begin, size_t count, char *out) {
    size_t last = shape->dimensions - 1;
    while (count > 0) {
        size_t rest = begin, offset = 0, column = begin % shape->lengths[last];
        for (unsigned i = shape->dimensions; i-- > 0;) {
            offset += rest % shape->lengths[i] * array->strides[i];
            rest /= shape->lengths[i];
        }
        size_t left = shape->lengths[last] - column;
        size_t run = left < count ? left : count;
        copy_run(out, (const char *)array->values + offset * bytes, array->strides[last], bytes, run);
        out += run * bytes;
        begin += run;
        count -= run;
    }
}

/* --- a block ----------------------------------------------------------------------------------------------------- */

/* Where in a block's table the pointers of each kind of place begin. */
enum {
    OPERAND_SLOTS = ALL_REGISTERS_MAX,
    RESULT_SLOTS = OPERAND_SLOTS + EXPRESSION_NAMES_MAX,
    SLOTS = RESULT_SLOTS + EXPRESSION_RESULTS_MAX
};

struct block {
    size_t begin, count;
    const void *const *given; /* where the operands of the element `first` lie; NULL: in the machine's arrays */
    size_t first;
    char *slots[SLOTS]; /* registers, operands and where results belong; set as far as they are used */
};

/* Of a place that isn't single. */
static size_t slot_of(place at) {
    static const uint16_t slots[] = {
        [PLACE_REGISTER] = 0, [PLACE_SINGLE] = 0, [PLACE_OPERAND] = OPERAND_SLOTS, [PLACE_RESULT] = RESULT_SLOTS};
    return slots[place_kind_of(at)] + place_index(at);
}

/* Without calls, and without a branch that depends on the step: nothing hides what a step's start takes where the
 * memory sets the pace, and with a switch here the polynomial took 33 ms of one thread instead of 26
 * (bench/expressions). */
static const void *input_at(const struct machine *machine, const struct block *block, place at) {
    bool is_single = place_kind_of(at) == PLACE_SINGLE;
    const char *single = (const char *)&machine->singles[is_single ? place_index(at) : 0];
    const char *array = block->slots[is_single ? 0 : slot_of(at)];
    return is_single ? single : array;
}

static void find_operands(const struct machine *machine, struct block *block) {
    const struct expression_program *program = machine->program;
    for (size_t k = 0; k < machine->read_count; k++) {
        size_t i = machine->reads[k];
        const struct expression_array *array = &machine->operands[i];
        size_t bytes = expression_type_bytes(program->operand_types[i]);
        char **operand = &block->slots[OPERAND_SLOTS + i];
        if (block->given) {
            *operand = (char *)(uintptr_t)block->given[i] + (block->begin - block->first) * bytes;
        } else if (machine->copied[i] > 0) {
            *operand = block->slots[machine->copied[i]];
            copy_block(array, machine->shape, bytes, block->begin, block->count, *operand);
        } else {
            *operand = (char *)(uintptr_t)array->values + block->begin * bytes;
        }
    }
}

/* What no step puts where it belongs. */
static void put_results(const struct machine *machine, const struct block *block) {
    const struct expression_program *program = machine->program;
    for (size_t i = 0; i < program->result_count; i++) {
        size_t bytes = expression_type_bytes(program->result_types[i]);
        char *out = block->slots[RESULT_SLOTS + i];
        assert(out);
        if (place_kind_of(program->results[i]) == PLACE_RESULT) {
            continue;
        }
        const void *from = input_at(machine, block, program->results[i]);
        if (place_kind_of(program->results[i]) == PLACE_SINGLE) {
            copy_run(out, from, 0, bytes, block->count);
        } else if (from != out) {
            memcpy(out, from, block->count * bytes);
        }
    }
}

/* Elements [from, from + count) of the block, whose first inputs and result lie there. */
static void run_step(struct machine *machine, const struct block *block, const struct step *step, void *out,
                     const void *const *inputs, size_t from, size_t count) {
    struct block_fault fault = {0};
    block_run(step->operation, step->type, out, inputs, step->singles, count, &fault);
    if (fault.kind) {
        size_t index = (size_t)(step - program_steps(machine->program));
        first_failure_note(&machine->first_failure,
                           pack_failure(block->begin + from + fault.element, index, fault.kind));
    }
}

static void run_streamed(struct machine *machine, const struct block *block, const struct step *step,
                         const void **inputs) {
    size_t result = place_index(step->out), bytes = expression_type_bytes(machine->program->result_types[result]);
    char *slice = block->slots[machine->result_registers[result]];
    for (size_t from = 0; from < block->count; from += STREAM_SLICE) {
        size_t count = block->count - from < STREAM_SLICE ? block->count - from : STREAM_SLICE;
        run_step(machine, block, step, slice, inputs, from, count);
        stream_store(block->slots[RESULT_SLOTS + result] + from * bytes, slice, count * bytes);
        for (size_t k = 0; k < operation_inputs(step->operation); k++) {
            bool is_condition = step->operation == OPERATION_SELECT && k == 0;
            size_t input_bytes = expression_type_bytes(is_condition ? EXPRESSION_BOOL : step->type);
            inputs[k] = (const char *)inputs[k] + (step->singles >> k & 1 ? 0 : count * input_bytes);
        }
    }
}

static void fetch_lines(const char *from, const char *end, bool is_written) {
    for (; from < end; from += LINE) {
        if (is_written) {
            __builtin_prefetch(from, 1, 2);
        } else {
            __builtin_prefetch(from, 0, 2);
        }
    }
}

/* Elements [from, to) of the block after this one. It may be beyond the arrays: nothing is touched. */
static void fetch_next(const struct machine *machine, const struct block *block, size_t from, size_t to) {
    const struct expression_program *program = machine->program;
    for (size_t k = 0; k < machine->read_count; k++) {
        size_t i = machine->reads[k];
        if (machine->copied[i] == 0) {
            size_t bytes = expression_type_bytes(program->operand_types[i]);
            const char *next = block->slots[OPERAND_SLOTS + i] + block->count * bytes;
            fetch_lines(next + from * bytes, next + to * bytes, false);
        }
    }
    for (size_t i = 0; i < program->result_count; i++) {
        size_t bytes = expression_type_bytes(program->result_types[i]);
        const char *next = block->slots[RESULT_SLOTS + i] + block->count * bytes;
        if (!machine->streams[i]) {
            fetch_lines(next + from * bytes, next + to * bytes, true);
        }
    }
}

static void run_block(struct machine *machine, struct block *block) {
    size_t step_count = machine->program->step_count - machine->program->single_steps;
    size_t cost = 0, fetched = 0;
    find_operands(machine, block);
    for (size_t i = 0; i < step_count && !is_cancelled(machine); i++) {
        const struct step *step = &machine->steps[i];
        if (machine->fetches) { /* as much as the step's part of the time */
            cost += operation_cost(step->operation, step->type);
            size_t to = block->count * cost / machine->program->cost;
            fetch_next(machine, block, fetched, to);
            fetched = to;
        }
        const void *inputs[OPERATION_INPUTS_MAX];
        for (size_t k = 0; k < OPERATION_INPUTS_MAX; k++) { /* beyond the step's own: any register */
            inputs[k] = input_at(machine, block, step->inputs[k]);
        }
        if (place_kind_of(step->out) == PLACE_RESULT && machine->streams[place_index(step->out)]) {
            run_streamed(machine, block, step, inputs);
        } else {
            run_step(machine, block, step, block->slots[slot_of(step->out)], inputs, 0, block->count);
        }
    }
    put_results(machine, block);
}

void machine_evaluate_at(struct machine *machine, char *registers, size_t begin, size_t count,
                         const void *const *operands, void *const *results) {
    const struct expression_program *program = machine->program;
    struct block block; /* of its table the registers, of which there may be many, are set as far as they are used */
    block.given = operands;
    block.first = begin;
    memset(&block.slots[OPERAND_SLOTS], 0, (SLOTS - OPERAND_SLOTS) * sizeof *block.slots);
    size_t filled = 0;
    do { /* one at least: inputs that a step doesn't have are there */
        block.slots[filled] = registers + filled * machine->block * machine->width;
    } while (++filled < machine->register_count);
    for (size_t at = begin, end = begin + count; at < end && !is_cancelled(machine); at += machine->block) {
        block.begin = at;
        block.count = end - at < machine->block ? end - at : machine->block;
        for (size_t i = 0; i < program->result_count; i++) {
            size_t bytes = expression_type_bytes(program->result_types[i]);
            block.slots[RESULT_SLOTS + i] = (char *)results[i] + (at - begin) * bytes;
        }
        run_block(machine, &block);
    }
}

void machine_evaluate(struct machine *machine, char *registers, size_t begin, size_t count, void *const *results) {
    machine_evaluate_at(machine, registers, begin, count, NULL, results);
    stream_end();
}

/* --- a run ------------------------------------------------------------------------------------------------------- */

/* The single values, by the steps that come first. A failure is every element's. */
static void run_singles(struct machine *machine) {
    const struct expression_program *program = machine->program;
    union expression_value *singles = machine->singles;
    const struct step *steps = program_steps(program);
    memcpy(singles, program_constants(program), program->constant_count * sizeof *singles);
    for (size_t i = 0; i < program->operand_count; i++) {
        if (expression_uses(program, i) && place_kind_of(program->operand_places[i]) == PLACE_SINGLE) {
            memcpy(&singles[place_index(program->operand_places[i])], machine->operands[i].values,
                   expression_type_bytes(program->operand_types[i]));
        }
    }
    for (size_t i = 0; i < program->single_steps; i++) {
        const void *inputs[OPERATION_INPUTS_MAX] = {NULL};
        struct block_fault fault = {0};
        for (size_t k = 0; k < operation_inputs(steps[i].operation); k++) {
            inputs[k] = &singles[place_index(steps[i].inputs[k])];
        }
        block_run(steps[i].operation, steps[i].type, &singles[place_index(steps[i].out)], inputs, 0, 1, &fault);
        if (fault.kind) {
            first_failure_note(&machine->first_failure, pack_failure(0, i, fault.kind));
        }
    }
}

/* Bytes of the largest element that a register may have to hold. */
static size_t widest(const struct expression_program *program) {
    const struct step *steps = program_steps(program);
    size_t most = 1;
    for (size_t i = 0; i < program->operand_count; i++) {
        size_t bytes = expression_uses(program, i) ? expression_type_bytes(program->operand_types[i]) : 1;
        most = bytes > most ? bytes : most;
    }
    for (size_t i = program->single_steps; i < program->step_count; i++) {
        size_t bytes = expression_type_bytes(operation_result(steps[i].operation, steps[i].type));
        most = bytes > most ? bytes : most;
    }
    return most;
}

static size_t longest_block(const struct expression_program *program) {
    const struct step *steps = program_steps(program);
    for (size_t i = program->single_steps; i < program->step_count; i++) {
        if (operation_cost(steps[i].operation, EXPRESSION_FLOAT64) >= SLOW_COST) {
            return SLOW_BLOCK;
        }
    }
    return BLOCK_MAX;
}

/* Registers of operands that are copied and of results that are streamed, and how many elements all of them have. */
static void plan_registers(struct machine *machine, void *const *results, size_t count) {
    const struct expression_program *program = machine->program;
    size_t registers = program->register_count;
    for (size_t i = 0; i < program->result_count; i++) {
        bool is_own = results && program->cost <= STREAM_COST;
        for (size_t k = 0; k < program->operand_count; k++) {
            is_own = is_own && machine->operands[k].values != results[i];
        }
        machine->streams[i] = is_own && place_kind_of(program->results[i]) == PLACE_RESULT &&
                              count >= STREAM_BYTES / expression_type_bytes(program->result_types[i]);
        machine->result_registers[i] = (uint16_t)registers;
        registers += machine->streams[i];
    }
    machine->read_count = 0;
    for (size_t i = 0; i < program->operand_count; i++) {
        bool is_read = expression_uses(program, i) && place_kind_of(program->operand_places[i]) == PLACE_OPERAND;
        bool is_copied = is_read && !is_whole(&machine->operands[i], machine->shape);
        machine->reads[machine->read_count] = (uint8_t)i;
        machine->read_count += is_read;
        registers += is_copied && registers == 0; /* 0 says that there is none */
        machine->copied[i] = is_copied ? (uint16_t)registers : 0;
        registers += is_copied;
    }
    registers = registers > 0 ? registers : 1;
    machine->register_count = registers;
    machine->width = widest(program);
    size_t wanted = CACHE_BYTES / machine->width / registers / ALIGNMENT * ALIGNMENT;
    size_t most = MACHINE_REGISTER_BYTES / machine->width / registers / ALIGNMENT * ALIGNMENT;
    size_t steps = (size_t)program->step_count - program->single_steps;
    bool is_far = results && count >= STREAM_BYTES / machine->width;
    machine->fetches = is_far && steps > 1;
    if (is_far && steps > 1 && steps <= FEW_STEPS && wanted > FAR_BYTES / machine->width) {
        wanted = FAR_BYTES / machine->width;
    }
    size_t least = most < BLOCK_MAX / 4 ? most : BLOCK_MAX / 4, longest = longest_block(program);
    machine->block = wanted > longest ? longest : wanted < least ? least : wanted;
}

void machine_open(struct machine *machine, const struct expression_program *program,
                  const struct expression_array *operands, const struct expression_shape *shape, void *const *results,
                  const atomic_bool *cancel) {
    size_t count = expression_count(shape);
    machine->program = program;
    machine->steps = program_steps(program) + program->single_steps;
    machine->operands = operands;
    machine->shape = shape;
    machine->cancel = cancel;
    atomic_init(&machine->first_failure, UINT64_MAX);
    plan_registers(machine, results, count);
    if (count > 0) {
        run_singles(machine);
    }
}

bool machine_failed(const struct machine *machine, struct expression_failure *out) {
    uint64_t failure = atomic_load_explicit(&machine->first_failure, memory_order_relaxed);
    *out = (struct expression_failure){.kind = EXPRESSION_NO_FAILURE};
    if (failure == UINT64_MAX) {
        return false;
    }
    const struct step *step = &program_steps(machine->program)[failure >> 3 & 0x1FFF];
    enum expression_failure_kind kind = (enum expression_failure_kind)(failure & 7);
    *out = (struct expression_failure){.kind = kind,
                                       .element = failure >> 16,
                                       .text = step->text,
                                       .byte = step->byte,
                                       .what = operation_words(step->operation),
                                       .problem = operation_problem(kind)};
    return true;
}

/* --- maps -------------------------------------------------------------------------------------------------------- */

struct map {
    struct machine machine;
    void *const *results;
};

static void map_piece(void *context, size_t begin, size_t end) {
    struct map *map = context;
    const struct expression_program *program = map->machine.program;
    _Alignas(ALIGNMENT) char registers[MACHINE_REGISTER_BYTES]; /* touched as far as they are used */
    void *results[EXPRESSION_RESULTS_MAX] = {NULL};
    for (size_t i = 0; i < program->result_count; i++) {
        results[i] = (char *)map->results[i] + begin * expression_type_bytes(program->result_types[i]);
    }
    machine_evaluate(&map->machine, registers, begin, end - begin, results);
}

static size_t piece_of(const struct machine *machine) {
    size_t elements = (size_t)PIECE_NS * 8 / (machine->program->cost + 1);
    size_t blocks = (elements < PIECE_ELEMENTS ? elements : PIECE_ELEMENTS) / machine->block;
    return (blocks < 1 ? 1 : blocks) * machine->block;
}

enum kernel_status expression_run(const struct expression_program *program, const struct expression_array *operands,
                                  const struct expression_shape *shape, void *const *results, const struct team *team,
                                  const struct progress *progress, struct expression_failure *failure) {
    struct map map; /* its singles are set as far as they are used */
    map.results = results;
    machine_open(&map.machine, program, operands, shape, results, progress->cancel);
    enum kernel_status status =
        team_for(team, progress, expression_count(shape), piece_of(&map.machine), map_piece, &map);
    (void)machine_failed(&map.machine, failure);
    return is_cancelled(&map.machine) ? KERNEL_CANCELLED : status;
}

uint64_t expression_cost_ns(const struct expression_program *program, size_t count) {
    enum { START_NS = 300 };
    return START_NS + (uint64_t)count * (program->predicted + 2) / 8;
}
