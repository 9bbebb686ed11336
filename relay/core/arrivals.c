/* Frames as they came: twin of `relay/arrivals.py` and `relay/reception.py`. */

#include "functions.h"

typedef struct {
    const u8 *payload;
    i64 size, row;
} Frame;

enum { LEAST_SECTION_BYTES = SECTION_BYTES + 14 }; /* of all sections of a frame but PROPS, which is the last */

/* The sections of one frame as rows frame, kind, count, first from `n` on; how many there are in all then, or −1 for an unsound frame. */
static i64 sections_of(const u8 *data, i64 frame, i64 at, i64 size, i64 *const found[4], i64 n) {
    i64 cursor = at + HEADER_BYTES;
    const i64 end = at + size;
    if (size < HEADER_BYTES || size > MAX_FRAME_BYTES || data[at] != STATE) return -1;
    while (cursor < end) {
        i64 first = cursor + SECTION_BYTES, after;
        if (first > end) return -1;
        const int kind = data[cursor], count = data[cursor + 1];
        if (kind < 1 || kind >= KINDS || !count) return -1;
        if (kind == PROPS) {
            after = first;
            for (int i = 0; i < count && after <= end; i++) after = after + 4 <= end ? after + 4 + data[after + 3] : end + 1;
            if (after != end) return -1;
        } else {
            after = first + count * STRIDE[kind];
            if (after > end) return -1;
        }
        found[0][n] = frame, found[1][n] = kind, found[2][n] = count, found[3][n] = first;
        n++;
        cursor = after;
    }
    return n;
}

/* A client's columns of the audience. */
typedef struct {
    i64 *newest, *first, *ack_seq, *ack_mask, *applied;
    u8 *ack_valid;
} Inbound;

/* Whether frame `low` (modulo 2^16) of a client is no repetition, nor too old to tell; its unwrapped number. */
static bool number_of(const Inbound *in, i64 row, i64 low, i64 *seq) {
    i64 newest = in->newest[row];
    const i64 ahead = ((low - newest + 0x8000) & 0xFFFF) - 0x8000;
    uint64_t mask = (uint64_t)in->ack_mask[row];
    bool new = true;
    if (newest < 0) {
        newest = *seq = in->first[row] + low, mask = 0;
    } else if (ahead > 0) {
        newest = *seq = newest + ahead;
        mask = ahead <= WINDOW ? (mask << 1 | 1) << (ahead - 1) & 0xFFFFFFFF : 0;
    } else {
        *seq = newest + ahead;
        new = ahead < 0 && -ahead <= WINDOW && !(mask >> (-ahead - 1) & 1);
        if (new) mask |= (uint64_t)1 << (-ahead - 1);
    }
    in->newest[row] = newest, in->ack_seq[row] = newest & 0xFFFF, in->ack_mask[row] = (i64)mask, in->ack_valid[row] = 1;
    return new;
}

/* Adds `count` to what a dictionary holds of a peer. */
static bool count_of(PyObject **dict, i64 peer) {
    if (!*dict && !(*dict = PyDict_New())) return false;
    PyObject *key = PyLong_FromLongLong(peer), *had = key ? PyDict_GetItemWithError(*dict, key) : NULL;
    PyObject *has = key && !PyErr_Occurred() ? PyLong_FromLongLong(1 + (had ? PyLong_AsLongLong(had) : 0)) : NULL;
    const bool done = has && !PyDict_SetItem(*dict, key, has);
    Py_XDECREF(key), Py_XDECREF(has);
    return done;
}

static PyObject *bytes_of(const void *from, i64 octets) { return PyBytes_FromStringAndSize(from, (Py_ssize_t)octets); }

/* receive(audience, frames, now): the sound and new ones among frames [(peer, payload)]. Returns
   ((data, at, sound), sections, received, applied by peer, malformed by peer or None, stale frames, frames over their rate):
   `sections` (4, n) frame, kind, count, first; `received` (4, n) frame, client, seq, applied; as bytes of int64. */
