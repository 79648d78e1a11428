/* A stack of LSTM layers over blocks of windows, and over every window of one stream.
 *
 * The products are computed here rather than by a library of linear algebra: the weights are
 * constant, so that they are laid out once in the order in which they are used, and the sums of
 * a few units are still in registers when their gates are computed. The arithmetic is in
 * lstm_tile.h, compiled once for each instruction set; the processor decides at run time.
 *
 * Everything is float32. The caller lays out the weights (streamer/models/compiled.py) and
 * checks values; sizes are checked here against the buffers, so that no call can reach beyond
 * them.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_LAYERS 16
/* Of inputs and of the units of a layer; sizes in bytes then fit into 32 bits. */
#define MAX_SIZE 8192
/* A tile is at most this many vector registers wide. */
#define VECTORS 3
/* Beyond it, a sigmoid or tanh is 0 or 1 to float32; its square is still a float32. */
#define MAX_EXPONENT 30.0f
/* Added to a float32, it leaves the nearest integer in the low bits. */
#define ROUND_TO_INTEGER 12582912.0f
/* The widest vector register, in floats: units of a first step are padded to it. */
#define MAX_WIDTH 16
#define PADDED(count) (((count) + MAX_WIDTH - 1) / MAX_WIDTH * MAX_WIDTH)
#define ALIGNMENT 64

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

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>

#define SUFFIX _avx512
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define WIDTH 16
#define GROUP 2
#define VMIN(a, b) ((VEC)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define VMAX(a, b) ((VEC)_mm512_max_ps((__m512)(a), (__m512)(b)))
#include "lstm_tile.h"

#define SUFFIX _avx2
#define TARGET __attribute__((target("avx2,fma")))
#define WIDTH 8
#define GROUP 1
#define VMIN(a, b) ((VEC)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define VMAX(a, b) ((VEC)_mm256_max_ps((__m256)(a), (__m256)(b)))
#include "lstm_tile.h"
#endif

#define SUFFIX _baseline
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

typedef struct {
    const char *name;
    int width;
    int group;
    const float *(*advance)(const Network *, float *, int, int);
    void (*begin)(const Network *, const float *, float *, float *);
} Kernel;

static const Kernel KERNELS[] = {
#if defined(__x86_64__) || defined(__i386__)
    {"avx512", 16, 2, advance_avx512, begin_avx512},
    {"avx2", 8, 1, advance_avx2, begin_avx2},
#endif
#ifdef __SSE2__
    {"baseline", 4, 1, advance_baseline, begin_baseline},
#else
    {"baseline", 4, 2, advance_baseline, begin_baseline},
#endif
};
#define KERNEL_COUNT ((int)(sizeof(KERNELS) / sizeof(KERNELS[0])))

