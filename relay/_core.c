/* The inner loops of a room, compiled: what `relay.compiled` offers in place of the NumPy code of the same names.

   Each function does exactly what its twin in Python does, which stays the reference: tests/relay/test_compiled.py drives both with the
   same traffic and compares every byte. Tables come as the Python objects that they are; their columns are fetched by name as buffers, so
   that a table may grow between calls. Rows and places in arguments are the relay's own and are trusted; bytes that peers sent are not.
   Integers are int64 unless a comment says otherwise. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef SOURCE_HASH
#define SOURCE_HASH ""
#endif

typedef int64_t i64;
typedef uint8_t u8;

/* docs/PROTOCOL.md section 5; `relay.compiled` compares these with the ones in Python. */
enum { MOVE = 1, REST, CHILD, POSE, PROPS, FAR, UPRIGHT, KINDS };
enum { TRANSFORM, POSE_SLOT, PROPS_SLOT, SLOTS };
enum { HEADER_BYTES = 28, SECTION_BYTES = 2, MAX_FRAME_BYTES = 1152, MAX_RECORDS = 255, MAX_FRAMES_PER_SERVE = 8 };
enum { RECORDS_BYTES = MAX_FRAME_BYTES - HEADER_BYTES - SECTION_BYTES * (KINDS - 1) };
enum { STATE = 1, ACK_VALID = 1, AGE_MASK = 0x7F, TELEPORT = 0x80, ENTITY_MASK = 0xFFFFFF };
enum { WINDOW = 32, RING = 256, REORDER = 3, IN_FLIGHT = 1, LOST = 2 };
enum { NO_SEQ = -1, MAX_LATE_TICKS = 120, TELEPORT_BURST = 4, TICK_HZ = 60 };
enum { CELL_BITS = 16, REACH_UNITS = 448 * 1024, REACH_Y_UNITS = 127 * 256 };
enum { AHEAD = 4 }; /* records */
enum { MAX_AGE_TICKS = 255, OVERDUE_TICKS = 48 };
enum { TAKEN, UNKNOWN_ENTITY, NOT_OWNER, FENCE, ATTACH, MALFORMED, STALE, SPEED, TELEPORT_RATE, RATE, DROPS };
static const i64 LIMIT_UNITS = (i64)1 << 47, LIMIT_Y_UNITS = (i64)1 << 31;
static const double CLOCK_SLACK_S = 0.1, SLACK_M = 1.0, NEAR_M = 16.0, FOCUS_WEIGHT = 8.0;
static const u8 STRIDE[KINDS] = {0, 18, 14, 18, 34, 0, 18, 15};
static const u8 SLOT_OF[KINDS] = {0, TRANSFORM, TRANSFORM, TRANSFORM, POSE_SLOT, PROPS_SLOT, TRANSFORM, TRANSFORM};
static const bool AGED[KINDS] = {0, 1, 0, 1, 0, 0, 1, 1};
static const u8 RANK[KINDS] = {0, 1, 2, 3, 4, 8, 6, 7}; /* of a section within a frame: PROPS last */
static const u8 SLOT_BYTES[SLOTS] = {24, 40, 0};        /* props: as wide as the column is */

#ifdef __GNUC__
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define PREFETCH(place) ((void)(place))
#endif

static uint16_t get16(const u8 *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t get32(const u8 *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }
static void put16(u8 *p, i64 v) { p[0] = (u8)v, p[1] = (u8)(v >> 8); }
static void put32(u8 *p, i64 v) { put16(p, v), put16(p + 2, v >> 16); }

/* Buffers that a call holds; all are let go at its end. A failure is noted, so that many can be fetched before it is looked at. */
typedef struct {
    Py_buffer view[48];
    int count;
    bool failed;
} Held;

static void let_go(Held *held) {
    while (held->count) PyBuffer_Release(&held->view[--held->count]);
}

static void *buffer(Held *held, PyObject *object, Py_ssize_t itemsize, Py_ssize_t *items) {
    if (held->failed || !object) return held->failed = true, NULL;
    Py_buffer *view = &held->view[held->count];
    if (PyObject_GetBuffer(object, view, PyBUF_C_CONTIGUOUS)) return held->failed = true, NULL;
    held->count++;
    if (view->itemsize != itemsize) {
        PyErr_Format(PyExc_TypeError, "an array of items of %zd bytes where %zd are expected", view->itemsize, itemsize);
        return held->failed = true, NULL;
    }
    if (items) *items = view->len / itemsize;
    return view->buf;
}

static void *column(Held *held, PyObject *table, const char *name, Py_ssize_t itemsize) {
    if (held->failed) return NULL;
    PyObject *array = PyObject_GetAttrString(table, name);
    void *found = buffer(held, array, itemsize, NULL);
    Py_XDECREF(array); /* the buffer keeps it */
    return found;
}

static i64 number(Held *held, PyObject *object) {
    if (held->failed) return 0;
    i64 value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) held->failed = true;
    return value;
}

