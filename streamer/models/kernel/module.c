/* The Python module `_kernel`.
 *
 * The caller lays out the weights (streamer/models/compiled.py). Sizes are checked here against
 * the buffers, so that no call can reach beyond them; values are not.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <string.h>

#include "lstm.h"

static const Kernel *find_kernel(const char *name) {
    const Kernel *kernel;
    for (int number = 0; (kernel = supported_kernel(number)); number++)
        if (!strcmp(kernel->name, name))
            return kernel;
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
    float *work = PyMem_Malloc(sizeof(float) * work_size(&network, kernel));
    if (!work) {
        PyErr_NoMemory();
        goto release_hidden;
    }
    const Array from = {inputs.buf, {inputs.strides[0], inputs.strides[1], inputs.strides[2]}};
    const Array to = {hidden.buf, {hidden.strides[0], hidden.strides[1], 0}};
    Py_BEGIN_ALLOW_THREADS;
    run_windows(&network, kernel, work, windows, timesteps, from, to);
    Py_END_ALLOW_THREADS;
    PyMem_Free(work);
    result = Py_NewRef(Py_None);
release_hidden:
    PyBuffer_Release(&hidden);
release_inputs:
    PyBuffer_Release(&inputs);
release_weights:
    PyBuffer_Release(&weights);
    return result;
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
    roll_stream(&network, kernel, state.buf, lanes, slot, parity & 1, values.buf, hidden.buf);
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
    const Kernel *kernel;
    for (int number = 0; (kernel = supported_kernel(number)); number++) {
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
    if (PyModule_AddIntConstant(module, "MAX_LAYERS", MAX_LAYERS) < 0 ||
        PyModule_AddIntConstant(module, "MAX_SIZE", MAX_SIZE) < 0 ||
        PyModule_AddIntConstant(module, "MAX_WIDTH", MAX_WIDTH) < 0)
        return -1;
    return 0;
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
