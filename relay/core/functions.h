/* The inner loops of a room, compiled: what `relay.compiled` offers in place of the NumPy code of the same names.

   Each function does exactly what its twin in Python does, which stays the reference: tests/relay/test_compiled.py drives both with the
   same traffic and compares every byte. Tables come as the Python objects that they are; their columns are fetched by name as buffers, so
   that a table may grow between calls. Rows and places in arguments are the relay's own and are trusted; bytes that peers sent are not.
   Integers are int64 unless a comment says otherwise. */

#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#include <stdlib.h>
#include <string.h>

#include "held.h"

PyObject *receive(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *absorb(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *acknowledge(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *note_fates(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *advance(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *stir(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *lacking(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *measure(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *rank(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *deal(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *write_frames(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *depart(PyObject *self, PyObject *const *args, Py_ssize_t nargs);

#endif