static double real(Held *held, PyObject *object) {
    if (held->failed) return 0;
    double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) held->failed = true;
    return value;
}

static i64 high(Held *held, PyObject *table) {
    if (held->failed) return 0;
    PyObject *value = PyObject_GetAttrString(table, "high");
    if (!value) return held->failed = true, 0;
    i64 rows = number(held, value);
    Py_DECREF(value);
    return rows;
}

static bool expect(const char *name, Py_ssize_t given, Py_ssize_t wanted) {
    if (given == wanted) return true;
    PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, %zd given", name, wanted, given);
    return false;
}

#define I64(object) buffer(&held, object, 8, NULL)
#define U8(object) buffer(&held, object, 1, NULL)
#define COLUMN(table, name) column(&held, table, #name, 8)
#define FLAGS(table, name) column(&held, table, #name, 1)
#define FAIL                                                                                                                               \
    do {                                                                                                                                   \
        let_go(&held);                                                                                                                     \
        return NULL;                                                                                                                       \
    } while (0)

/* find_sections(data, at, length, sound, found): sections of all sound frames as rows frame, kind, count, first of `found` (4, places).
   Frames that turn out to be unsound lose their mark and get none. Returns how many there are. */
static PyObject *find_sections(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("find_sections", nargs, 5)) return NULL;
    Held held = {0};
    Py_ssize_t octets = 0, frames = 0, marks = 0, places = 0;
    const u8 *data = buffer(&held, args[0], 1, &octets);
    const i64 *at = buffer(&held, args[1], 8, &frames), *length = I64(args[2]);
    u8 *sound = buffer(&held, args[3], 1, &marks);
    i64 *found = buffer(&held, args[4], 8, &places);
    if (held.failed) FAIL;
    places /= 4;
    i64 *frame_of = found, *kind_of = found + places, *count_of = found + 2 * places, *first_of = found + 3 * places;
    i64 n = 0;
    for (i64 frame = 0; frame < frames; frame++) {
        if (!sound[frame]) continue;
        i64 cursor = at[frame] + HEADER_BYTES, end = at[frame] + length[frame], before = n;
        while (cursor < end) {
            i64 first = cursor + SECTION_BYTES, after;
            if (first > end) break;
            int kind = data[cursor], count = data[cursor + 1];
            if (kind < 1 || kind >= KINDS || !count || n >= places) break;
            if (kind == PROPS) {
                after = first;
                for (int i = 0; i < count && after <= end; i++) after = after + 4 <= end ? after + 4 + data[after + 3] : end + 1;
                if (after != end) break;
            } else {
                after = first + count * STRIDE[kind];
                if (after > end) break;
            }
            frame_of[n] = frame, kind_of[n] = kind, count_of[n] = count, first_of[n] = first;
            n++;
            cursor = after;
        }
        if (cursor < end) sound[frame] = 0, n = before;
    }
    let_go(&held);
    return PyLong_FromLongLong(n);
}

typedef struct {
    i64 client, seq, index;
} Turn;

static int by_turn(const void *a, const void *b) {
    const Turn *one = a, *two = b;
    if (one->client != two->client) return one->client < two->client ? -1 : 1;
    if (one->seq != two->seq) return one->seq < two->seq ? -1 : 1;
    return one->index < two->index ? -1 : 1;
}

