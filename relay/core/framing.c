/* Records to frames: twin of `relay/framing.py` and of `Replication._note_sent`. */

#include "functions.h"
#include "places.h"

/* measure(world, audience, slot, client, row, kind, length, beyond): section and bytes of each record; the places of transforms in the world
   that their client's home base does not reach go into `beyond`. Returns how many of these there are. */
PyObject *measure(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("measure", nargs, 8)) return NULL;
    Held held = {0};
    Py_ssize_t n = 0;
    const i64 *kinds = COLUMN(args[0], kind), *lengths = COLUMN(args[0], length), *parent = COLUMN(args[0], parent);
    const i64 *position = COLUMN(args[0], position), *view = COLUMN(args[1], view);
    const i64 *slot = buffer(&held, args[2], 8, &n), *client = I64(args[3]), *row = I64(args[4]);
    i64 *kind = I64(args[5]), *length = I64(args[6]), *beyond = I64(args[7]), far = 0;
    if (held.failed) FAIL;
    for (i64 i = 0; i < n; i++) {
        length[i] = lengths[row[i] * SLOTS + slot[i]];
        kind[i] = slot[i] == TRANSFORM ? kinds[row[i]] : slot[i] == POSE_SLOT ? POSE : PROPS;
        if (slot[i] != TRANSFORM || parent[row[i]]) continue;
        const i64 *at = position + 3 * row[i], *from = view + 3 * client[i];
        const i64 half = 1 << (CELL_BITS - 1), cell = ~(i64)0xFFFF;
        if (llabs(at[0] - (from[0] & cell) - half) > REACH_UNITS || llabs(at[2] - (from[2] & cell) - half) > REACH_UNITS ||
            llabs(at[1] - from[1]) > REACH_Y_UNITS)
            beyond[far++] = i;
    }
    let_go(&held);
    return PyLong_FromLongLong(far);
}

/* deal(pair, slot, client, row, kind, length, group, groups, out, size, first): put records in the order of their frames: by client, group
   and section; cut them into frames. `out` (6, n) gets pair, slot, client, row, kind, length; `size` (n,) the records of each frame, `first`
   (n,) the group of each. Frames past MAX_FRAMES_PER_SERVE of a client are left out. Returns (records, frames). */
PyObject *deal(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("deal", nargs, 11)) return NULL;
    Held held = {0};
    Py_ssize_t n = 0;
    const i64 *pair = buffer(&held, args[0], 8, &n), *slot = I64(args[1]), *client = I64(args[2]), *row = I64(args[3]);
    const i64 *kind = I64(args[4]), *length = I64(args[5]);
    const i64 *group = args[6] == Py_None ? NULL : I64(args[6]), groups = number(&held, args[7]);
    i64 *out = I64(args[8]), *size = I64(args[9]), *first = I64(args[10]);
    if (held.failed) FAIL;
    Place *places = PyMem_Malloc((size_t)(2 * n + 1) * sizeof(Place));
    if (!places) {
        let_go(&held);
        return PyErr_NoMemory();
    }
    enum { RANKS = 9 };
    uint64_t most = 0;
    for (i64 i = 0; i < n; i++) {
        const uint64_t key = (uint64_t)(client[i] * groups + (group ? group[i] : 0)) * RANKS + RANK[kind[i]];
        places[i] = (Place){key, i};
        most = most < key ? key : most;
    }
    const Place *sorted = sort_places(places, places + n, n, most);
    i64 records = 0, frames = 0, of_client = 0, bytes = 0;
    uint64_t whose = UINT64_MAX, which = UINT64_MAX;
    bool open = false;
    for (i64 i = 0; i < n; i++) {
        const i64 at = sorted[i].index;
        const uint64_t mine = sorted[i].key / RANKS;
        if (mine != which || bytes + length[at] > RECORDS_BYTES || size[frames - 1] == MAX_RECORDS) {
            if ((uint64_t)client[at] != whose) whose = (uint64_t)client[at], of_client = 0;
            which = mine, bytes = 0;
            open = of_client < MAX_FRAMES_PER_SERVE;
            if (open) {
                of_client++;
                size[frames] = 0, first[frames] = group ? group[at] : 0;
                frames++;
            } else {
                while (i + 1 < n && (uint64_t)client[sorted[i + 1].index] == whose) i++;
                which = UINT64_MAX;
                continue;
            }
        }
        size[frames - 1]++, bytes += length[at];
        out[records] = pair[at], out[n + records] = slot[at], out[2 * n + records] = client[at], out[3 * n + records] = row[at];
        out[4 * n + records] = kind[at], out[5 * n + records] = length[at];
        records++;
    }
    PyMem_Free(places);
    let_go(&held);
    return Py_BuildValue("(LL)", (long long)records, (long long)frames);
}

