/* The kernels, and what runs on them: blocks of windows, and one stream.
 *
 * The products are computed here rather than by a library of linear algebra: the weights are
 * constant, so that they are laid out once in the order in which they are used, and the sums of
 * a few units are still in registers when their gates are computed. The arithmetic is in
 * lstm_tile.h, compiled once for each instruction set; the processor decides at run time.
 */

#include "lstm.h"

#include <stdint.h>
#include <string.h>

/* Beyond it, a sigmoid or tanh is 0 or 1 to float32; its square is still a float32. */
#define MAX_EXPONENT 30.0f
/* Added to a float32, it leaves the nearest integer in the low bits. */
#define ROUND_TO_INTEGER 12582912.0f
#define PADDED(count) (((count) + MAX_WIDTH - 1) / MAX_WIDTH * MAX_WIDTH)
#define ALIGNMENT 64

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>

#define SUFFIX _avx512
#define LABEL "avx512"
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define WIDTH 16
#define GROUP 2
#define VMIN(a, b) ((VEC)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define VMAX(a, b) ((VEC)_mm512_max_ps((__m512)(a), (__m512)(b)))
#include "lstm_tile.h"

#define SUFFIX _avx2
#define LABEL "avx2"
#define TARGET __attribute__((target("avx2,fma")))
#define WIDTH 8
#define GROUP 1
#define VMIN(a, b) ((VEC)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define VMAX(a, b) ((VEC)_mm256_max_ps((__m256)(a), (__m256)(b)))
#include "lstm_tile.h"
#endif

#define SUFFIX _baseline
#define LABEL "baseline"
#define TARGET
#define WIDTH 4
#ifdef __SSE2__
#define GROUP 1
#define VMIN(a, b) ((VEC)_mm_min_ps((__m128)(a), (__m128)(b)))
#define VMAX(a, b) ((VEC)_mm_max_ps((__m128)(a), (__m128)(b)))
#else
/* Sixteen or more registers are usual elsewhere, 32 on 64-bit ARM. */
#define GROUP 2
#define CHOOSE(mask, a, b) ((VEC)(((mask) & (IVEC)(a)) | (~(mask) & (IVEC)(b))))
#define VMIN(a, b) CHOOSE((a) < (b), a, b)
#define VMAX(a, b) CHOOSE((a) > (b), a, b)
#endif
#include "lstm_tile.h"

static const Kernel *const KERNELS[] = {
#if defined(__x86_64__) || defined(__i386__)
    &kernel_avx512,
    &kernel_avx2,
#endif
    &kernel_baseline,
};

