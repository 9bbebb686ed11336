/* Arguments of a call: arrays, and columns of tables. */

#ifndef HELD_H
#define HELD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "protocol.h"

/* Buffers that a call holds; all are let go at its end. A failure is noted, so that many can be fetched before it is looked at. */
typedef struct {
    Py_buffer view[48];
    int count;
    bool failed;
} Held;

static inline void let_go(Held *held) {
    while (held->count) PyBuffer_Release(&held->view[--held->count]);
}

static inline void *buffer(Held *held, PyObject *object, Py_ssize_t itemsize, Py_ssize_t *items) {
    if (held->failed || !object) return held->failed = true, NULL;
    Py_buffer *view = &held->view[held->count];
    if (PyObject_GetBuffer(object, view, PyBUF_C_CONTIGUOUS)) return held->failed = true, NULL;
    held->count++;
    if (view->itemsize != itemsize) {
        PyErr_Format(PyExc_TypeError, "an array of items of %zd bytes where %zd are expected", view->itemsize, itemsize);
        return held->failed = true, NULL;
    }
    if (items) *items = view->len / itemsize;
    return view->buf;
}

static inline void *column(Held *held, PyObject *table, const char *name, Py_ssize_t itemsize, Py_ssize_t *items) {
    if (held->failed) return NULL;
    PyObject *array = PyObject_GetAttrString(table, name);
    void *found = buffer(held, array, itemsize, items);
    Py_XDECREF(array); /* the buffer keeps it */
    return found;
}

static inline i64 number(Held *held, PyObject *object) {
    if (held->failed) return 0;
    i64 value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) held->failed = true;
    return value;
}

static inline double real(Held *held, PyObject *object) {
    if (held->failed) return 0;
    double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) held->failed = true;
    return value;
}

static inline i64 high(Held *held, PyObject *table) {
    if (held->failed) return 0;
    PyObject *value = PyObject_GetAttrString(table, "high");
    if (!value) return held->failed = true, 0;
    i64 rows = number(held, value);
    Py_DECREF(value);
    return rows;
}

static inline bool expect(const char *name, Py_ssize_t given, Py_ssize_t wanted) {
    if (given == wanted) return true;
    PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, %zd given", name, wanted, given);
    return false;
}

#define I64(object) buffer(&held, object, 8, NULL)
#define U8(object) buffer(&held, object, 1, NULL)
#define COLUMN(table, name) column(&held, table, #name, 8, NULL)
#define FLAGS(table, name) column(&held, table, #name, 1, NULL)
#define FAIL                                                                                                                               \
    do {                                                                                                                                   \
        let_go(&held);                                                                                                                     \
        return NULL;                                                                                                                       \
    } while (0)

#endif