/* What frames are written from. */
typedef struct {
    Py_ssize_t frames;
    const i64 *size, *slot, *row, *pair, *kind, *length, *client, *base, *sample, *teleported, *acked, *ack_seq, *ack_mask;
    const u8 *ack_valid, *coarse, *records[SLOTS];
    i64 widths[SLOTS], tick;
} Writing;

static Writing writing_of(Held *held, PyObject *layout, PyObject *world, PyObject *pairs, PyObject *audience, PyObject *far, PyObject *tick) {
    Writing w = {0};
    Py_ssize_t props_bytes = 0, rows = 1;
    PyObject *choice = PyObject_GetAttrString(layout, "choice");
    if (!choice) held->failed = true;
    w.size = column(held, layout, "size", 8, &w.frames), w.client = column(held, layout, "client", 8, NULL);
    w.slot = column(held, choice, "slot", 8, NULL), w.row = column(held, choice, "row", 8, NULL);
    w.pair = column(held, choice, "pair", 8, NULL), w.kind = column(held, layout, "kind", 8, NULL);
    w.length = column(held, layout, "length", 8, NULL), w.base = column(held, layout, "base", 8, NULL);
    w.sample = column(held, world, "sample", 8, NULL), w.teleported = column(held, world, "teleported", 8, NULL);
    w.acked = column(held, pairs, "acked", 8, NULL), w.ack_seq = column(held, audience, "ack_seq", 8, NULL);
    w.ack_mask = column(held, audience, "ack_mask", 8, NULL), w.ack_valid = column(held, audience, "ack_valid", 1, NULL);
    w.records[TRANSFORM] = column(held, world, "transforms", 1, NULL), w.records[POSE_SLOT] = column(held, world, "poses", 1, NULL);
    w.records[PROPS_SLOT] = column(held, world, "props", 1, &props_bytes);
    column(held, world, "owner", 8, &rows);
    w.coarse = buffer(held, far, 1, NULL), w.tick = number(held, tick);
    w.widths[TRANSFORM] = SLOT_BYTES[TRANSFORM], w.widths[POSE_SLOT] = SLOT_BYTES[POSE_SLOT], w.widths[PROPS_SLOT] = props_bytes / rows;
    Py_XDECREF(choice);
    return w;
}

/* The bytes of one frame, whose records are those from `at` to before `end`. FAR records are taken in their order. */
static PyObject *frame_of(Writing *w, i64 frame, i64 at, i64 end, i64 seq, i64 applied) {
    const i64 whose = w->client[frame], *kind = w->kind, *length = w->length;
    i64 bytes = HEADER_BYTES;
    for (i64 i = at; i < end; i++) bytes += length[i] + (i == at || kind[i] != kind[i - 1] ? SECTION_BYTES : 0);
    PyObject *payload = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
    if (!payload) return NULL;
    u8 *p = (u8 *)PyBytes_AS_STRING(payload), *count = NULL;
    p[0] = STATE, p[1] = w->ack_valid[whose] ? ACK_VALID : 0;
    put16(p + 2, seq), put32(p + 4, w->tick);
    for (int axis = 0; axis < 3; axis++) put32(p + 8 + 4 * axis, w->base[3 * frame + axis]);
    put16(p + 20, w->ack_seq[whose]), put32(p + 22, w->ack_mask[whose]), put16(p + 26, applied);
    p += HEADER_BYTES;
    for (; at < end; at++) {
        if (!count || kind[at] != kind[at - 1]) *p = (u8)kind[at], count = p + 1, *count = 0, p += SECTION_BYTES;
        ++*count;
        if (kind[at] == FAR) memcpy(p, w->coarse, (size_t)length[at]), w->coarse += STRIDE[FAR];
        else memcpy(p, w->records[w->slot[at]] + w->row[at] * w->widths[w->slot[at]], (size_t)length[at]);
        p += length[at];
        if (!AGED[kind[at]]) continue;
        i64 age = w->tick - w->sample[w->row[at] * SLOTS + TRANSFORM];
        age = age < 0 ? 0 : age > AGE_MASK ? AGE_MASK : age;
        /* A jump is told until it is acknowledged, though the record that jumped was replaced. */
        p[-1] = (u8)(age | (w->teleported[w->row[at]] > w->acked[w->pair[at] * SLOTS + TRANSFORM] ? TELEPORT : 0));
    }
    return payload;
}

