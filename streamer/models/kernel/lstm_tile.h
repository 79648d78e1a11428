/* The LSTM arithmetic for one vector width; lstm.c includes it once for each instruction set.
 *
 * Before it is included, these are defined, and undefined at its end:
 *
 *   SUFFIX     ending of the names of its functions
 *   LABEL      name of the kernel
 *   TARGET     function attribute that allows the instructions
 *   WIDTH      floats in a vector register
 *   GROUP      units computed together: their 4 * GROUP * VECTORS sums are kept in registers
 *   VMIN VMAX  smaller and larger of two vectors, the second where one is NaN
 *
 * A tile is a few vector registers' worth of lanes (windows) that advance together. Its state
 * is a number of rows, one float a lane each: the inputs, then for each layer the cell, the
 * hidden state of the last step and room for that of the next.
 *
 * Every sum adds bias, inputs from below and own hidden state in this order, one after the
 * other, whatever the number of lanes: a window has the same bits in any tile.
 */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(name) JOIN(name, SUFFIX)

typedef float NAME(vec) __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));
typedef int32_t NAME(ivec) __attribute__((vector_size(WIDTH * 4)));
#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE VEC NAME(load)(const float *from) { return *(const VEC *)from; }
INLINE void NAME(store)(float *to, VEC values) { *(VEC *)to = values; }

/* exp(x) for |x| <= MAX_EXPONENT: the nearest power of two times a polynomial. Its relative
 * error is 3e-9 before rounding; the coefficients are a minimax fit on half a binade. */
INLINE VEC NAME(exp)(VEC x) {
    const VEC zero = {0};
    x = VMAX(zero - MAX_EXPONENT, VMIN(zero + MAX_EXPONENT, x));
    const VEC shifted = x * 1.44269504f + ROUND_TO_INTEGER;
    const VEC whole = shifted - ROUND_TO_INTEGER;
    /* ln 2 in two parts, of which the first has few bits, so that the product is exact. */
    VEC r = x - whole * 0.693359375f;
    r = r + whole * 2.12194440e-4f;
    VEC p = 0.008368780883f + r * 0.001381446203f;
    p = 0.04166839432f + r * p;
    p = 0.166665201f + r * p;
    p = 0.4999999341f + r * p;
    p = (1.0f + r) + (r * r) * p;
    /* The low bits of `shifted` are the integer; the shift puts them into the exponent. */
    return (VEC)((IVEC)p + ((IVEC)shifted << 23));
}

/* Update cell and hidden state from the gates' sums, which come negated (the candidate's
 * doubled, too): sigmoid(z) = 1 / (1 + exp(-z)), tanh(z) = (1 - exp(-2z)) / (1 + exp(-2z)). */
INLINE void NAME(gates)(VEC in, VEC forget, VEC out, VEC candidate, float *cell, float *hidden) {
    const VEC e_in = NAME(exp)(in), e_forget = NAME(exp)(forget);
    const VEC e_out = NAME(exp)(out), e_candidate = NAME(exp)(candidate);
    const VEC kept = NAME(load)(cell) / (1.0f + e_forget);
    const VEC added = (1.0f - e_candidate) / ((1.0f + e_in) * (1.0f + e_candidate));
    const VEC state = kept + added;
    NAME(store)(cell, state);
    const VEC e_state = NAME(exp)(-2.0f * state);
    NAME(store)(hidden, (1.0f - e_state) / ((1.0f + e_out) * (1.0f + e_state)));
}

/* Add `rows` rows of a tile, times the weights of one group of units; returns the weights
 * after those. */
INLINE const float *NAME(add)(VEC sums[4 * GROUP][VECTORS], const float *weights,
                              const float *rows, ptrdiff_t count, const int vectors) {
    for (ptrdiff_t row = 0; row < count; row++) {
        VEC values[VECTORS];
        _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++)
            values[v] = NAME(load)(rows + v * WIDTH);
        _Pragma("GCC unroll 16") for (int sum = 0; sum < 4 * GROUP; sum++) {
            _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++)
                sums[sum][v] += weights[sum] * values[v];
        }
        rows += vectors * WIDTH;
        weights += 4 * GROUP;
    }
    return weights;
}