PyObject *receive(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("receive", nargs, 3)) return NULL;
    PyObject *audience = args[0];
    Held held = {0};
    Inbound in = {COLUMN(audience, newest), COLUMN(audience, first), COLUMN(audience, ack_seq), COLUMN(audience, ack_mask),
                  COLUMN(audience, applied), FLAGS(audience, ack_valid)};
    double *tokens = COLUMN(audience, frames), *tokens_s = COLUMN(audience, frames_s);
    double *acked_s = COLUMN(audience, acked_s), *interval_s = COLUMN(audience, ack_interval_s);
    const i64 *peer_of = COLUMN(audience, peer), rows = high(&held, audience);
    const double now = real(&held, args[2]);
    PyObject *row_of = held.failed ? NULL : PyObject_GetAttrString(audience, "row_of");
    PyObject *given = row_of ? PySequence_Fast(args[1], "frames are a sequence") : NULL;
    const i64 offered = given ? PySequence_Fast_GET_SIZE(given) : 0;
    Frame *frames = PyMem_Malloc((size_t)(offered + 1) * sizeof(Frame));
    i64 *had = PyMem_Malloc((size_t)(rows + 1) * sizeof(i64)); /* control numbers applied before, −1 where nothing was heard */
    i64 *at = PyMem_Malloc((size_t)(offered + 1) * sizeof(i64)), *space = NULL;
    PyObject *data = NULL, *sound = NULL, *malformed = NULL, *applied = PyDict_New(), *result = NULL;
    i64 n = 0, octets = 0, stale = 0, over = 0;
    if (held.failed || !given || !frames || !had || !at || !applied) goto end;
    for (i64 row = 0; row < rows; row++) had[row] = -1;

    for (i64 i = 0; i < offered; i++) {
        PyObject *one = PySequence_Fast_GET_ITEM(given, i);
        if (!PyTuple_Check(one) || PyTuple_GET_SIZE(one) != 2 || !PyBytes_Check(PyTuple_GET_ITEM(one, 1))) {
            PyErr_SetString(PyExc_TypeError, "a frame is a peer and its payload");
            goto end;
        }
        PyObject *where = PyDict_GetItemWithError(row_of, PyTuple_GET_ITEM(one, 0)), *payload = PyTuple_GET_ITEM(one, 1);
        if (!where) {
            if (PyErr_Occurred()) goto end;
            continue;
        }
        const i64 row = PyLong_AsLongLong(where);
        if (tokens_s[row] < now) {
            const double come = tokens[row] + (now - tokens_s[row]) * STATE_FRAMES_PER_S;
            tokens[row] = come < STATE_FRAMES_BURST ? come : STATE_FRAMES_BURST, tokens_s[row] = now;
        }
        if (tokens[row] < 1) {
            over++;
            continue;
        }
        tokens[row] -= 1;
        frames[n] = (Frame){(const u8 *)PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), row};
        at[n++] = octets;
        octets += PyBytes_GET_SIZE(payload);
    }
    const i64 most = octets / LEAST_SECTION_BYTES + n;
    data = bytes_of(NULL, octets + PAD_BYTES), sound = bytes_of(NULL, n);
    space = PyMem_Malloc((size_t)(4 * (most + n) + 1) * sizeof(i64));
    if (!data || !sound || !space) goto end;
    u8 *all = (u8 *)PyBytes_AS_STRING(data), *marks = (u8 *)PyBytes_AS_STRING(sound);
    memset(all + octets, 0, PAD_BYTES);
    i64 *const found[4] = {space, space + most, space + 2 * most, space + 3 * most};
    i64 *const taken[4] = {space + 4 * most, space + 4 * most + n, space + 4 * most + 2 * n, space + 4 * most + 3 * n};
    i64 sections = 0, received = 0;
    for (i64 i = 0; i < n; i++) {
        const i64 row = frames[i].row;
        memcpy(all + at[i], frames[i].payload, (size_t)frames[i].size);
        const i64 then = sections_of(all, i, at[i], frames[i].size, found, sections);
        marks[i] = then >= 0;
        if (then < 0) {
            if (!count_of(&malformed, peer_of[row])) goto end;
            continue;
        }
        sections = then;
        i64 seq;
        if (!number_of(&in, row, get16(all + at[i] + 2), &seq)) {
            stale++;
            continue;
        }
        if (had[row] < 0) {
            had[row] = in.applied[row];
            double interval = now - acked_s[row];
            interval = interval < MAX_ACK_INTERVAL_S ? interval : MAX_ACK_INTERVAL_S;
            interval_s[row] += (interval - interval_s[row]) * ACK_INTERVAL_GAIN, acked_s[row] = now;
        }
        const i64 ahead = (get16(all + at[i] + 26) - in.applied[row]) & 0xFFFF;
        const i64 has = in.applied[row] + ahead - (ahead <= MAX_UNAPPLIED_MESSAGES ? 0 : 0x10000);
        if (seq == in.newest[row] && in.applied[row] < has) in.applied[row] = has;
        taken[0][received] = i, taken[1][received] = row, taken[2][received] = seq, taken[3][received] = has;
        received++;
    }
    for (i64 i = 0; i < received; i++) {
        const i64 row = taken[1][i];
        if (had[row] >= in.applied[row]) continue;
        had[row] = in.applied[row];
        PyObject *key = PyLong_FromLongLong(peer_of[row]), *low = PyLong_FromLongLong(in.applied[row] & 0xFFFF);
        const bool told = key && low && !PyDict_SetItem(applied, key, low);
        Py_XDECREF(key), Py_XDECREF(low);
        if (!told) goto end;
    }
    for (int which = 1; which < 4; which++) { /* close the gaps */
        memmove(space + which * sections, found[which], (size_t)sections * sizeof(i64));
        memmove(taken[0] + which * received, taken[which], (size_t)received * sizeof(i64));
    }
    result = Py_BuildValue("((ONO)NNOOLL)", data, bytes_of(at, n * 8), sound, bytes_of(space, 4 * sections * 8),
                           bytes_of(taken[0], 4 * received * 8), applied, malformed ? malformed : Py_None, (long long)stale, (long long)over);
end:
    if (!result && !PyErr_Occurred()) PyErr_NoMemory();
    Py_XDECREF(row_of), Py_XDECREF(given), Py_XDECREF(data), Py_XDECREF(sound), Py_XDECREF(malformed), Py_XDECREF(applied);
    PyMem_Free(frames), PyMem_Free(had), PyMem_Free(at), PyMem_Free(space);
    let_go(&held);
    return result;
}