/* write(layout, world, pairs, audience, far, tick, seq, applied): the bytes of all frames; `far` holds the FAR records in them, in order. */
PyObject *write_frames(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("write", nargs, 8)) return NULL;
    Held held = {0};
    Writing w = writing_of(&held, args[0], args[1], args[2], args[3], args[4], args[5]);
    const i64 *seq = I64(args[6]), *applied = I64(args[7]);
    PyObject *written = held.failed ? NULL : PyList_New(w.frames);
    if (!written) FAIL;
    for (i64 frame = 0, at = 0; frame < w.frames; at += w.size[frame++]) {
        PyObject *payload = frame_of(&w, frame, at, at + w.size[frame], seq[frame], applied[w.client[frame]]);
        if (!payload) break;
        PyList_SET_ITEM(written, frame, payload);
    }
    let_go(&held);
    if (PyErr_Occurred()) Py_CLEAR(written);
    return written;
}

/* A peer's number in a dictionary by peer, 0 without. */
static i64 applied_of(PyObject *by_peer, PyObject *peer) {
    PyObject *found = PyDict_GetItemWithError(by_peer, peer);
    return found ? PyLong_AsLongLong(found) : 0;
}

/* depart(layout, world, pairs, audience, flight, budgets, far, tick, now, applied): write all frames, and remember what went in them, when,
   and what it cost; `applied`: what we have applied of each peer's control stream, by peer. Returns [(peer, frame)]. */
PyObject *depart(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("depart", nargs, 10)) return NULL;
    PyObject *world = args[1], *pairs = args[2], *audience = args[3], *flight = args[4], *budgets = args[5];
    Held held = {0};
    Writing w = writing_of(&held, args[0], world, pairs, audience, args[6], args[7]);
    const double now = real(&held, args[8]);
    const i64 *version = COLUMN(world, version), *serves = COLUMN(audience, serves), *peer_of = COLUMN(audience, peer);
    i64 *sent = COLUMN(pairs, sent), *sent_at = COLUMN(pairs, sent_at), *first_serve = COLUMN(pairs, first_serve);
    i64 *next_seq = COLUMN(audience, next_seq), *seqs = COLUMN(flight, seq), *last = COLUMN(flight, last), *waiting = COLUMN(flight, waiting);
    u8 *state = FLAGS(flight, state);
    double *burst = COLUMN(audience, burst), *sent_s = COLUMN(audience, sent_s), *departed_s = COLUMN(flight, sent_s);
    double *tokens = COLUMN(budgets, tokens), *used = COLUMN(budgets, used_kbit_s), *counted = COLUMN(budgets, _frames);
    PyObject *records = held.failed ? NULL : PyObject_GetAttrString(flight, "records");
    PyObject *out = records ? PyList_New(w.frames) : NULL;
    double served = 0;
    for (i64 frame = 0, at = 0; out && frame < w.frames; frame++) {
        const i64 whose = w.client[frame], end = at + w.size[frame], seq = next_seq[whose]++, place = whose * RING + seq % RING;
        PyObject *peer = PyLong_FromLongLong(peer_of[whose]), *key = PyLong_FromLongLong(place);
        PyObject *payload = peer && key ? frame_of(&w, frame, at, end, seq, applied_of(args[9], peer)) : NULL;
        PyObject *kept = payload ? PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(16 * (end - at))) : NULL;
        if (kept && !PyErr_Occurred()) {
            i64 *cells = (i64 *)(void *)PyBytes_AS_STRING(kept), *versions = cells + (end - at);
            for (i64 i = at; i < end; i++) {
                const i64 cell = w.pair[i] * SLOTS + w.slot[i], newest = version[w.row[i] * SLOTS + w.slot[i]];
                if (w.slot[i] == TRANSFORM && newest > sent[cell]) first_serve[w.pair[i]] = serves[whose];
                sent[cell] = newest, sent_at[cell] = w.tick;
                /* Who has it coarsely still lacks it: if nothing newer comes, it is said exactly. */
                *cells++ = cell, *versions++ = newest - (w.kind[i] == FAR);
            }
            PyDict_SetItem(records, key, kept);
            seqs[place] = seq, departed_s[place] = now, state[place] = IN_FLIGHT;
            last[whose] = last[whose] < seq ? seq : last[whose], waiting[whose]++;
            const double cost = (double)(PyBytes_GET_SIZE(payload) + FRAME_OVERHEAD_BYTES);
            tokens[whose] -= cost, used[whose] += cost / (BYTES_PER_KBIT * MEMORY_S), counted[whose] += 1;
            served++;
            if (frame + 1 == w.frames || w.client[frame + 1] != whose) {
                burst[whose] += BURST_GAIN * (served - burst[whose]), sent_s[whose] = now;
                served = 0;
            }
            PyList_SET_ITEM(out, frame, PyTuple_Pack(2, peer, payload));
        }
        Py_XDECREF(peer), Py_XDECREF(key), Py_XDECREF(payload), Py_XDECREF(kept);
        if (PyErr_Occurred()) break;
        at = end;
    }
    Py_XDECREF(records);
    let_go(&held);
    if (PyErr_Occurred()) Py_CLEAR(out);
    return out;
}