/* Advance one layer of a tile: `below` and `own` in, `cell` and `next` out. */
INLINE void NAME(layer)(const Layer *layer, const float *below, const float *own, float *cell,
                        float *next, const int vectors) {
    const float *weights = layer->weights;
    for (ptrdiff_t unit = 0; unit < layer->units; unit += GROUP) {
        VEC sums[4 * GROUP][VECTORS];
        _Pragma("GCC unroll 16") for (int sum = 0; sum < 4 * GROUP; sum++) {
            const VEC zero = {0};
            _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++)
                sums[sum][v] = zero + weights[sum];
        }
        weights += 4 * GROUP;
        weights = NAME(add)(sums, weights, below, layer->inputs, vectors);
        weights = NAME(add)(sums, weights, own, layer->units, vectors);
        _Pragma("GCC unroll 4") for (int member = 0; member < GROUP; member++) {
            _Pragma("GCC unroll 8") for (int v = 0; v < vectors; v++)
                NAME(gates)(sums[4 * member][v], sums[4 * member + 1][v], sums[4 * member + 2][v],
                            sums[4 * member + 3][v], cell + v * WIDTH, next + v * WIDTH);
            cell += vectors * WIDTH;
            next += vectors * WIDTH;
        }
    }
}

TARGET static void NAME(layer_1)(const Layer *layer, const float *below, const float *own,
                                 float *cell, float *next) {
    NAME(layer)(layer, below, own, cell, next, 1);
}

TARGET static void NAME(layer_2)(const Layer *layer, const float *below, const float *own,
                                 float *cell, float *next) {
    NAME(layer)(layer, below, own, cell, next, 2);
}

TARGET static void NAME(layer_3)(const Layer *layer, const float *below, const float *own,
                                 float *cell, float *next) {
    NAME(layer)(layer, below, own, cell, next, 3);
}

/* Advance all layers of a tile whose inputs are in its first rows; returns the last layer's
 * hidden state. */
TARGET static const float *NAME(advance)(const Network *network, float *tile, int vectors,
                                         int parity) {
    const ptrdiff_t lanes = (ptrdiff_t)vectors * WIDTH;
    const float *below = tile;
    float *state = tile + network->inputs * lanes;
    for (int number = 0; number < network->layers; number++) {
        const Layer *layer = &network->layer[number];
        const ptrdiff_t size = layer->rows * lanes;
        float *own = state + (parity ? 2 : 1) * size, *next = state + (parity ? 1 : 2) * size;
        switch (vectors) {
        case 1: NAME(layer_1)(layer, below, own, state, next); break;
        case 2: NAME(layer_2)(layer, below, own, state, next); break;
        default: NAME(layer_3)(layer, below, own, state, next);
        }
        below = next;
        state += 3 * size;
    }
    return below;
}

/* The first step of one lane, whose state is zero before: only bias and inputs count. Units
 * take the place of lanes. `first` is each layer's cell and then hidden state, padded. */
TARGET static void NAME(begin)(const Network *network, const float *values, float *first,
                               float *sums) {
    const float *below = values;
    for (int number = 0; number < network->layers; number++) {
        const Layer *layer = &network->layer[number];
        const ptrdiff_t padded = PADDED(layer->units);
        const float *weights = layer->first_weights;
        memcpy(sums, weights, sizeof(float) * 4 * padded);
        for (ptrdiff_t row = 0; row < layer->inputs; row++) {
            weights += 4 * padded;
            for (ptrdiff_t sum = 0; sum < 4 * padded; sum += WIDTH)
                NAME(store)(sums + sum,
                            NAME(load)(sums + sum) + below[row] * NAME(load)(weights + sum));
        }
        float *cell = first, *hidden = first + padded;
        memset(cell, 0, sizeof(float) * padded);
        for (ptrdiff_t unit = 0; unit < padded; unit += WIDTH)
            NAME(gates)(NAME(load)(sums + unit), NAME(load)(sums + padded + unit),
                        NAME(load)(sums + 2 * padded + unit), NAME(load)(sums + 3 * padded + unit),
                        cell + unit, hidden + unit);
        below = hidden;
        first += 2 * padded;
    }
}

static const Kernel NAME(kernel) = {LABEL, WIDTH, GROUP, NAME(advance), NAME(begin)};

#undef JOIN_
#undef JOIN
#undef NAME
#undef VEC
#undef IVEC
#undef INLINE
#undef SUFFIX
#undef LABEL
#undef TARGET
#undef WIDTH
#undef GROUP
#undef VMIN
#undef VMAX
