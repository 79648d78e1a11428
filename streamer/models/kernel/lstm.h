/* A stack of LSTM layers over blocks of windows, and over every window of one stream. */

#ifndef STREAMER_LSTM_H
#define STREAMER_LSTM_H

#include <stddef.h>

#define MAX_LAYERS 16
/* Of inputs and of the units of a layer; sizes in bytes then fit into 32 bits. */
#define MAX_SIZE 8192
/* A tile, the lanes that advance together, is at most this many vector registers wide. */
#define VECTORS 3
/* The widest vector register, in floats: units of a first step are padded to it. */
#define MAX_WIDTH 16

typedef struct {
    ptrdiff_t inputs;           /* rows from below */
    ptrdiff_t units;            /* rows of its own */
    ptrdiff_t rows;             /* the same, rounded up to whole groups */
    const float *weights;       /* (groups, 1 + inputs + units, 4 * group), bias first */
    const float *first_weights; /* (1 + inputs, 4, padded units), bias first */
} Layer;

typedef struct {
    ptrdiff_t inputs;
    int layers;
    Layer layer[MAX_LAYERS];
} Network;

/* The arithmetic for one instruction set. */
typedef struct {
    const char *name;
    int width; /* floats in a vector register */
    int group; /* units computed together */
    const float *(*advance)(const Network *network, float *tile, int vectors, int parity);
    void (*begin)(const Network *network, const float *values, float *first, float *sums);
} Kernel;

/* The kernels that this processor can run, best first; NULL at the end. */
const Kernel *supported_kernel(int number);

/* Numbers in the weights of a layer, for its steps and for its first step. */
ptrdiff_t weights_size(const Layer *layer);
ptrdiff_t first_weights_size(const Layer *layer);

/* Numbers in the state of a stream with `lanes` windows under way beside the one that begins,
 * and in the work space of `run_windows`. */
ptrdiff_t state_size(const Network *network, const Kernel *kernel, ptrdiff_t lanes);
ptrdiff_t work_size(const Network *network, const Kernel *kernel);

/* Float32 arrays by their strides in bytes. */
typedef struct {
    char *data;
    ptrdiff_t strides[3];
} Array;

/* Compute windows: inputs (windows, timesteps, inputs) to hidden states (windows, units). */
void run_windows(const Network *network, const Kernel *kernel, float *work, ptrdiff_t windows,
                 ptrdiff_t timesteps, Array inputs, Array hidden);

/* Take one reading of a stream: all lanes advance; the one in `slot` is then complete, gives its
 * hidden state, and makes room for the one that begins. `parity` alternates. */
void roll_stream(const Network *network, const Kernel *kernel, float *state, ptrdiff_t lanes,
                 ptrdiff_t slot, int parity, const float *values, float *hidden);

#endif
