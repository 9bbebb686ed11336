/* Records to frames: twin of `relay/framing.py`, `relay/far.py` and `Replication._depart`. */

#include "functions.h"
#include "places.h"

static bool within(i64 a, i64 b, i64 reach) { return llabs(a - b) <= reach; }

/* Whether a base in the cell and at the height of `from` reaches a position. */
static bool reaches(const i64 *from, const i64 *at) {
    const i64 half = (i64)1 << (CELL_BITS - 1), cell = ~(((i64)1 << CELL_BITS) - 1);
    return within(at[0], (from[0] & cell) + half, REACH_UNITS) && within(at[2], (from[2] & cell) + half, REACH_UNITS) &&
           within(at[1], from[1], REACH_Y_UNITS);
}

/* Whether it can be told from there by FAR. */
static bool reaches_far(const i64 *from, const i64 *at) {
    return within(at[0] >> FAR_BITS, from[0] >> FAR_BITS, FAR_CELLS) && within(at[2] >> FAR_BITS, from[2] >> FAR_BITS, FAR_CELLS) &&
           llabs((at[1] >> FAR_SHIFT) - (from[1] >> FAR_SHIFT)) < FAR_HALF_Y;
}

/* A client, and a block of cells that one base reaches. */
typedef struct {
    i64 of[4];
} Block;

/* The number, from 1 on, of a block among those seen so far; a new one gets a base. `slots`: hash table of numbers, `mask` + 1 of them. */
static int32_t numbered(const Block *block, Block *seen, int32_t *slots, uint64_t mask, Bases *bases) {
    uint64_t hash = 0;
    for (int i = 0; i < 4; i++) hash = (hash ^ (uint64_t)block->of[i]) * 0x9E3779B97F4A7C15u, hash ^= hash >> 29;
    for (uint64_t at = hash & mask;; at = (at + 1) & mask) {
        if (slots[at] && !memcmp(&seen[slots[at] - 1], block, sizeof *block)) return slots[at];
        if (slots[at]) continue;
        seen[bases->n] = *block;
        const i64 middle[3] = {block->of[1] * BLOCK_CELLS + BLOCK_CELLS / 2, block->of[2] * BLOCK_CELLS + BLOCK_CELLS / 2,
                               block->of[3] * BLOCK_Y + BLOCK_Y / 2};
        for (int axis = 0; axis < 3; axis++)
            bases->at[bases->n].of[axis] = middle[axis] < INT32_MIN ? INT32_MIN : middle[axis] > INT32_MAX ? INT32_MAX : middle[axis];
        return slots[at] = (int32_t)++bases->n;
    }
}

/* What their client's home base does not reach goes as FAR while it moves, once for each change; else it gets another base. */
bool place_bases(Held *held, const Tables *room, Records *records, Bases *bases) {
    PyObject *world = room->world;
    const i64 *parent = column(held, world, "parent", 8, NULL), *position = column(held, world, "position", 8, NULL);
    const i64 *version = column(held, world, "version", 8, NULL), *view = column(held, room->audience, "view", 8, NULL);
    const i64 *sent = column(held, room->pairs, "sent", 8, NULL);
    const u8 *at_rest = column(held, world, "at_rest", 1, NULL);
    if (held->failed) return false;
    i64 beyond = 0;
    for (i64 i = 0; i < records->n; i++) {
        Record *r = &records->at[i];
        const i64 *at = position + 3 * r->row, *from = view + 3 * r->client;
        if (r->slot != TRANSFORM || parent[r->row] || reaches(from, at)) continue;
        const i64 cell = r->pair * SLOTS + TRANSFORM;
        if (!at_rest[r->row] && version[r->row * SLOTS + TRANSFORM] > sent[cell] && reaches_far(from, at)) r->kind = FAR, r->length = STRIDE[FAR];
        else r->group = 1, beyond++;
    }
    if (!beyond) return true;
    uint64_t mask = 15;
    while (mask < 2 * (uint64_t)beyond) mask = 2 * mask + 1;
    int32_t *slots = PyMem_Calloc(mask + 1, sizeof(int32_t));
    Block *seen = PyMem_Malloc((size_t)beyond * sizeof(Block));
    bases->at = PyMem_Malloc((size_t)beyond * sizeof(Base));
    const bool done = slots && seen && bases->at;
    for (i64 i = 0; done && i < records->n; i++) {
        Record *r = &records->at[i];
        if (!r->group) continue;
        const i64 *at = position + 3 * r->row;
        const Block block = {{r->client, floored(at[0] >> CELL_BITS, BLOCK_CELLS), floored(at[2] >> CELL_BITS, BLOCK_CELLS), floored(at[1], BLOCK_Y)}};
        r->group = numbered(&block, seen, slots, mask, bases);
    }
    PyMem_Free(slots), PyMem_Free(seen);
    if (!done) PyErr_NoMemory();
    return done;
}