static int is_supported(const char *name) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    if (!strcmp(name, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") &&
               __builtin_cpu_supports("fma");
    if (!strcmp(name, "avx2"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return !strcmp(name, "baseline");
}

static const Kernel *find_kernel(const char *name) {
    for (int number = 0; number < KERNEL_COUNT; number++)
        if (!strcmp(KERNELS[number].name, name) && is_supported(name))
            return &KERNELS[number];
    PyErr_Format(PyExc_ValueError, "no kernel %s on this processor", name);
    return NULL;
}

/* Fill in a network's sizes from (inputs, units of each layer); 0 with an exception if they
 * make no sense. */
static int parse_sizes(PyObject *sizes, const Kernel *kernel, Network *network) {
    const Py_ssize_t count = PyTuple_Size(sizes);
    if (count < 0)
        return 0;
    if (count < 2 || count > MAX_LAYERS + 1) {
        PyErr_Format(PyExc_ValueError, "%zd layers, must be 1 to %d", count - 1, MAX_LAYERS);
        return 0;
    }
    network->layers = (int)count - 1;
    for (Py_ssize_t place = 0; place < count; place++) {
        const Py_ssize_t size = PyLong_AsSsize_t(PyTuple_GetItem(sizes, place));
        if (size == -1 && PyErr_Occurred())
            return 0;
        if (size < 1 || size > MAX_SIZE) {
            PyErr_Format(PyExc_ValueError, "a size is %zd, must be 1 to %d", size, MAX_SIZE);
            return 0;
        }
        if (place == 0) {
            network->inputs = size;
            continue;
        }
        Layer *layer = &network->layer[place - 1];
        layer->inputs = place == 1 ? network->inputs : network->layer[place - 2].units;
        layer->units = size;
        layer->rows = (size + kernel->group - 1) / kernel->group * kernel->group;
    }
    return 1;
}

static ptrdiff_t weights_size(const Layer *layer) {
    return layer->rows * 4 * (1 + layer->inputs + layer->units);
}

static ptrdiff_t first_weights_size(const Layer *layer) {
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

/* Floats of the state of a stream whose windows keep `lanes` lanes under way. */
static ptrdiff_t state_size(const Network *network, const Kernel *kernel, ptrdiff_t lanes) {
    const ptrdiff_t vectors = (lanes + kernel->width - 1) / kernel->width;
    return tile_rows(network) * vectors * kernel->width + begin_size(network) +
           ALIGNMENT / (ptrdiff_t)sizeof(float);
}

static float *aligned(void *memory) {
    return (float *)(((uintptr_t)memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

/* Get a buffer of float32; with `size` not negative it must be contiguous and of that size. */
static int get_floats(PyObject *object, Py_buffer *view, int flags, int dimensions,
                      ptrdiff_t size, const char *what) {
    if (PyObject_GetBuffer(object, view, flags | PyBUF_FORMAT) < 0)
        return 0;
    if (view->itemsize != sizeof(float) || !view->format || strcmp(view->format, "f") ||
        (dimensions && view->ndim != dimensions)) {
        PyErr_Format(PyExc_ValueError, "%s must be float32 with %d dimensions", what, dimensions);
    } else if (size >= 0 && view->len != size * (ptrdiff_t)sizeof(float)) {
        PyErr_Format(PyExc_ValueError, "%s holds %zd numbers, must be %zd", what,
                     view->len / (Py_ssize_t)sizeof(float), (Py_ssize_t)size);
    } else {
        return 1;
    }
    PyBuffer_Release(view);
    return 0;
}

static int get_weights(PyObject *object, Py_buffer *view, Network *network) {
    ptrdiff_t size = 0;
    for (int number = 0; number < network->layers; number++)
        size += weights_size(&network->layer[number]);
    if (!get_floats(object, view, PyBUF_C_CONTIGUOUS, 1, size, "weights"))
        return 0;
    const float *next = view->buf;
    for (int number = 0; number < network->layers; number++) {
        network->layer[number].weights = next;
        next += weights_size(&network->layer[number]);
    }
    return 1;
}

static int get_first_weights(PyObject *object, Py_buffer *view, Network *network) {
    ptrdiff_t size = 0;
    for (int number = 0; number < network->layers; number++)
        size += first_weights_size(&network->layer[number]);
    if (!get_floats(object, view, PyBUF_C_CONTIGUOUS, 1, size, "first weights"))
        return 0;
    const float *next = view->buf;
    for (int number = 0; number < network->layers; number++) {
        network->layer[number].first_weights = next;
        next += first_weights_size(&network->layer[number]);
    }
    return 1;
}

/* The whole of up to a tile's width of windows: inputs by any strides, hidden state out. */
static void run_tile(const Network *network, const Kernel *kernel, float *tile, ptrdiff_t windows,
                     ptrdiff_t timesteps, const char *inputs, const Py_ssize_t *strides,
                     char *hidden, const Py_ssize_t *hidden_strides) {
    const int vectors = (int)((windows + kernel->width - 1) / kernel->width);
    const ptrdiff_t lanes = (ptrdiff_t)vectors * kernel->width;
    const float *last = NULL;
    memset(tile, 0, sizeof(float) * tile_rows(network) * lanes);
    for (ptrdiff_t step = 0; step < timesteps; step++) {
        for (ptrdiff_t input = 0; input < network->inputs; input++) {
            const char *from = inputs + step * strides[1] + input * strides[2];
            float *row = tile + input * lanes;
            for (ptrdiff_t lane = 0; lane < windows; lane++)
                row[lane] = *(const float *)(from + lane * strides[0]);
        }
        last = kernel->advance(network, tile, vectors, (int)(step & 1));
    }
    const ptrdiff_t units = network->layer[network->layers - 1].units;
    for (ptrdiff_t lane = 0; lane < windows; lane++)
        for (ptrdiff_t unit = 0; unit < units; unit++)
            *(float *)(hidden + lane * hidden_strides[0] + unit * hidden_strides[1]) =
                last[unit * lanes + lane];
}

static PyObject *run(PyObject *module, PyObject *args) {
    (void)module;
    const char *name;
    PyObject *sizes, *weights_object, *inputs_object, *hidden_object;
    if (!PyArg_ParseTuple(args, "sO!OOO:run", &name, &PyTuple_Type, &sizes, &weights_object,
                          &inputs_object, &hidden_object))
        return NULL;
    const Kernel *kernel = find_kernel(name);
    Network network;
    Py_buffer weights, inputs, hidden;
    if (!kernel || !parse_sizes(sizes, kernel, &network) ||
        !get_weights(weights_object, &weights, &network))
        return NULL;
    PyObject *result = NULL;
    if (!get_floats(inputs_object, &inputs, PyBUF_STRIDES, 3, -1, "inputs"))
        goto release_weights;
    if (!get_floats(hidden_object, &hidden, PyBUF_STRIDES | PyBUF_WRITABLE, 2, -1, "hidden"))
        goto release_inputs;
    const ptrdiff_t windows = inputs.shape[0], timesteps = inputs.shape[1];
    if (inputs.shape[2] != network.inputs || timesteps < 1 || hidden.shape[0] != windows ||
        hidden.shape[1] != network.layer[network.layers - 1].units) {
        PyErr_SetString(PyExc_ValueError, "inputs and hidden do not have the network's shape");
        goto release_hidden;
    }
    const ptrdiff_t width = (ptrdiff_t)VECTORS * kernel->width;
    void *memory = PyMem_Malloc(sizeof(float) * tile_rows(&network) * width + ALIGNMENT);
    if (!memory) {
        PyErr_NoMemory();
        goto release_hidden;
    }
    Py_BEGIN_ALLOW_THREADS;
    for (ptrdiff_t start = 0; start < windows; start += width)
        run_tile(&network, kernel, aligned(memory),
                 windows - start < width ? windows - start : width, timesteps,
                 (const char *)inputs.buf + start * inputs.strides[0], inputs.strides,
                 (char *)hidden.buf + start * hidden.strides[0], hidden.strides);
    Py_END_ALLOW_THREADS;
    PyMem_Free(memory);
    result = Py_NewRef(Py_None);
release_hidden:
    PyBuffer_Release(&hidden);
release_inputs:
    PyBuffer_Release(&inputs);
release_weights:
    PyBuffer_Release(&weights);
    return result;
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

/* One reading of a stream: all lanes advance; the one in `slot` is then complete, and makes room
 * for the one that begins. */
static void roll(const Network *network, const Kernel *kernel, float *state, ptrdiff_t lanes,
                 ptrdiff_t slot, int parity, const float *values, float *hidden) {
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

static PyObject *step(PyObject *module, PyObject *args) {
    (void)module;
    const char *name;
    PyObject *sizes, *weights_object, *first_object, *state_object, *values_object;
    PyObject *hidden_object;
    Py_ssize_t lanes, slot;
    int parity;
    if (!PyArg_ParseTuple(args, "sO!OOOnniOO:step", &name, &PyTuple_Type, &sizes, &weights_object,
                          &first_object, &state_object, &lanes, &slot, &parity, &values_object,
                          &hidden_object))
        return NULL;
    const Kernel *kernel = find_kernel(name);
    Network network;
    if (!kernel || !parse_sizes(sizes, kernel, &network))
        return NULL;
    if (lanes < 0 || lanes > MAX_SIZE || slot < 0 || (lanes && slot >= lanes)) {
        PyErr_Format(PyExc_ValueError, "slot %zd of %zd lanes", slot, lanes);
        return NULL;
    }
    Py_buffer weights, first, state, values, hidden;
    PyObject *result = NULL;
    if (!get_weights(weights_object, &weights, &network))
        return NULL;
    if (!get_first_weights(first_object, &first, &network))
        goto release_weights;
    if (!get_floats(state_object, &state, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, 1,
                    state_size(&network, kernel, lanes), "state"))
        goto release_first;
    if (!get_floats(values_object, &values, PyBUF_C_CONTIGUOUS, 1, network.inputs, "values"))
        goto release_state;
    if (!get_floats(hidden_object, &hidden, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE, 1,
                    network.layer[network.layers - 1].units, "hidden"))
        goto release_values;
    roll(&network, kernel, aligned(state.buf), lanes, slot, parity & 1, values.buf, hidden.buf);
    result = Py_NewRef(Py_None);
    PyBuffer_Release(&hidden);
release_values:
    PyBuffer_Release(&values);
release_state:
    PyBuffer_Release(&state);
release_first:
    PyBuffer_Release(&first);
release_weights:
    PyBuffer_Release(&weights);
    return result;
}

static PyObject *python_state_size(PyObject *module, PyObject *args) {
    (void)module;
    const char *name;
    PyObject *sizes;
    Py_ssize_t lanes;
    if (!PyArg_ParseTuple(args, "sO!n:state_size", &name, &PyTuple_Type, &sizes, &lanes))
        return NULL;
    const Kernel *kernel = find_kernel(name);
    Network network;
    if (!kernel || !parse_sizes(sizes, kernel, &network))
        return NULL;
    if (lanes < 0 || lanes > MAX_SIZE)
        return PyErr_Format(PyExc_ValueError, "%zd lanes, must be 0 to %d", lanes, MAX_SIZE);
    return PyLong_FromSsize_t(state_size(&network, kernel, lanes));
}

static PyObject *kernels(PyObject *module, PyObject *Py_UNUSED(ignored)) {
    (void)module;
    PyObject *found = PyList_New(0);
    if (!found)
        return NULL;
    for (int number = 0; number < KERNEL_COUNT; number++) {
        const Kernel *kernel = &KERNELS[number];
        if (!is_supported(kernel->name))
            continue;
        PyObject *entry = Py_BuildValue("sii", kernel->name, VECTORS * kernel->width, kernel->group);
        if (!entry || PyList_Append(found, entry) < 0) {
            Py_XDECREF(entry);
            Py_DECREF(found);
            return NULL;
        }
        Py_DECREF(entry);
    }
    return found;
}

static PyMethodDef METHODS[] = {
    {"kernels", kernels, METH_NOARGS,
     "(name, windows in a tile, units in a group) of each kernel for this processor, best first."},
    {"run", run, METH_VARARGS,
     "run(kernel, sizes, weights, inputs, hidden): compute windows (windows, timesteps, inputs)."},
    {"state_size", python_state_size, METH_VARARGS,
     "state_size(kernel, sizes, lanes): numbers in the state of a stream."},
    {"step", step, METH_VARARGS,
     "step(kernel, sizes, weights, first_weights, state, lanes, slot, parity, values, hidden): "
     "advance a stream by one reading."},
    {NULL, NULL, 0, NULL},
};

static int add_limits(PyObject *module) {
    return PyModule_AddIntConstant(module, "MAX_LAYERS", MAX_LAYERS) < 0 ||
                   PyModule_AddIntConstant(module, "MAX_SIZE", MAX_SIZE) < 0
               ? -1
               : 0;
}

static PyModuleDef_Slot SLOTS[] = {{Py_mod_exec, add_limits}, {0, NULL}};

static struct PyModuleDef MODULE = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_kernel",
    .m_doc = "LSTM arithmetic for the compiled engine.",
    .m_methods = METHODS,
    .m_slots = SLOTS,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&MODULE); }
