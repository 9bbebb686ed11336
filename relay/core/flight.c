/* What acknowledgements say: twin of `relay/flight.py`. */

#include "functions.h"

/* acknowledge(flight, next_seq, acked, rows, ack_seq, ack_mask, rto_s, now, arrived, lost, delay_rows, delays_s, gaps_s): take in what headers
   acknowledge, one after another; `arrived` and `lost` (clients,) are added to. Returns how many delays there are. */
PyObject *acknowledge(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("acknowledge", nargs, 13)) return NULL;
    PyObject *flight = args[0];
    Held held = {0};
    Py_ssize_t n = 0;
    i64 *seq = COLUMN(flight, seq), *top = COLUMN(flight, top), *last = COLUMN(flight, last), *waiting = COLUMN(flight, waiting);
    i64 *oldest = COLUMN(flight, oldest), *acked = I64(args[2]);
    const double *sent_s = COLUMN(flight, sent_s);
    u8 *state = FLAGS(flight, state);
    const i64 *next_seq = I64(args[1]), *rows = buffer(&held, args[3], 8, &n), *ack_seq = I64(args[4]), *ack_mask = I64(args[5]);
    const double *rto_s = I64(args[6]), now = real(&held, args[7]);
    i64 *arrived = I64(args[8]), *lost = I64(args[9]), *delay_rows = I64(args[10]);
    double *delays_s = I64(args[11]), *gaps_s = I64(args[12]);
    PyObject *records = held.failed ? NULL : PyObject_GetAttrString(flight, "records");
    if (!records) FAIL;
    typedef struct {
        i64 newest, oldest;
        uint64_t hits; /* bit b: frame newest − b arrived now */
        bool counts;
    } Said;
    Said *said = PyMem_Malloc((size_t)(n + 1) * sizeof(Said));
    if (!said) {
        Py_DECREF(records), let_go(&held);
        return PyErr_NoMemory();
    }
    i64 delays = 0;
    for (i64 i = 0; i < n; i++) {
        const i64 row = rows[i], back = (next_seq[row] - 1 - ack_seq[i]) & 0xFFFF, newest = next_seq[row] - 1 - back;
        /* All that a client sends in a tick acknowledges the same. */
        const bool same = i && rows[i - 1] == row && ack_seq[i - 1] == ack_seq[i] && ack_mask[i - 1] == ack_mask[i];
        said[i] = (Said){newest, newest + 1, 0, !same && back < RING && newest >= 0};
        if (!said[i].counts) continue;
        const uint64_t tells = (uint64_t)ack_mask[i] << 1 | 1;
        i64 most = newest - oldest[row];
        if (most > WINDOW) most = WINDOW;
        for (i64 b = 0; b <= (most > 0 ? most : 0) && newest - b >= 0; b++) {
            const i64 place = row * RING + (newest - b) % RING;
            if (!state[place] || seq[place] != newest - b) continue;
            if (tells >> b & 1) said[i].hits |= (uint64_t)1 << b;
            else said[i].oldest = newest - b;
        }
        if (said[i].hits & 1 && newest > top[row]) {
            const i64 place = row * RING + newest % RING, after = row * RING + (newest + 1) % RING;
            delay_rows[delays] = row;
            delays_s[delays] = now - sent_s[place];
            gaps_s[delays] = (seq[after] == newest + 1 ? sent_s[after] : now) - sent_s[place];
            delays++;
        }
    }
    for (i64 i = 0; i < n; i++) {
        const i64 row = rows[i], newest = said[i].newest;
        if (!said[i].counts) continue;
        for (i64 b = 0; said[i].hits >> b; b++) {
            const i64 place = row * RING + (newest - b) % RING;
            if (!(said[i].hits >> b & 1) || !state[place]) continue;
            state[place] = 0, arrived[row]++;
            PyObject *key = PyLong_FromLongLong(place), *what = key ? PyDict_GetItemWithError(records, key) : NULL;
            if (what && PyBytes_Check(what)) {
                const i64 *cells = (const i64 *)(const void *)PyBytes_AS_STRING(what), many = PyBytes_GET_SIZE(what) / 16;
                for (i64 k = 0; k < many; k++)
                    if (acked[cells[k]] < cells[many + k]) acked[cells[k]] = cells[many + k];
                PyDict_DelItem(records, key);
            }
            Py_XDECREF(key);
        }
        if (top[row] < newest) top[row] = newest;
        if (oldest[row] < said[i].oldest) oldest[row] = said[i].oldest;
        waiting[row] = last[row] - top[row];
    }
    for (i64 i = 0; i < n; i++) {
        const i64 row = rows[i];
        if (!said[i].counts || oldest[row] > top[row] - REORDER) continue;
        for (i64 b = REORDER; b <= WINDOW && top[row] - b >= 0; b++) {
            const i64 place = row * RING + (top[row] - b) % RING;
            if (state[place] != IN_FLIGHT || seq[place] != top[row] - b || !(now - sent_s[place] > rto_s[row])) continue;
            state[place] = LOST, lost[row]++;
        }
    }
    PyMem_Free(said);
    Py_DECREF(records), let_go(&held);
    return PyErr_Occurred() ? NULL : PyLong_FromLongLong(delays);
}