static int is_supported(const Kernel *kernel) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    if (kernel == &kernel_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (kernel == &kernel_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") &&
               __builtin_cpu_supports("fma");
#endif
    return kernel == &kernel_baseline;
}

const Kernel *supported_kernel(int number) {
    for (size_t place = 0; place < sizeof(KERNELS) / sizeof(KERNELS[0]); place++)
        if (is_supported(KERNELS[place]) && number-- == 0)
            return KERNELS[place];
    return NULL;
}

ptrdiff_t weights_size(const Layer *layer) {
    return layer->rows * 4 * (1 + layer->inputs + layer->units);
}

ptrdiff_t first_weights_size(const Layer *layer) {
    return (1 + layer->inputs) * 4 * PADDED(layer->units);
}

/* Rows of a tile: inputs, then cell and twice the hidden state of each layer. */
static ptrdiff_t tile_rows(const Network *network) {
    ptrdiff_t rows = network->inputs;
    for (int number = 0; number < network->layers; number++)
        rows += 3 * network->layer[number].rows;
    return rows;
}

/* Floats of a lane's first cell and hidden state in each layer. */
static ptrdiff_t first_size(const Network *network) {
    ptrdiff_t size = 0;
    for (int number = 0; number < network->layers; number++)
        size += 2 * PADDED(network->layer[number].units);
    return size;
}

/* The same, and before it room for the sums of any layer. */
static ptrdiff_t begin_size(const Network *network) {
    ptrdiff_t widest = 0;
    for (int number = 0; number < network->layers; number++) {
        const ptrdiff_t padded = PADDED(network->layer[number].units);
        widest = padded > widest ? padded : widest;
    }
    return 4 * widest + first_size(network);
}

ptrdiff_t work_size(const Network *network, const Kernel *kernel) {
    return tile_rows(network) * VECTORS * kernel->width + ALIGNMENT / (ptrdiff_t)sizeof(float);
}

ptrdiff_t state_size(const Network *network, const Kernel *kernel, ptrdiff_t lanes) {
    const ptrdiff_t vectors = (lanes + kernel->width - 1) / kernel->width;
    return tile_rows(network) * vectors * kernel->width + begin_size(network) +
           ALIGNMENT / (ptrdiff_t)sizeof(float);
}

static float *aligned(void *memory) {
    return (float *)(((uintptr_t)memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

/* Compute up to a tile's width of windows. */
static void run_tile(const Network *network, const Kernel *kernel, float *tile, ptrdiff_t windows,
                     ptrdiff_t timesteps, Array inputs, Array hidden) {
    const int vectors = (int)((windows + kernel->width - 1) / kernel->width);
    const ptrdiff_t lanes = (ptrdiff_t)vectors * kernel->width;
    const float *last = NULL;
    memset(tile, 0, sizeof(float) * tile_rows(network) * lanes);
    for (ptrdiff_t step = 0; step < timesteps; step++) {
        for (ptrdiff_t input = 0; input < network->inputs; input++) {
            const char *from = inputs.data + step * inputs.strides[1] + input * inputs.strides[2];
            float *row = tile + input * lanes;
            for (ptrdiff_t lane = 0; lane < windows; lane++)
                row[lane] = *(const float *)(from + lane * inputs.strides[0]);
        }
        last = kernel->advance(network, tile, vectors, (int)(step & 1));
    }
    const ptrdiff_t units = network->layer[network->layers - 1].units;
    for (ptrdiff_t lane = 0; lane < windows; lane++)
        for (ptrdiff_t unit = 0; unit < units; unit++)
            *(float *)(hidden.data + lane * hidden.strides[0] + unit * hidden.strides[1]) =
                last[unit * lanes + lane];
}

void run_windows(const Network *network, const Kernel *kernel, float *work, ptrdiff_t windows,
                 ptrdiff_t timesteps, Array inputs, Array hidden) {
    const ptrdiff_t width = (ptrdiff_t)VECTORS * kernel->width;
    float *tile = aligned(work);
    for (ptrdiff_t start = 0; start < windows; start += width) {
        const ptrdiff_t count = windows - start < width ? windows - start : width;
        run_tile(network, kernel, tile, count, timesteps, inputs, hidden);
        inputs.data += count * inputs.strides[0];
        hidden.data += count * hidden.strides[0];
    }
}

/* Put the state of a lane that has begun into its column of a tile. */
static void place(const Network *network, float *tile, ptrdiff_t lanes, ptrdiff_t lane, int parity,
                  const float *first) {
    float *state = tile + network->inputs * lanes;
    for (int number = 0; number < network->layers; number++) {
        const Layer *layer = &network->layer[number];
        const ptrdiff_t size = layer->rows * lanes, padded = PADDED(layer->units);
        float *next = state + (parity ? 1 : 2) * size;
        for (ptrdiff_t unit = 0; unit < layer->units; unit++) {
            state[unit * lanes + lane] = first[unit];
            next[unit * lanes + lane] = first[padded + unit];
        }
        first += 2 * padded;
        state += 3 * size;
    }
}

void roll_stream(const Network *network, const Kernel *kernel, float *state, ptrdiff_t lanes,
                 ptrdiff_t slot, int parity, const float *values, float *hidden) {
    state = aligned(state);
    const Layer *top = &network->layer[network->layers - 1];
    const ptrdiff_t width = (ptrdiff_t)VECTORS * kernel->width;
    float *slot_tile = NULL;
    ptrdiff_t slot_lanes = 0;
    for (ptrdiff_t start = 0; start < lanes; start += width) {
        const ptrdiff_t left = lanes - start < width ? lanes - start : width;
        const int vectors = (int)((left + kernel->width - 1) / kernel->width);
        const ptrdiff_t tile_lanes = (ptrdiff_t)vectors * kernel->width;
        for (ptrdiff_t input = 0; input < network->inputs; input++)
            for (ptrdiff_t lane = 0; lane < tile_lanes; lane++)
                state[input * tile_lanes + lane] = values[input];
        const float *last = kernel->advance(network, state, vectors, parity);
        if (slot >= start && slot < start + left) {
            slot_tile = state;
            slot_lanes = tile_lanes;
            for (ptrdiff_t unit = 0; unit < top->units; unit++)
                hidden[unit] = last[unit * tile_lanes + slot - start];
        }
        state += tile_rows(network) * tile_lanes;
    }
    float *sums = state, *first = state + begin_size(network) - first_size(network);
    kernel->begin(network, values, first, sums);
    if (slot_tile)
        place(network, slot_tile, slot_lanes, slot % width, parity, first);
    else /* no lanes: a window is a single reading */
        memcpy(hidden, first + first_size(network) - PADDED(top->units),
               sizeof(float) * top->units);
}
