/* Records of owners into the world: twin of `relay/ingest.py`, `relay/acceptance.py` and `relay/speed.py`. */

#include <math.h>

#include "functions.h"

#ifdef __GNUC__
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define PREFETCH(place) ((void)(place))
#endif


enum { AHEAD = 4 }; /* records */

static int by_turn(const void *a, const void *b) {
    const Frame *one = a, *two = b;
    if (one->client != two->client) return one->client < two->client ? -1 : 1;
    if (one->seq != two->seq) return one->seq < two->seq ? -1 : 1;
    return one->place < two->place ? -1 : 1;
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

/* Judge all records of received frames, and store those that are taken; in the order in which their owners sent them. `heard`: slots as bits;
   `news`: something in the world is new: its version is world.changes + 1. */
bool absorb(Held *held, const Tables *room, Arrivals *come, i64 tick, double max_speed, int *heard, bool *news) {
    if (!come->n) return true;
    PyObject *world = room->world;
    Py_ssize_t ids = 0, rows = 1, props_bytes = 0;
    const i64 *row_of = column(held, world, "row_of", 8, &ids), *owner = column(held, world, "owner", 8, &rows);
    const i64 *peer_of = column(held, room->audience, "peer", 8, NULL), *fence = column(held, world, "fence", 8, NULL);
    const i64 *parent = column(held, world, "parent", 8, NULL), *attach = column(held, world, "attach", 8, NULL);
    u8 *props = column(held, world, "props", 1, &props_bytes), *stirred = column(held, world, "stirred", 1, NULL);
    u8 *touched = column(held, world, "touched", 1, NULL), *at_rest = column(held, world, "at_rest", 1, NULL);
    u8 *transforms = column(held, world, "transforms", 1, NULL), *poses = column(held, world, "poses", 1, NULL);
    i64 *position = column(held, world, "position", 8, NULL), *kinds = column(held, world, "kind", 8, NULL);
    i64 *lengths = column(held, world, "length", 8, NULL), *versions = column(held, world, "version", 8, NULL);
    i64 *samples = column(held, world, "sample", 8, NULL), *seqs = column(held, world, "seq", 8, NULL);
    i64 *changed = column(held, world, "changed", 8, NULL), *teleported = column(held, world, "teleported", 8, NULL);
    i64 *jumped_at = column(held, world, "jumped_at", 8, NULL), *refused = column(held, world, "refused", 8, NULL);
    double *jumps = column(held, world, "jumps", 8, NULL), *overrun_m = column(held, world, "overrun_m", 8, NULL);
    const i64 version = whole_of(held, world, "changes") + 1;
    if (held->failed) return false;
    qsort(come->frames, (size_t)come->n, sizeof(Frame), by_turn);
    const double too_far = SLACK_M + CLOCK_SLACK_S * max_speed;
    u8 *const records[SLOTS] = {transforms, poses, props};
    const i64 widths[SLOTS] = {SLOT_BYTES[TRANSFORM], SLOT_BYTES[POSE_SLOT], props_bytes / rows};
    for (i64 turn = 0; turn < come->n; turn++) {
        const Frame *frame = &come->frames[turn];
        const i64 seq = frame->seq, applied = frame->applied, peer = peer_of[frame->client];
        const u8 *head = frame->bytes;
        const i64 base[3] = {(int32_t)get32(head + 8), (int32_t)get32(head + 12), (int32_t)get32(head + 16)};
        i64 near = tick + (int32_t)(get32(head + 4) - (uint32_t)tick);
        near = near < tick - MAX_LATE_TICKS ? tick - MAX_LATE_TICKS : near > tick ? tick : near;
        for (const Part *part = come->parts + frame->part, *end = part + frame->parts; part < end; part++) {
            const int kind = part->kind, slot = SLOT_OF[kind];
            const u8 *next = part->first;
            for (i64 left = part->count; left; left--) {
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
                come->drops[verdict]++;
                if (verdict != TAKEN) continue;
                *heard |= 1 << slot;
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
                *news = true;
                versions[cell] = changed[row] = version, touched[row] = 1;
                if (slot == TRANSFORM && age & TELEPORT) teleported[row] = version;
            }
        }
    }
    return true;
}
