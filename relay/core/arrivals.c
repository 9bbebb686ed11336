/* Frames as they came: twin of `relay/arrivals.py` and `relay/reception.py`. */

#include "functions.h"

enum { LEAST_SECTION_BYTES = SECTION_BYTES + 14 }; /* of all sections of a frame but PROPS, which is the last */

/* The sections of one frame from `parts` on; how many they are, or −1 for an unsound frame. */
static i64 sections_of(const u8 *data, i64 size, Part *parts) {
    const u8 *cursor = data + HEADER_BYTES, *const end = data + size;
    i64 n = 0;
    if (size < HEADER_BYTES || size > MAX_FRAME_BYTES || data[0] != STATE) return -1;
    while (cursor < end) {
        if (end - cursor < SECTION_BYTES) return -1;
        const int kind = cursor[0], count = cursor[1];
        const u8 *const first = cursor + SECTION_BYTES;
        i64 left = end - first, bytes = 0;
        if (kind < 1 || kind >= KINDS || !count) return -1;
        if (kind == PROPS) {
            for (int i = 0; i < count && bytes <= left; i++) bytes = bytes + 4 <= left ? bytes + 4 + first[bytes + 3] : left + 1;
            if (bytes != left) return -1;
        } else {
            bytes = (i64)count * STRIDE[kind];
            if (bytes > left) return -1;
        }
        parts[n++] = (Part){first, kind, count};
        cursor = first + bytes;
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

/* Notes the control number that each client has applied now, by peer, where it is newer than before. */
static bool tell_applied(Arrivals *come, const i64 *peer_of, const i64 *now_applied, i64 *before) {
    for (i64 i = 0; i < come->n; i++) {
        const i64 row = come->frames[i].client;
        if (before[row] >= now_applied[row]) continue;
        before[row] = now_applied[row];
        PyObject *key = PyLong_FromLongLong(peer_of[row]), *low = PyLong_FromLongLong(now_applied[row] & 0xFFFF);
        const bool told = key && low && !PyDict_SetItem(come->applied, key, low);
        Py_XDECREF(key), Py_XDECREF(low);
        if (!told) return false;
    }
    return true;
}

void forget(Arrivals *come) {
    Py_XDECREF(come->given), Py_XDECREF(come->applied), Py_XDECREF(come->malformed);
    PyMem_Free(come->frames), PyMem_Free(come->parts);
}

/* The frames [(peer, payload)] that are of clients with a connection, within their rates, sound and new; the others are counted. */
bool receive(Held *held, PyObject *audience, PyObject *frames, double now, Arrivals *come) {
    const Inbound in = {column(held, audience, "newest", 8, NULL),   column(held, audience, "first", 8, NULL),
                        column(held, audience, "ack_seq", 8, NULL),  column(held, audience, "ack_mask", 8, NULL),
                        column(held, audience, "applied", 8, NULL),  column(held, audience, "ack_valid", 1, NULL)};
    double *tokens = column(held, audience, "frames", 8, NULL), *tokens_s = column(held, audience, "frames_s", 8, NULL);
    double *acked_s = column(held, audience, "acked_s", 8, NULL), *interval_s = column(held, audience, "ack_interval_s", 8, NULL);
    double *heard_s = column(held, audience, "heard_s", 8, NULL);
    const u8 *active = column(held, audience, "active", 1, NULL);
    const i64 *peer_of = column(held, audience, "peer", 8, NULL), rows = high(held, audience);
    const double per_s = real_of(held, audience, "frames_per_s"), burst = real_of(held, audience, "frames_burst");
    PyObject *row_of = held->failed ? NULL : PyObject_GetAttrString(audience, "row_of");
    come->given = row_of ? PySequence_Fast(frames, "frames are a sequence") : NULL;
    if (!come->given) {
        Py_XDECREF(row_of);
        return false;
    }
    const i64 offered = PySequence_Fast_GET_SIZE(come->given);
    come->applied = PyDict_New();
    come->frames = PyMem_Malloc((size_t)(offered + 1) * sizeof(Frame));
    i64 *before = PyMem_Malloc((size_t)(rows + 1) * sizeof(i64)); /* control numbers applied, −1 where nothing was heard */
    i64 admitted = 0, octets = 0;
    bool done = false;
    if (!come->applied || !come->frames || !before) goto end;
    for (i64 row = 0; row < rows; row++) before[row] = -1;

    for (i64 i = 0; i < offered; i++) {
        PyObject *one = PySequence_Fast_GET_ITEM(come->given, i);
        if (!PyTuple_Check(one) || PyTuple_GET_SIZE(one) != 2 || !PyBytes_Check(PyTuple_GET_ITEM(one, 1))) {
            PyErr_SetString(PyExc_TypeError, "a frame is a peer and its payload");
            goto end;
        }
        PyObject *where = PyDict_GetItemWithError(row_of, PyTuple_GET_ITEM(one, 0)), *payload = PyTuple_GET_ITEM(one, 1);
        if (!where && PyErr_Occurred()) goto end;
        const i64 row = where ? PyLong_AsLongLong(where) : 0;
        if (!active[row]) {
            come->detached++;
            continue;
        }
        heard_s[row] = now;
        if (tokens_s[row] < now) {
            const double refilled = tokens[row] + (now - tokens_s[row]) * per_s;
            tokens[row] = refilled < burst ? refilled : burst, tokens_s[row] = now;
        }
        if (tokens[row] < 1) {
            come->drops[RATE]++;
            continue;
        }
        tokens[row] -= 1;
        const i64 size = PyBytes_GET_SIZE(payload);
        come->frames[admitted++] = (Frame){.bytes = (const u8 *)PyBytes_AS_STRING(payload), .size = size, .client = row};
        octets += size < MAX_FRAME_BYTES ? size : MAX_FRAME_BYTES;
    }
    come->parts = PyMem_Malloc((size_t)(octets / LEAST_SECTION_BYTES + admitted + 1) * sizeof(Part));
    if (!come->parts) goto end;
    i64 parts = 0;
    for (i64 i = 0; i < admitted; i++) {
        Frame frame = come->frames[i];
        const i64 row = frame.client, found = sections_of(frame.bytes, frame.size, come->parts + parts);
        if (found < 0) {
            come->drops[MALFORMED]++;
            if (!count_of(&come->malformed, peer_of[row])) goto end;
            continue;
        }
        if (!number_of(&in, row, get16(frame.bytes + 2), &frame.seq)) {
            come->drops[STALE]++;
            continue;
        }
        if (before[row] < 0) {
            before[row] = in.applied[row];
            double interval = now - acked_s[row];
            interval = interval < MAX_ACK_INTERVAL_S ? interval : MAX_ACK_INTERVAL_S;
            interval_s[row] += (interval - interval_s[row]) * ACK_INTERVAL_GAIN, acked_s[row] = now;
        }
        const i64 ahead = (get16(frame.bytes + 26) - in.applied[row]) & 0xFFFF;
        frame.applied = in.applied[row] + ahead - (ahead <= MAX_UNAPPLIED_MESSAGES ? 0 : 0x10000);
        if (frame.seq == in.newest[row] && in.applied[row] < frame.applied) in.applied[row] = frame.applied;
        frame.place = come->n, frame.part = parts, frame.parts = found, parts += found;
        come->frames[come->n++] = frame;
    }
    done = tell_applied(come, peer_of, in.applied, before);
end:
    if (!done && !PyErr_Occurred()) PyErr_NoMemory();
    Py_DECREF(row_of);
    PyMem_Free(before);
    return done;
}