/* Where a record says that its transform is, as `World.position`. */
static void position_of(const u8 *p, int kind, uint32_t ident, const i64 base[3], i64 position[3]) {
    if (kind == CHILD) {
        for (int axis = 0; axis < 3; axis++) position[axis] = (int16_t)get16(p + 4 + 2 * axis);
        return;
    }
    i64 x = get16(p + 4), z = get16(p + 6), y = get16(p + 8), cx = ident >> 24 & 15, cz = ident >> 28;
    position[0] = (i64)((uint64_t)(base[0] + ((cx - base[0] + 8) & 15) - 8) << CELL_BITS) + x;
    position[2] = (i64)((uint64_t)(base[1] + ((cz - base[1] + 8) & 15) - 8) << CELL_BITS) + z;
    position[1] = base[2] + ((y - base[2] + 0x8000) & 0xFFFF) - 0x8000;
}

static bool outside(const i64 position[3]) {
    return position[0] < -LIMIT_UNITS || position[0] >= LIMIT_UNITS || position[1] < -LIMIT_Y_UNITS || position[1] >= LIMIT_Y_UNITS ||
           position[2] < -LIMIT_UNITS || position[2] >= LIMIT_UNITS;
}

static bool rests(const u8 *p, int kind) {
    if (kind == MOVE || kind == CHILD) return !(p[14] | p[15] | p[16]);
    return kind != UPRIGHT || !(p[12] | p[13]);
}

/* absorb(world, audience, arrivals, received, tick, max_speed_m_s): judge all records of received frames, and store those that are taken.
   Returns (records by Drop, slots heard as bits, whether anything in the world is new: its version is world.changes + 1). */