/* Put records in the order of their frames: by client, base and section; and cut them into frames of so many records each. Frames past
   MAX_FRAMES_PER_SERVE of a client are left out. */
bool deal(Records *records, i64 **sizes, i64 *frames, const Bases *bases) {
    const i64 n = records->n, groups = bases->n + 1;
    if (!n) return true;
    enum { RANKS = 9 };
    Place *places = PyMem_Malloc((size_t)(2 * n) * sizeof(Place));
    Record *dealt = PyMem_Malloc((size_t)n * sizeof(Record));
    i64 *size = *sizes = PyMem_Malloc((size_t)n * sizeof(i64));
    if (!places || !dealt || !size) {
        PyMem_Free(places), PyMem_Free(dealt);
        return PyErr_NoMemory();
    }
    uint64_t most = 0;
    for (i64 i = 0; i < n; i++) {
        const Record *r = &records->at[i];
        const uint64_t key = (uint64_t)(r->client * groups + r->group) * RANKS + RANK[r->kind];
        places[i] = (Place){key, i};
        most = most < key ? key : most;
    }
    const Place *sorted = sort_places(places, places + n, n, most);
    i64 kept = 0, of_client = 0, bytes = 0, whose = -1;
    uint64_t which = UINT64_MAX;
    for (i64 i = 0; i < n; i++) {
        const Record *r = &records->at[sorted[i].index];
        const uint64_t mine = sorted[i].key / RANKS;
        if (mine != which || bytes + r->length > RECORDS_BYTES || size[*frames - 1] == MAX_RECORDS) {
            if (r->client != whose) whose = r->client, of_client = 0;
            if (of_client == MAX_FRAMES_PER_SERVE) {
                while (i + 1 < n && records->at[sorted[i + 1].index].client == whose) i++;
                which = UINT64_MAX;
                continue;
            }
            which = mine, bytes = 0, of_client++;
            size[(*frames)++] = 0;
        }
        size[*frames - 1]++, bytes += r->length;
        dealt[kept++] = *r;
    }
    PyMem_Free(places), PyMem_Free(records->at);
    records->at = dealt, records->n = kept, records->room = n;
    return true;
}

/* What frames are written from. */
typedef struct {
    const i64 *sample, *teleported, *acked, *ack_seq, *ack_mask, *entity, *position, *kind;
    const u8 *ack_valid, *records[SLOTS], *rotations;
    i64 widths[SLOTS], tick;
} Writing;

/* A FAR record of what moves; its age is yet to be written. */
static void write_far(const Writing *w, i64 row, u8 *p) {
    const i64 *at = w->position + 3 * row;
    const u8 *said = w->records[TRANSFORM] + row * w->widths[TRANSFORM];
    put32(p, w->entity[row] | (at[0] >> FAR_BITS & 15) << 24 | (at[2] >> FAR_BITS & 15) << 28);
    put16(p + 4, at[0] >> FAR_SHIFT), put16(p + 6, at[2] >> FAR_SHIFT), put16(p + 8, at[1] >> FAR_SHIFT);
    memcpy(p + 10, said + 10, 8);
    if (w->kind[row] != UPRIGHT) return;
    memcpy(p + 10, w->rotations + 4 * get16(said + 10), 4);
    p[14] = said[12], p[15] = 0, p[16] = said[13];
}

