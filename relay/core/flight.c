/* What acknowledgements say: twin of `relay/flight.py`. */

#include "functions.h"

typedef struct {
    i64 row, newest, oldest;
    uint64_t hits; /* bit b: frame newest − b arrived now */
    bool counts;
} Said;

/* Columns of the flight, and what is sent again when. */
typedef struct {
    i64 *seq, *top, *last, *waiting, *oldest, *acked;
    const double *sent_s, *rtt_s;
    u8 *state;
    PyObject *records;
} Flight;

/* The frame at a place has arrived: so have the versions in it. */
static void arrive(const Flight *f, i64 place) {
    PyObject *key = PyLong_FromLongLong(place), *what = key ? PyDict_GetItemWithError(f->records, key) : NULL;
    if (what && PyBytes_Check(what)) {
        const i64 *cells = (const i64 *)(const void *)PyBytes_AS_STRING(what), many = PyBytes_GET_SIZE(what) / 16;
        for (i64 i = 0; i < many; i++)
            if (f->acked[cells[i]] < cells[many + i]) f->acked[cells[i]] = cells[many + i];
        PyDict_DelItem(f->records, key);
    }
    Py_XDECREF(key);
}

/* Count frames as lost that later ones overtook long ago. */
static i64 give_up(const Flight *f, i64 row, double now) {
    const double rto_s = 2 * f->rtt_s[row] > LEAST_RTO_S ? 2 * f->rtt_s[row] : LEAST_RTO_S;
    i64 lost = 0;
    for (i64 b = REORDER; b <= WINDOW && f->top[row] - b >= 0; b++) {
        const i64 place = row * RING + (f->top[row] - b) % RING;
        if (f->state[place] != IN_FLIGHT || f->seq[place] != f->top[row] - b || !(now - f->sent_s[place] > rto_s)) continue;
        f->state[place] = LOST, lost++;
    }
    return lost;
}

/* Rows as a list for Python. */
static PyObject *rows_of(const Said *said, i64 n) {
    PyObject *rows = PyList_New(0);
    for (i64 i = 0; rows && i < n; i++) {
        PyObject *row = PyLong_FromLongLong(said[i].row);
        if (!row || PyList_Append(rows, row)) Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

/* Take in what headers acknowledge, and let the budgets know. `acknowledged`: rows, where frames were withdrawn: these are counted again. */
bool acknowledge(Held *held, const Tables *room, const Arrivals *come, double now, PyObject **acknowledged) {
    Flight f = {column(held, room->flight, "seq", 8, NULL),    column(held, room->flight, "top", 8, NULL),
                column(held, room->flight, "last", 8, NULL),   column(held, room->flight, "waiting", 8, NULL),
                column(held, room->flight, "oldest", 8, NULL), column(held, room->pairs, "acked", 8, NULL),
                column(held, room->flight, "sent_s", 8, NULL), column(held, room->audience, "rtt_s", 8, NULL),
                column(held, room->flight, "state", 1, NULL),  NULL};
    const i64 *next_seq = column(held, room->audience, "next_seq", 8, NULL), clients = high(held, room->audience);
    PyObject *withdrawn = held->failed ? NULL : PyObject_GetAttrString(room->flight, "withdrawn");
    if (!withdrawn || !(f.records = PyObject_GetAttrString(room->flight, "records"))) {
        Py_XDECREF(withdrawn);
        return false;
    }
    Said *said = PyMem_Malloc((size_t)(come->n + 1) * sizeof(Said));
    i64 *arrived = PyMem_Calloc((size_t)(2 * clients + come->n + 1), sizeof(i64)), *lost = arrived + clients, *whose = lost + clients;
    double *delays_s = PyMem_Malloc((size_t)(2 * come->n + 1) * sizeof(double)), *gaps_s = delays_s + come->n;
    bool done = said && arrived && delays_s;
    if (!done) PyErr_NoMemory();
    i64 n = 0, delays = 0;
    const u8 *last = NULL;
    for (i64 i = 0; done && i < come->n; i++) {
        const u8 *head = come->frames[i].bytes;
        if (!(head[1] & ACK_VALID)) continue;
        const i64 row = come->frames[i].client, back = (next_seq[row] - 1 - get16(head + 20)) & 0xFFFF, newest = next_seq[row] - 1 - back;
        /* All that a client sends in a tick acknowledges the same. */
        const bool same = n && said[n - 1].row == row && !memcmp(last, head + 20, 6);
        last = head + 20;
        Said *one = &said[n++];
        *one = (Said){row, newest, newest + 1, 0, !same && back < RING && newest >= 0};
        if (!one->counts) continue;
        const uint64_t tells = (uint64_t)get32(head + 22) << 1 | 1;
        i64 most = newest - f.oldest[row];
        if (most > WINDOW) most = WINDOW;
        for (i64 b = 0; b <= (most > 0 ? most : 0) && newest - b >= 0; b++) {
            const i64 place = row * RING + (newest - b) % RING;
            if (!f.state[place] || f.seq[place] != newest - b) continue;
            if (tells >> b & 1) one->hits |= (uint64_t)1 << b;
            else one->oldest = newest - b;
        }
        if (one->hits & 1 && newest > f.top[row]) {
            const i64 place = row * RING + newest % RING, after = row * RING + (newest + 1) % RING;
            whose[delays] = row;
            delays_s[delays] = now - f.sent_s[place];
            gaps_s[delays] = (f.seq[after] == newest + 1 ? f.sent_s[after] : now) - f.sent_s[place];
            delays++;
        }
    }
    for (i64 i = 0; done && i < n; i++) {
        const i64 row = said[i].row, newest = said[i].newest;
        if (!said[i].counts) continue;
        for (i64 b = 0; said[i].hits >> b; b++) {
            const i64 place = row * RING + (newest - b) % RING;
            if (!(said[i].hits >> b & 1) || !f.state[place]) continue;
            f.state[place] = 0, arrived[row]++;
            arrive(&f, place);
        }
        if (f.top[row] < newest) f.top[row] = newest;
        if (f.oldest[row] < said[i].oldest) f.oldest[row] = said[i].oldest;
        f.waiting[row] = f.last[row] - f.top[row];
    }
    for (i64 i = 0; done && i < n; i++)
        if (said[i].counts && f.oldest[said[i].row] <= f.top[said[i].row] - REORDER) lost[said[i].row] += give_up(&f, said[i].row, now);
    if (done && n) done = note_fates(held, room->budgets, whose, delays_s, gaps_s, delays, arrived, lost, clients);
    if (done && n && PyObject_IsTrue(withdrawn)) *acknowledged = rows_of(said, n);
    PyMem_Free(said), PyMem_Free(arrived), PyMem_Free(delays_s);
    Py_DECREF(withdrawn), Py_DECREF(f.records);
    return done && !PyErr_Occurred();
}
