/* The inner loops of a room, compiled: what `relay.compiled` offers in place of the NumPy code that its files are named after.

   Each stage does exactly what its twin in Python does, which stays the reference: tests/relay/test_compiled.py drives both with the
   same traffic and compares every byte. Tables come as the Python objects that they are; their columns are fetched by name as buffers, so
   that a table may grow between calls. Rows and places are the relay's own and are trusted; bytes that peers sent are not.
   Integers are int64 unless a comment says otherwise. A stage that returns bool returns false with a Python error set. */

#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#include <stdlib.h>
#include <string.h>

#include "held.h"

/* What Python calls. */
PyObject *ingest(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *advance(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
PyObject *pack(PyObject *self, PyObject *const *args, Py_ssize_t nargs);

/* Tables of a room. */
typedef struct {
    PyObject *world, *pairs, *audience, *flight, *budgets;
} Tables;

/* One section of a frame. */
typedef struct {
    const u8 *first; /* record */
    int kind, count;
} Part;

/* A frame that is sound and new. */
typedef struct {
    const u8 *bytes;
    i64 size, client, seq, applied, place, part, parts;
} Frame;

/* What came, and what became of it. */
typedef struct {
    Frame *frames;
    Part *parts;
    i64 n, drops[DROPS], detached;
    PyObject *given, *applied, *malformed; /* the frames; by peer: control number newly applied, unsound frames */
} Arrivals;

bool receive(Held *held, PyObject *audience, PyObject *frames, double now, Arrivals *come);
void forget(Arrivals *come);
bool acknowledge(Held *held, const Tables *room, const Arrivals *come, double now, PyObject **acknowledged);
bool note_fates(Held *held, PyObject *budgets, const i64 *rows, const double *delays_s, const double *gaps_s, i64 delays, const i64 *arrived,
                const i64 *lost, i64 counted);
bool absorb(Held *held, const Tables *room, Arrivals *come, i64 tick, double max_speed_m_s, int *heard, bool *news);

/* A record on its way to a client. */
typedef struct {
    i64 pair, client, row;
    int32_t group; /* 0 for its client's home base, else 1 + place in bases */
    int16_t length;
    u8 slot, kind;
} Record;

typedef struct {
    Record *at;
    i64 n, room;
} Records;

/* cx, cz, y */
typedef struct {
    i64 of[3];
} Base;

typedef struct {
    Base *at;
    i64 n;
} Bases;

/* When and for whom frames are packed. */
typedef struct {
    i64 tick, every, clients;
    double now;
    u8 *due; /* by client */
} Serve;

bool find_due(Held *held, const Tables *room, Serve *serve, PyObject *turns);
bool find_lacking(Held *held, const Tables *room, const Serve *serve, Records *found);
bool keep_carried(Held *held, const Tables *room, const Serve *serve, Records *found);
bool place_bases(Held *held, const Tables *room, Records *records, Bases *bases);
bool deal(Records *records, i64 **sizes, i64 *frames, const Bases *bases);
PyObject *depart(Held *held, const Tables *room, const Serve *serve, const Records *records, const i64 *sizes, i64 frames, const Bases *bases,
                 PyObject *applied, const u8 *rotations);

static inline i64 floored(i64 a, i64 b) { return a / b - (a % b && (a < 0) != (b < 0)); }

#endif
