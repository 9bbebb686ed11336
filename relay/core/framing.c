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

/* write(layout, world, pairs, audience, far, tick, seq, applied): the bytes of all frames; `far` holds the FAR records in them, in order. */
PyObject *write_frames(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("write", nargs, 8)) return NULL;
    PyObject *layout = args[0], *world = args[1], *pairs = args[2], *audience = args[3];
    PyObject *choice = PyObject_GetAttrString(layout, "choice");
    Held held = {.failed = !choice};
    Py_ssize_t frames = 0, props_bytes = 0, rows = 1;
    const i64 *size = column(&held, layout, "size", 8, &frames);
    const u8 *props = column(&held, world, "props", 1, &props_bytes);
    column(&held, world, "owner", 8, &rows);
    const i64 *slot = COLUMN(choice, slot), *row = COLUMN(choice, row), *pair = COLUMN(choice, pair);
    Py_XDECREF(choice);
    const i64 *kind = COLUMN(layout, kind), *length = COLUMN(layout, length), *client = COLUMN(layout, client);
    const i64 *base = COLUMN(layout, base);
    const i64 *sample = COLUMN(world, sample), *teleported = COLUMN(world, teleported), *acked = COLUMN(pairs, acked);
    const i64 *ack_seq = COLUMN(audience, ack_seq), *ack_mask = COLUMN(audience, ack_mask);
    const u8 *ack_valid = FLAGS(audience, ack_valid), *coarse = U8(args[4]);
    const u8 *records[SLOTS] = {FLAGS(world, transforms), FLAGS(world, poses), props};
    const i64 widths[SLOTS] = {SLOT_BYTES[TRANSFORM], SLOT_BYTES[POSE_SLOT], props_bytes / rows};
    const i64 tick = number(&held, args[5]), *seq = I64(args[6]), *applied = I64(args[7]);
    PyObject *written = held.failed ? NULL : PyList_New(frames);
    if (!written) FAIL;
    for (i64 frame = 0, at = 0; frame < frames; frame++) {
        const i64 end = at + size[frame], whose = client[frame];
        i64 bytes = HEADER_BYTES;
        for (i64 i = at; i < end; i++) bytes += length[i] + (i == at || kind[i] != kind[i - 1] ? SECTION_BYTES : 0);
        PyObject *payload = PyBytes_FromStringAndSize(NULL, bytes);
        if (!payload) break;
        PyList_SET_ITEM(written, frame, payload);
        u8 *p = (u8 *)PyBytes_AS_STRING(payload);
        p[0] = STATE, p[1] = ack_valid[whose] ? ACK_VALID : 0;
        put16(p + 2, seq[frame]), put32(p + 4, tick);
        for (int axis = 0; axis < 3; axis++) put32(p + 8 + 4 * axis, base[3 * frame + axis]);
        put16(p + 20, ack_seq[whose]), put32(p + 22, ack_mask[whose]), put16(p + 26, applied[whose]);
        p += HEADER_BYTES;
        u8 *count = NULL;
        for (; at < end; at++) {
            if (!count || kind[at] != kind[at - 1]) *p = (u8)kind[at], count = p + 1, *count = 0, p += SECTION_BYTES;
            ++*count;
            if (kind[at] == FAR) memcpy(p, coarse, (size_t)length[at]), coarse += STRIDE[FAR];
            else memcpy(p, records[slot[at]] + row[at] * widths[slot[at]], (size_t)length[at]);
            p += length[at];
            if (!AGED[kind[at]]) continue;
            i64 age = tick - sample[row[at] * SLOTS + TRANSFORM];
            age = age < 0 ? 0 : age > AGE_MASK ? AGE_MASK : age;
            /* A jump is told until it is acknowledged, though the record that jumped was replaced. */
            p[-1] = (u8)(age | (teleported[row[at]] > acked[pair[at] * SLOTS + TRANSFORM] ? TELEPORT : 0));
        }
    }
    let_go(&held);
    if (PyErr_Occurred()) Py_CLEAR(written);
    return written;
}

/* note_sent(layout, world, pairs, audience, tick, cells, versions): what of each record went, and when. */
PyObject *note_sent(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("note_sent", nargs, 7)) return NULL;
    PyObject *layout = args[0], *world = args[1], *pairs = args[2], *audience = args[3];
    PyObject *choice = PyObject_GetAttrString(layout, "choice");
    Held held = {.failed = !choice};
    Py_ssize_t n = 0;
    const i64 *slot = COLUMN(choice, slot), *row = COLUMN(choice, row), *pair = COLUMN(choice, pair), *client = COLUMN(choice, client);
    Py_XDECREF(choice);
    const i64 *kind = COLUMN(layout, kind), *version = COLUMN(world, version), *serves = COLUMN(audience, serves);
    i64 *sent = COLUMN(pairs, sent), *sent_at = COLUMN(pairs, sent_at), *first_serve = COLUMN(pairs, first_serve);
    const i64 tick = number(&held, args[4]);
    i64 *cells = buffer(&held, args[5], 8, &n), *versions = I64(args[6]);
    if (held.failed) FAIL;
    for (i64 i = 0; i < n; i++) {
        const i64 cell = pair[i] * SLOTS + slot[i], newest = version[row[i] * SLOTS + slot[i]];
        if (slot[i] == TRANSFORM && newest > sent[cell]) first_serve[pair[i]] = serves[client[i]];
        sent[cell] = newest, sent_at[cell] = tick;
        /* Who has it coarsely still lacks it: if nothing newer comes, it is said exactly. */
        cells[i] = cell, versions[i] = newest - (kind[i] == FAR);
    }
    let_go(&held);
    Py_RETURN_NONE;
}