static PyObject *absorb(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("absorb", nargs, 6)) return NULL;
    PyObject *world = args[0], *audience = args[1], *arrivals = args[2], *received = args[3];
    Held held = {0};
    Py_ssize_t ids = 0, sections = 0, frames = 0, taken = 0, rows = 0, props_bytes = 0;
    PyObject *found[6] = {
        PyObject_GetAttrString(world, "row_of"),  PyObject_GetAttrString(arrivals, "frame"), PyObject_GetAttrString(arrivals, "at"),
        PyObject_GetAttrString(received, "frame"), PyObject_GetAttrString(world, "owner"),    PyObject_GetAttrString(world, "props"),
    };
    const i64 *row_of = buffer(&held, found[0], 8, &ids), *frame_of = buffer(&held, found[1], 8, &sections);
    const i64 *number_of = buffer(&held, found[3], 8, &taken);
    buffer(&held, found[2], 8, &frames);
    const i64 *owner = buffer(&held, found[4], 8, &rows);
    u8 *props = buffer(&held, found[5], 1, &props_bytes);
    for (int i = 0; i < 6; i++) Py_XDECREF(found[i]);
    const u8 *data = FLAGS(arrivals, data);
    const u8 *header = column(&held, arrivals, "header", HEADER_BYTES);
    const i64 *kind_of = COLUMN(arrivals, kind), *count_of = COLUMN(arrivals, count), *first_of = COLUMN(arrivals, first);
    const i64 *client = COLUMN(received, client), *seq_of = COLUMN(received, seq), *applied_of = COLUMN(received, applied);
    const i64 *peer_of = COLUMN(audience, peer), *parent = COLUMN(world, parent), *attach = COLUMN(world, attach);
    const i64 *fence = COLUMN(world, fence);
    u8 *stirred = FLAGS(world, stirred), *touched = FLAGS(world, touched), *at_rest = FLAGS(world, at_rest);
    u8 *transforms = FLAGS(world, transforms), *poses = FLAGS(world, poses);
    i64 *position = COLUMN(world, position), *kinds = COLUMN(world, kind), *lengths = COLUMN(world, length);
    i64 *versions = COLUMN(world, version), *samples = COLUMN(world, sample), *seqs = COLUMN(world, seq);
    i64 *changed = COLUMN(world, changed), *teleported = COLUMN(world, teleported), *jumped_at = COLUMN(world, jumped_at);
    i64 *refused = COLUMN(world, refused);
    double *jumps = COLUMN(world, jumps), *overrun_m = COLUMN(world, overrun_m);
    PyObject *changes = held.failed ? NULL : PyObject_GetAttrString(world, "changes");
    const i64 version = changes ? number(&held, changes) + 1 : 0;
    Py_XDECREF(changes);
    const i64 tick = number(&held, args[4]);
    const double max_speed = real(&held, args[5]);
    if (held.failed || !changes) FAIL;

    Turn *turns = PyMem_Malloc((size_t)(taken + 1) * sizeof(Turn));
    i64 *begins = PyMem_Malloc((size_t)(frames + 1) * sizeof(i64));
    if (!turns || !begins) {
        PyMem_Free(turns), PyMem_Free(begins), let_go(&held);
        return PyErr_NoMemory();
    }
    for (i64 frame = 0, section = 0; frame <= frames; frame++) {
        while (section < sections && frame_of[section] < frame) section++;
        begins[frame] = section;
    }
    for (i64 i = 0; i < taken; i++) turns[i] = (Turn){client[i], seq_of[i], i};
    /* What an owner sent is taken in the order in which it was sent. */
    qsort(turns, (size_t)taken, sizeof(Turn), by_turn);

    i64 drops[DROPS] = {0};
    int heard = 0;
    bool news = false;
    const double too_far = SLACK_M + CLOCK_SLACK_S * max_speed;
    u8 *const records[SLOTS] = {transforms, poses, props};
    const i64 widths[SLOTS] = {SLOT_BYTES[TRANSFORM], SLOT_BYTES[POSE_SLOT], props_bytes / rows};
    for (i64 turn = 0; turn < taken; turn++) {
        const i64 i = turns[turn].index, frame = number_of[i], seq = seq_of[i], applied = applied_of[i], peer = peer_of[client[i]];
        const u8 *head = header + frame * HEADER_BYTES;
        const i64 base[3] = {(int32_t)get32(head + 8), (int32_t)get32(head + 12), (int32_t)get32(head + 16)};
        i64 near = tick + (int32_t)(get32(head + 4) - (uint32_t)tick);
        near = near < tick - MAX_LATE_TICKS ? tick - MAX_LATE_TICKS : near > tick ? tick : near;
        for (i64 section = begins[frame]; section < begins[frame + 1]; section++) {
            const int kind = (int)kind_of[section], slot = SLOT_OF[kind];
            const u8 *next = data + first_of[section];
            for (i64 left = count_of[section]; left; left--) {
                const u8 *p = next;
                const i64 length = kind == PROPS ? 4 + p[3] : STRIDE[kind];
                next += length;
                if (kind != PROPS && left > AHEAD) {
                    /* In a city each record is of another entity, whose columns are fetched while others are dealt with. */
                    const i64 coming = get32(p + AHEAD * length) & ENTITY_MASK, its = coming < ids ? row_of[coming] : 0;
                    PREFETCH(owner + its), PREFETCH(fence + its), PREFETCH(parent + its), PREFETCH(overrun_m + its);
                    PREFETCH(seqs + its * SLOTS), PREFETCH(samples + its * SLOTS), PREFETCH(lengths + its * SLOTS);
                    PREFETCH(versions + its * SLOTS), PREFETCH(position + its * 3), PREFETCH(kinds + its), PREFETCH(changed + its);
                    PREFETCH(transforms + its * widths[TRANSFORM]), PREFETCH(teleported + its);
                }
                const uint32_t ident = get32(p);
                const i64 entity = ident & ENTITY_MASK, row = entity < ids ? row_of[entity] : 0, cell = row * SLOTS + slot;
                const int age = AGED[kind] ? p[length - 1] : 0;
                const i64 sample = near - (age & AGE_MASK);
                i64 to[3] = {0};
                if (slot == TRANSFORM) position_of(p, kind, ident, base, to);
                int verdict = TAKEN;
                if (!row) verdict = UNKNOWN_ENTITY;
                else if (owner[row] != peer) verdict = NOT_OWNER;
                else if (applied < fence[row]) verdict = FENCE;
                else if (kind == FAR || (slot == TRANSFORM && outside(to))) verdict = MALFORMED;
                else if (slot == TRANSFORM && (kind == CHILD) != (parent[row] > 0)) verdict = ATTACH;
                else if (kind == CHILD && (i64)(ident >> 24) != attach[row]) verdict = ATTACH;
                else if (seq < seqs[cell]) verdict = STALE;
                else if (slot == TRANSFORM && kind != CHILD) {
                    const i64 *was = position + 3 * row;
                    const double x = (double)(to[0] - was[0]) * (1.0 / 1024), y = (double)(to[1] - was[1]) * (1.0 / 256);
                    const double z = (double)(to[2] - was[2]) * (1.0 / 1024);
                    const i64 passed = sample - samples[cell];
                    const double elapsed_s = (double)(passed > 0 ? passed : 0) / TICK_HZ;
                    double ahead = overrun_m[row] + sqrt(x * x + y * y + z * z) - elapsed_s * max_speed;
                    if (ahead < 0) ahead = 0;
                    if (ahead <= too_far) overrun_m[row] = ahead;
                    else {
                        double left_jumps = jumps[row] + (double)(tick - jumped_at[row]) * ((double)TELEPORT_BURST / TICK_HZ);
                        if (left_jumps > TELEPORT_BURST) left_jumps = TELEPORT_BURST;
                        if (age & TELEPORT && left_jumps >= 1) {
                            overrun_m[row] = 0, jumps[row] = left_jumps - 1, jumped_at[row] = tick;
                        } else {
                            verdict = age & TELEPORT ? TELEPORT_RATE : SPEED;
                            if (refused[row] < seq) refused[row] = seq;
                        }
                    }
                }
                drops[verdict]++;
                if (verdict != TAKEN) continue;
                heard |= 1 << slot;
                seqs[cell] = seq;
                if (samples[cell] < sample) samples[cell] = sample;
                u8 *kept = records[slot] + row * widths[slot];
                bool fresh = lengths[cell] != length || memcmp(kept, p, (size_t)(length - AGED[kind]));
                memcpy(kept, p, (size_t)length);
                lengths[cell] = length;
                if (slot == TRANSFORM) {
                    i64 *was = position + 3 * row;
                    const bool moved = was[0] != to[0] || was[1] != to[1] || was[2] != to[2];
                    stirred[row] |= moved;
                    fresh |= moved || kinds[row] != kind;
                    kinds[row] = kind, at_rest[row] = rests(p, kind);
                    memcpy(was, to, sizeof to);
                }
                if (!fresh) continue;
                news = true;
                versions[cell] = changed[row] = version, touched[row] = 1;
                if (slot == TRANSFORM && age & TELEPORT) teleported[row] = version;
            }
        }
    }
    PyMem_Free(turns), PyMem_Free(begins), let_go(&held);
    PyObject *counts = PyList_New(DROPS);
    for (int i = 0; counts && i < DROPS; i++) PyList_SET_ITEM(counts, i, PyLong_FromLongLong(drops[i]));
    return counts ? Py_BuildValue("(Nii)", counts, heard, (int)news) : NULL;
}

