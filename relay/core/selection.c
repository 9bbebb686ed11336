/* What each client lacks, and what of it its budget carries: twin of `relay/selection.py` and of `Pairs.stir`. */

#include <math.h>

#include "functions.h"
#include "places.h"

/* stir(world, pairs): note which pairs may lack something, now that entities have changed. Returns how many they are in all. */
PyObject *stir(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("stir", nargs, 2)) return NULL;
    Held held = {0};
    u8 *touched = FLAGS(args[0], touched), *unsettled = FLAGS(args[1], unsettled);
    const i64 *row = COLUMN(args[1], row), rows = high(&held, args[0]), pairs = high(&held, args[1]);
    if (held.failed) FAIL;
    i64 n = 0;
    if (memchr(touched, 1, (size_t)rows)) {
        for (i64 pair = 0; pair < pairs; pair++) n += unsettled[pair] |= touched[row[pair]];
        memset(touched, 0, (size_t)rows);
    } else {
        for (i64 pair = 0; pair < pairs; pair++) n += unsettled[pair];
    }
    let_go(&held);
    return PyLong_FromLongLong(n);
}

/* lacking(world, pairs, audience, due, rto_ticks, tick, heard, pair, slot, client, row): fill in what clients lack. Returns how many records. */
PyObject *lacking(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("lacking", nargs, 11)) return NULL;
    PyObject *world = args[0], *pairs = args[1], *audience = args[2];
    Held held = {0};
    const i64 *owner = COLUMN(world, owner), *world_born = COLUMN(world, born), *version = COLUMN(world, version);
    const i64 *seq = COLUMN(world, seq);
    const u8 *at_rest = FLAGS(world, at_rest);
    const i64 *pair_client = COLUMN(pairs, client), *pair_row = COLUMN(pairs, row), *born = COLUMN(pairs, born);
    const i64 *told = COLUMN(pairs, told), *acked = COLUMN(pairs, acked), *sent = COLUMN(pairs, sent), *sent_at = COLUMN(pairs, sent_at);
    const i64 *first_serve = COLUMN(pairs, first_serve);
    u8 *unsettled = FLAGS(pairs, unsettled);
    const i64 *applied = COLUMN(audience, applied), *peer = COLUMN(audience, peer), *serves = COLUMN(audience, serves);
    const u8 *due = U8(args[3]);
    const i64 *rto_ticks = I64(args[4]), tick = number(&held, args[5]), heard = number(&held, args[6]);
    i64 *pair_out = I64(args[7]), *slot_out = I64(args[8]), *client_out = I64(args[9]), *row_out = I64(args[10]);
    const i64 end = high(&held, pairs);
    if (held.failed) FAIL;
    i64 n = 0;
    /* Slots one after another, as sections follow in frames; TRANSFORM, the common one, also finds out who lacks nothing. */
    for (int slot = 0; slot < SLOTS; slot++) {
        if (slot != TRANSFORM && !(heard >> slot & 1)) continue;
        for (const u8 *at = unsettled; (at = memchr(at, 1, (size_t)(unsettled + end - at))); at++) {
            const i64 pair = at - unsettled, client = pair_client[pair], row = pair_row[pair];
            if (!due[client] || told[pair] > applied[client] || born[pair] != world_born[row]) continue;
            const i64 *newest = version + row * SLOTS, *has = acked + pair * SLOTS;
            if (slot == TRANSFORM) {
                bool wanting = false;
                for (int any = 0; any < SLOTS; any++) wanting |= heard >> any & 1 && newest[any] > has[any];
                if (!wanting) unsettled[pair] = 0;
                if (!wanting || !(heard & 1)) continue;
            }
            if (newest[slot] <= has[slot]) continue;
            const i64 cell = pair * SLOTS + slot;
            if (newest[slot] <= sent[cell]) {
                bool again = tick - sent_at[cell] >= rto_ticks[client];
                if (!again && slot == TRANSFORM && at_rest[row]) {
                    const i64 since = serves[client] - first_serve[pair];
                    again = since == 1 || since == 3;
                }
                if (!again) continue;
            }
            /* An owner lacks what its predecessor said last, until it speaks for itself. */
            if (owner[row] == peer[client] && seq[row * SLOTS + slot] != NO_SEQ) continue;
            pair_out[n] = pair, slot_out[n] = slot, client_out[n] = client, row_out[n] = row;
            n++;
        }
    }
    let_go(&held);
    return PyLong_FromLongLong(n);
}

