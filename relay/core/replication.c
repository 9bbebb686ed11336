/* Frames in, frames out: twin of `relay/replication.py`. */

#include "functions.h"

/* ingest(world, pairs, audience, flight, budgets, frames, tick, now, max_speed_m_s): see `relay.compiled`. */
PyObject *ingest(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("ingest", nargs, 9)) return NULL;
    const Tables room = {args[0], args[1], args[2], args[3], args[4]};
    Held held = {0};
    const i64 tick = number(&held, args[6]);
    const double now = real(&held, args[7]), max_speed = real(&held, args[8]);
    Arrivals come = {0};
    PyObject *acknowledged = NULL, *counts = NULL, *told = NULL;
    int heard = 0;
    bool news = false;
    if (!held.failed && receive(&held, room.audience, args[5], now, &come) && acknowledge(&held, &room, &come, now, &acknowledged) &&
        absorb(&held, &room, &come, tick, max_speed, &heard, &news) && (counts = PyList_New(DROPS))) {
        for (int i = 0; i < DROPS; i++) PyList_SET_ITEM(counts, i, PyLong_FromLongLong(come.drops[i]));
        told = Py_BuildValue("(OLOOOiO)", counts, (long long)come.detached, come.applied, come.malformed ? come.malformed : Py_None,
                             acknowledged ? acknowledged : Py_None, heard, news ? Py_True : Py_False);
    }
    Py_XDECREF(counts), Py_XDECREF(acknowledged);
    forget(&come), let_go(&held);
    return told;
}

/* pack(world, pairs, audience, flight, budgets, tick, now, every, turns, applied, rotations): see `relay.compiled`. */
PyObject *pack(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("pack", nargs, 11)) return NULL;
    const Tables room = {args[0], args[1], args[2], args[3], args[4]};
    Held held = {0};
    Serve serve = {.tick = number(&held, args[5]), .now = real(&held, args[6]), .every = number(&held, args[7]), .clients = high(&held, room.audience)};
    const u8 *rotations = buffer(&held, args[10], 1, NULL);
    Records records = {0};
    Bases bases = {0};
    i64 *sizes = NULL, frames = 0;
    PyObject *out = NULL;
    serve.due = PyMem_Calloc((size_t)serve.clients + 1, 1);
    if (!serve.due) PyErr_NoMemory();
    else if (!held.failed && find_due(&held, &room, &serve, args[8]) && find_lacking(&held, &room, &serve, &records) &&
             keep_carried(&held, &room, &serve, &records) && place_bases(&held, &room, &records, &bases) &&
             deal(&records, &sizes, &frames, &bases))
        out = depart(&held, &room, &serve, &records, sizes, frames, &bases, args[9], rotations);
    PyMem_Free(serve.due), PyMem_Free(records.at), PyMem_Free(bases.at), PyMem_Free(sizes);
    let_go(&held);
    return out;
}