/* acknowledge(flight, next_seq, acked, rows, ack_seq, ack_mask, rto_s, now, arrived, lost, delay_rows, delays_s, gaps_s): take in what headers
   acknowledge, one after another; `arrived` and `lost` (clients,) are added to. Returns how many delays there are. */
static PyObject *acknowledge(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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

/* keep(records, places, counts, cells, versions): remember the records of frames that go out, as bytes: cells, then versions, of each. */
static PyObject *keep(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("keep", nargs, 5)) return NULL;
    Held held = {0};
    Py_ssize_t frames = 0;
    const i64 *places = buffer(&held, args[1], 8, &frames), *counts = I64(args[2]), *cells = I64(args[3]), *versions = I64(args[4]);
    if (held.failed) FAIL;
    for (i64 i = 0, at = 0; i < frames; at += counts[i++]) {
        const size_t octets = (size_t)counts[i] * 8;
        PyObject *what = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)octets * 2), *key = PyLong_FromLongLong(places[i]);
        if (what && key) {
            memcpy(PyBytes_AS_STRING(what), cells + at, octets);
            memcpy(PyBytes_AS_STRING(what) + octets, versions + at, octets);
            PyDict_SetItem(args[0], key, what);
        }
        Py_XDECREF(what), Py_XDECREF(key);
    }
    let_go(&held);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* stir(world, pairs): note which pairs may lack something, now that entities have changed. Returns how many they are in all. */