/* The bytes of one frame. */
static PyObject *frame_of(const Writing *w, i64 whose, const Record *at, const Record *end, const Base *base, i64 seq, i64 applied) {
    i64 bytes = HEADER_BYTES;
    for (const Record *r = at; r < end; r++) bytes += r->length + (r == at || r->kind != r[-1].kind ? SECTION_BYTES : 0);
    PyObject *payload = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
    if (!payload) return NULL;
    u8 *p = (u8 *)PyBytes_AS_STRING(payload), *count = NULL;
    p[0] = STATE, p[1] = w->ack_valid[whose] ? ACK_VALID : 0;
    put16(p + 2, seq), put32(p + 4, w->tick);
    for (int axis = 0; axis < 3; axis++) put32(p + 8 + 4 * axis, base->of[axis]);
    put16(p + 20, w->ack_seq[whose]), put32(p + 22, w->ack_mask[whose]), put16(p + 26, applied);
    p += HEADER_BYTES;
    for (const Record *r = at; r < end; r++) {
        if (!count || r->kind != r[-1].kind) *p = r->kind, count = p + 1, *count = 0, p += SECTION_BYTES;
        ++*count;
        if (r->kind == FAR) write_far(w, r->row, p);
        else memcpy(p, w->records[r->slot] + r->row * w->widths[r->slot], (size_t)r->length);
        p += r->length;
        if (!AGED[r->kind]) continue;
        i64 age = w->tick - w->sample[r->row * SLOTS + TRANSFORM];
        age = age < 0 ? 0 : age > AGE_MASK ? AGE_MASK : age;
        /* A jump is told until it is acknowledged, though the record that jumped was replaced. */
        p[-1] = (u8)(age | (w->teleported[r->row] > w->acked[r->pair * SLOTS + TRANSFORM] ? TELEPORT : 0));
    }
    return payload;
}

/* What is remembered of frames. */
typedef struct {
    const i64 *version, *serves, *peer_of;
    i64 *sent, *sent_at, *first_serve, *next_seq, *seqs, *last, *waiting;
    u8 *state;
    double *departed_s, *tokens, *used, *counted;
    PyObject *records;
} Remembered;

/* Write a frame, and remember what went in it, when, and what it cost; appended to `out` as (peer, frame). */
static bool depart_one(const Writing *w, const Remembered *m, const Serve *serve, i64 whose, const Record *at, const Record *end, const Base *base,
                       PyObject *applied, PyObject *out) {
    const i64 seq = m->next_seq[whose]++, place = whose * RING + seq % RING, n = end - at;
    PyObject *peer = PyLong_FromLongLong(m->peer_of[whose]), *key = PyLong_FromLongLong(place);
    PyObject *has = peer ? PyDict_GetItemWithError(applied, peer) : NULL;
    PyObject *payload = peer && key && !PyErr_Occurred() ? frame_of(w, whose, at, end, base, seq, has ? PyLong_AsLongLong(has) : 0) : NULL;
    PyObject *kept = payload ? PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(16 * n)) : NULL, *told = kept ? PyTuple_Pack(2, peer, payload) : NULL;
    bool done = false;
    if (told && !PyErr_Occurred()) {
        i64 *cells = (i64 *)(void *)PyBytes_AS_STRING(kept), *versions = cells + n;
        for (const Record *r = at; r < end; r++) {
            const i64 cell = r->pair * SLOTS + r->slot, newest = m->version[r->row * SLOTS + r->slot];
            if (r->slot == TRANSFORM && newest > m->sent[cell]) m->first_serve[r->pair] = m->serves[whose];
            m->sent[cell] = newest, m->sent_at[cell] = w->tick;
            /* Who has it coarsely still lacks it: if nothing newer comes, it is said exactly. */
            *cells++ = cell, *versions++ = newest - (r->kind == FAR);
        }
        m->seqs[place] = seq, m->departed_s[place] = serve->now, m->state[place] = IN_FLIGHT;
        m->last[whose] = m->last[whose] < seq ? seq : m->last[whose], m->waiting[whose]++;
        const double cost = (double)(PyBytes_GET_SIZE(payload) + FRAME_OVERHEAD_BYTES);
        m->tokens[whose] -= cost, m->used[whose] += cost / (BYTES_PER_KBIT * MEMORY_S), m->counted[whose] += 1;
        done = !PyDict_SetItem(m->records, key, kept) && !PyList_Append(out, told);
    }
    Py_XDECREF(peer), Py_XDECREF(key), Py_XDECREF(payload), Py_XDECREF(kept), Py_XDECREF(told);
    return done;
}

/* All frames as a list of (peer, frame), then frames without records for those who have had none for long. `applied`: what we have applied of
   each peer's control stream, by peer; `rotations`: those of upright things by yaw, as in `relay/far.py`. */
