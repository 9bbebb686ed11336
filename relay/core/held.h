/* Arguments of a call: arrays, and columns of tables. */

#ifndef HELD_H
#define HELD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "protocol.h"

/* Buffers that a call holds; all are let go at its end. A failure is noted, so that many can be fetched before it is looked at. */
typedef struct {
    Py_buffer view[96];
    int count;
    bool failed;
} Held;

static inline void let_go(Held *held) {
    while (held->count) PyBuffer_Release(&held->view[--held->count]);
}

static inline void *buffer(Held *held, PyObject *object, Py_ssize_t itemsize, Py_ssize_t *items) {
    if (held->failed || !object) return held->failed = true, NULL;
    if (held->count == sizeof held->view / sizeof *held->view) Py_FatalError("more columns than a call can hold");
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

static inline double real_of(Held *held, PyObject *object, const char *name) {
    if (held->failed) return 0;
    PyObject *found = PyObject_GetAttrString(object, name);
    if (!found) return held->failed = true, 0;
    const double value = real(held, found);
    Py_DECREF(found);
    return value;
}

static inline i64 whole_of(Held *held, PyObject *object, const char *name) {
    if (held->failed) return 0;
    PyObject *found = PyObject_GetAttrString(object, name);
    if (!found) return held->failed = true, 0;
    const i64 value = number(held, found);
    Py_DECREF(found);
    return value;
}

static inline i64 high(Held *held, PyObject *table) {
    return whole_of(held, table, "high");
}

static inline bool expect(const char *name, Py_ssize_t given, Py_ssize_t wanted) {
    if (given == wanted) return true;
    PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, %zd given", name, wanted, given);
    return false;
}

#endif