static PyObject *stir(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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
static PyObject *lacking(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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

/* measure(world, audience, slot, client, row, kind, length, beyond): section and bytes of each record; the places of transforms in the world
   that their client's home base does not reach go into `beyond`. Returns how many of these there are. */
static PyObject *measure(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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

typedef struct {
    uint64_t key;
    i64 index;
} Place;

/* Stable, by digits of 11 bits; returns which of both holds the result. */
static Place *sort_places(Place *places, Place *spare, i64 n, uint64_t most) {
    enum { BITS = 11, DIGITS = 1 << BITS };
    for (int shift = 0; shift < 64 && most >> shift; shift += BITS) {
        i64 begins[DIGITS + 1] = {0};
        for (i64 i = 0; i < n; i++) begins[(places[i].key >> shift & (DIGITS - 1)) + 1]++;
        if (n && begins[(places[0].key >> shift & (DIGITS - 1)) + 1] == n) continue;
        for (int digit = 0; digit < DIGITS; digit++) begins[digit + 1] += begins[digit];
        for (i64 i = 0; i < n; i++) spare[begins[places[i].key >> shift & (DIGITS - 1)]++] = places[i];
        Place *sorted = spare;
        spare = places, places = sorted;
    }
    return places;
}

/* rank(world, pairs, audience, pair, slot, client, row, length, allowance, frame_bytes, frame_cost, tick, chosen): the places of the records
   that their client's allowance carries, by client, the most urgent first. Returns how many. */
static PyObject *rank(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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

/* deal(pair, slot, client, row, kind, length, group, groups, out, size, first): put records in the order of their frames: by client, group
   and section; cut them into frames. `out` (6, n) gets pair, slot, client, row, kind, length; `size` (n,) the records of each frame, `first`
   (n,) the group of each. Frames past MAX_FRAMES_PER_SERVE of a client are left out. Returns (records, frames). */
static PyObject *deal(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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
static PyObject *write_frames(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("write", nargs, 8)) return NULL;
    PyObject *layout = args[0], *world = args[1], *pairs = args[2], *audience = args[3];
    PyObject *choice = PyObject_GetAttrString(layout, "choice"), *sizes = PyObject_GetAttrString(layout, "size");
    PyObject *every = PyObject_GetAttrString(world, "props"), *owners = PyObject_GetAttrString(world, "owner");
    Held held = {.failed = !choice};
    Py_ssize_t frames = 0, props_bytes = 0, rows = 1;
    const i64 *size = buffer(&held, sizes, 8, &frames), *owner = buffer(&held, owners, 8, &rows);
    const u8 *props = buffer(&held, every, 1, &props_bytes);
    Py_XDECREF(sizes), Py_XDECREF(every), Py_XDECREF(owners);
    (void)owner;
    const i64 *slot = COLUMN(choice, slot), *row = COLUMN(choice, row), *pair = COLUMN(choice, pair);
    Py_XDECREF(choice);
    const i64 *kind = COLUMN(layout, kind), *length = COLUMN(layout, length), *client = COLUMN(layout, client);
    const i64 *base = COLUMN(layout, base);
    const i64 *sample = COLUMN(world, sample), *teleported = COLUMN(world, teleported), *acked = COLUMN(pairs, acked);
    const i64 *ack_seq = COLUMN(audience, ack_seq), *ack_mask = COLUMN(audience, ack_mask);
    const u8 *ack_valid = FLAGS(audience, ack_valid), *coarse = U8(args[4]);
    const u8 *records[SLOTS] = {FLAGS(world, transforms), FLAGS(world, poses), props};
    const i64 widths[SLOTS] = {SLOT_BYTES[TRANSFORM], SLOT_BYTES[POSE_SLOT], props_bytes / (rows ? rows : 1)};
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
static PyObject *note_sent(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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

#define FUNCTION(name, function) {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL}

static PyMethodDef functions[] = {
    FUNCTION("find_sections", find_sections),
    FUNCTION("absorb", absorb),
    FUNCTION("acknowledge", acknowledge),
    FUNCTION("keep", keep),
    FUNCTION("stir", stir),
    FUNCTION("lacking", lacking),
    FUNCTION("measure", measure),
    FUNCTION("rank", rank),
    FUNCTION("deal", deal),
    FUNCTION("write", write_frames),
    FUNCTION("note_sent", note_sent),
    {0},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "relay._core",
    .m_doc = "The inner loops of a room, compiled; see relay.compiled.",
    .m_size = 0,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__core(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddStringConstant(module, "SOURCE_HASH", SOURCE_HASH)) Py_CLEAR(module);
    return module;
}