PyObject *depart(Held *held, const Tables *room, const Serve *serve, const Records *records, const i64 *sizes, i64 frames, const Bases *bases,
                 PyObject *applied, const u8 *rotations) {
    PyObject *world = room->world, *pairs = room->pairs, *audience = room->audience, *flight = room->flight, *budgets = room->budgets;
    Py_ssize_t props_bytes = 0, rows = 1;
    Writing w = {.tick = serve->tick, .rotations = rotations, .widths = {SLOT_BYTES[TRANSFORM], SLOT_BYTES[POSE_SLOT], 0}};
    w.sample = column(held, world, "sample", 8, NULL), w.teleported = column(held, world, "teleported", 8, NULL);
    w.acked = column(held, pairs, "acked", 8, NULL), w.ack_seq = column(held, audience, "ack_seq", 8, NULL);
    w.ack_mask = column(held, audience, "ack_mask", 8, NULL), w.ack_valid = column(held, audience, "ack_valid", 1, NULL);
    w.records[TRANSFORM] = column(held, world, "transforms", 1, NULL), w.records[POSE_SLOT] = column(held, world, "poses", 1, NULL);
    w.records[PROPS_SLOT] = column(held, world, "props", 1, &props_bytes), w.entity = column(held, world, "entity", 8, &rows);
    w.position = column(held, world, "position", 8, NULL), w.kind = column(held, world, "kind", 8, NULL);
    w.widths[PROPS_SLOT] = props_bytes / rows;
    Remembered m = {.version = column(held, world, "version", 8, NULL)};
    m.serves = column(held, audience, "serves", 8, NULL), m.peer_of = column(held, audience, "peer", 8, NULL);
    m.sent = column(held, pairs, "sent", 8, NULL), m.sent_at = column(held, pairs, "sent_at", 8, NULL);
    m.first_serve = column(held, pairs, "first_serve", 8, NULL), m.next_seq = column(held, audience, "next_seq", 8, NULL);
    m.seqs = column(held, flight, "seq", 8, NULL), m.last = column(held, flight, "last", 8, NULL);
    m.waiting = column(held, flight, "waiting", 8, NULL), m.state = column(held, flight, "state", 1, NULL);
    m.departed_s = column(held, flight, "sent_s", 8, NULL), m.tokens = column(held, budgets, "tokens", 8, NULL);
    m.used = column(held, budgets, "used_kbit_s", 8, NULL), m.counted = column(held, budgets, "_frames", 8, NULL);
    const i64 *view = column(held, audience, "view", 8, NULL);
    const u8 *active = column(held, audience, "active", 1, NULL);
    double *burst = column(held, audience, "burst", 8, NULL), *sent_s = column(held, audience, "sent_s", 8, NULL);
    m.records = held->failed ? NULL : PyObject_GetAttrString(flight, "records");
    PyObject *out = m.records ? PyList_New(0) : NULL;
    bool done = out;
    double served = 0;
    const Record *at = records->at, *end;
    for (i64 frame = 0; done && frame < frames; frame++, at = end) {
        const i64 whose = at->client, *from = view + 3 * whose;
        const Base home = {{from[0] >> CELL_BITS, from[2] >> CELL_BITS, from[1]}};
        end = at + sizes[frame];
        done = depart_one(&w, &m, serve, whose, at, end, at->group ? &bases->at[at->group - 1] : &home, applied, out);
        served++;
        if (frame + 1 < frames && end->client == whose) continue;
        burst[whose] += BURST_GAIN * (served - burst[whose]), sent_s[whose] = serve->now;
        served = 0;
    }
    for (i64 whose = 0; done && whose < serve->clients; whose++) {
        if (!active[whose] || !(serve->now - sent_s[whose] > OVERDUE_S)) continue;
        const i64 *from = view + 3 * whose;
        const Base home = {{from[0] >> CELL_BITS, from[2] >> CELL_BITS, from[1]}};
        done = depart_one(&w, &m, serve, whose, NULL, NULL, &home, applied, out);
        burst[whose] += BURST_GAIN * (1 - burst[whose]), sent_s[whose] = serve->now;
    }
    Py_XDECREF(m.records);
    if (!done) Py_CLEAR(out);
    return out;
}