/* rank(world, pairs, audience, pair, slot, client, row, length, allowance, frame_bytes, frame_cost, tick, chosen): the places of the records
   that their client's allowance carries, by client, the most urgent first. Returns how many. */
PyObject *rank(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("rank", nargs, 13)) return NULL;
    PyObject *world = args[0], *pairs = args[1], *audience = args[2];
    Held held = {0};
    Py_ssize_t n = 0;
    const i64 *position = COLUMN(world, position), *root = COLUMN(world, root), *sent_at = COLUMN(pairs, sent_at);
    const i64 *view = COLUMN(audience, view);
    const double *weight = COLUMN(world, weight);
    const u8 *focus = FLAGS(pairs, focus);
    const i64 *pair = buffer(&held, args[3], 8, &n), *slot = I64(args[4]), *client = I64(args[5]), *row = I64(args[6]);
    const i64 *length = I64(args[7]);
    const double *allowance = I64(args[8]);
    const i64 frame_bytes = number(&held, args[9]), frame_cost = number(&held, args[10]), tick = number(&held, args[11]);
    i64 *chosen = I64(args[12]);
    if (held.failed) FAIL;
    Place *places = PyMem_Malloc((size_t)(2 * n + 1) * sizeof(Place));
    if (!places) {
        let_go(&held);
        return PyErr_NoMemory();
    }
    uint64_t most = 0, last = 0;
    for (i64 i = 0; i < n; i++) {
        const i64 *at = position + 3 * root[row[i]], *from = view + 3 * client[i];
        const double x = (double)(at[0] - from[0]) * (1.0 / 1024), y = (double)(at[1] - from[1]) * (1.0 / 256);
        const double z = (double)(at[2] - from[2]) * (1.0 / 1024);
        i64 age = tick - sent_at[pair[i] * SLOTS + slot[i]];
        age = age < 1 ? 1 : age > MAX_AGE_TICKS ? MAX_AGE_TICKS : age;
        const bool favoured = focus[pair[i]] || age >= OVERDUE_TICKS;
        const double urgency = weight[row[i]] * (favoured ? FOCUS_WEIGHT : 1.0) * (double)age / (NEAR_M + sqrt(x * x + y * y + z * z));
        /* Numbers that are not negative sort as their bits do. */
        uint64_t bits;
        memcpy(&bits, &urgency, sizeof bits);
        places[i] = (Place){UINT64_MAX - bits, i};
        most |= UINT64_MAX - bits, last = last < (uint64_t)client[i] ? (uint64_t)client[i] : last;
    }
    Place *other = places + n, *sorted = sort_places(places, other, n, most);
    other = sorted == places ? places + n : places;
    for (i64 i = 0; i < n; i++) sorted[i].key = (uint64_t)client[sorted[i].index];
    sorted = sort_places(sorted, other, n, last);
    i64 kept = 0, total = 0;
    for (i64 i = 0; i < n; i++) {
        const i64 at = sorted[i].index;
        if (!i || sorted[i].key != sorted[i - 1].key) total = 0;
        total += length[at];
        if ((double)(total + (total + frame_bytes - 1) / frame_bytes * frame_cost) <= allowance[client[at]]) chosen[kept++] = at;
    }
    PyMem_Free(places);
    let_go(&held);
    return PyLong_FromLongLong(kept);
}
