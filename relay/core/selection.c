/* Whose turn it is, what each of them lacks, and what of it its budget carries: twin of `relay/serving.py`, `relay/selection.py`,
   `Pairs.stir` and `interest.look_from`. */

#include <math.h>

#include "functions.h"
#include "places.h"

/* Look from where the things now are that clients look from. */
static bool look_from(Held *held, const Tables *room, i64 clients) {
    Py_ssize_t ids = 0;
    const i64 *row_of = column(held, room->world, "row_of", 8, &ids), *root = column(held, room->world, "root", 8, NULL);
    const i64 *position = column(held, room->world, "position", 8, NULL), *from = column(held, room->audience, "view_entity", 8, NULL);
    i64 *view = column(held, room->audience, "view", 8, NULL);
    if (held->failed) return false;
    for (i64 client = 0; client < clients; client++) {
        const i64 row = from[client] < ids ? row_of[from[client]] : 0;
        if (row) memcpy(view + 3 * client, position + 3 * root[row], 3 * sizeof(i64));
    }
    return true;
}

/* Fill in whose turn it is, and whose budget carries a frame worth sending; they count as served. `turns`: of each group of clients. */
bool find_due(Held *held, const Tables *room, Serve *serve, PyObject *turns) {
    PyObject *audience = room->audience;
    Py_ssize_t budgets = 0;
    const u8 *active = column(held, audience, "active", 1, NULL);
    const double *acked_s = column(held, audience, "acked_s", 8, NULL), *sent_s = column(held, audience, "sent_s", 8, NULL);
    const double *rtt_s = column(held, audience, "rtt_s", 8, NULL), *interval_s = column(held, audience, "ack_interval_s", 8, NULL);
    const double *burst = column(held, audience, "burst", 8, NULL), *tokens = column(held, room->budgets, "tokens", 8, &budgets);
    const double *rate = column(held, room->budgets, "rate_kbit_s", 8, NULL);
    const i64 *waiting = column(held, room->flight, "waiting", 8, NULL);
    i64 *serves = column(held, audience, "serves", 8, NULL), *served = column(held, audience, "served", 8, NULL);
    const Py_ssize_t groups = held->failed ? 0 : PyList_Size(turns);
    i64 turn_of[TICK_HZ] = {0};
    for (Py_ssize_t group = 0; group < groups && group < TICK_HZ; group++) turn_of[group] = number(held, PyList_GET_ITEM(turns, group));
    if (groups < 1 || groups > TICK_HZ || serve->every < 1 || held->failed) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "clients are served in turns");
        return false;
    }
    const double now = serve->now;
    for (i64 row = 0; row < serve->clients && row < budgets; row++) {
        const i64 turn = turn_of[row % groups];
        const double worth = rate[row] * BYTES_PER_KBIT * WORTH_S;
        const bool overdue = now - sent_s[row] > OVERDUE_S;
        if (!active[row] || floored(serve->tick + turn, serve->every) <= floored(served[row] + turn, serve->every)) continue;
        if (tokens[row] < (worth < SERVE_BYTES ? SERVE_BYTES : worth > MAX_FRAME_BYTES ? MAX_FRAME_BYTES : worth)) continue;
        if (!(now - acked_s[row] < SILENT_S) && !overdue) continue;
        const double trip_s = rtt_s[row] + interval_s[row];
        if (!((double)waiting[row] < burst[row] * (LIMIT_SERVES + trip_s * TICK_HZ / (double)serve->every))) continue;
        serve->due[row] = 1, serves[row]++, served[row] = serve->tick;
    }
    return look_from(held, room, serve->clients);
}

/* Note which pairs may lack something, now that entities have changed. Whether any does. */
static bool stir(u8 *unsettled, i64 pairs, const i64 *row, u8 *touched, i64 rows) {
    if (memchr(touched, 1, (size_t)rows)) {
        for (i64 pair = 0; pair < pairs; pair++) unsettled[pair] |= touched[row[pair]];
        memset(touched, 0, (size_t)rows);
    }
    return memchr(unsettled, 1, (size_t)pairs);
}

/* One more record. */
static Record *append(Records *records) {
    if (records->n == records->room) {
        const i64 more = records->room ? 2 * records->room : 1024;
        Record *grown = PyMem_Realloc(records->at, (size_t)more * sizeof(Record));
        if (!grown) return (Record *)PyErr_NoMemory();
        records->at = grown, records->room = more;
    }
    return &records->at[records->n++];
}

/* All records that clients which are due lack and that were not sent to them just now. */
bool find_lacking(Held *held, const Tables *room, const Serve *serve, Records *found) {
    PyObject *world = room->world, *pairs = room->pairs, *audience = room->audience;
    const i64 *owner = column(held, world, "owner", 8, NULL), *world_born = column(held, world, "born", 8, NULL);
    const i64 *version = column(held, world, "version", 8, NULL), *seq = column(held, world, "seq", 8, NULL);
    const i64 *lengths = column(held, world, "length", 8, NULL), *kinds = column(held, world, "kind", 8, NULL);
    const u8 *at_rest = column(held, world, "at_rest", 1, NULL);
    u8 *touched = column(held, world, "touched", 1, NULL), *unsettled = column(held, pairs, "unsettled", 1, NULL);
    const i64 *pair_client = column(held, pairs, "client", 8, NULL), *pair_row = column(held, pairs, "row", 8, NULL);
    const i64 *born = column(held, pairs, "born", 8, NULL), *told = column(held, pairs, "told", 8, NULL);
    const i64 *acked = column(held, pairs, "acked", 8, NULL), *sent = column(held, pairs, "sent", 8, NULL);
    const i64 *sent_at = column(held, pairs, "sent_at", 8, NULL), *first_serve = column(held, pairs, "first_serve", 8, NULL);
    const i64 *applied = column(held, audience, "applied", 8, NULL), *peer = column(held, audience, "peer", 8, NULL);
    const i64 *serves = column(held, audience, "serves", 8, NULL);
    const double *rtt_s = column(held, audience, "rtt_s", 8, NULL);
    const i64 heard = whole_of(held, world, "heard"), end = high(held, pairs), rows = high(held, world);
    if (held->failed) return false;
    if (!stir(unsettled, end, pair_row, touched, rows)) return true;
    /* Slots one after another, as sections follow in frames; TRANSFORM, the common one, also finds out who lacks nothing. */
    for (int slot = 0; slot < SLOTS; slot++) {
        if (slot != TRANSFORM && !(heard >> slot & 1)) continue;
        for (const u8 *at = unsettled; (at = memchr(at, 1, (size_t)(unsettled + end - at))); at++) {
            const i64 pair = at - unsettled, client = pair_client[pair], row = pair_row[pair];
            if (!serve->due[client] || told[pair] > applied[client] || born[pair] != world_born[row]) continue;
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
                const double rto_s = 2 * rtt_s[client] > LEAST_RTO_S ? 2 * rtt_s[client] : LEAST_RTO_S;
                bool again = (double)(serve->tick - sent_at[cell]) >= ceil(rto_s * TICK_HZ);
                if (!again && slot == TRANSFORM && at_rest[row]) {
                    const i64 since = serves[client] - first_serve[pair];
                    again = since == 1 || since == 3;
                }
                if (!again) continue;
            }
            /* An owner lacks what its predecessor said last, until it speaks for itself. */
            if (owner[row] == peer[client] && seq[row * SLOTS + slot] != NO_SEQ) continue;
            Record *record = append(found);
            if (!record) return false;
            const i64 kind = slot == TRANSFORM ? kinds[row] : slot == POSE_SLOT ? POSE : PROPS;
            *record = (Record){pair, client, row, 0, (int16_t)lengths[row * SLOTS + slot], (u8)slot, (u8)kind};
        }
    }
    return true;
}

/* What so many bytes of records cost with the frames that they need. */
static double cost_of(i64 bytes) { return (double)(bytes + (bytes + RECORDS_BYTES - 1) / RECORDS_BYTES * FRAME_COST); }

/* Of records in hand, by client, the most urgent first: those that their clients' allowances carry, from `kept` on. */
static bool rank(Held *held, const Tables *room, const Serve *serve, const Record *hard, i64 n, const double *allowance, Record *kept, i64 *many) {
    const i64 *position = column(held, room->world, "position", 8, NULL), *root = column(held, room->world, "root", 8, NULL);
    const i64 *sent_at = column(held, room->pairs, "sent_at", 8, NULL), *view = column(held, room->audience, "view", 8, NULL);
    const double *weight = column(held, room->world, "weight", 8, NULL);
    const u8 *focus = column(held, room->pairs, "focus", 1, NULL);
    Place *places = PyMem_Malloc((size_t)(2 * n + 1) * sizeof(Place));
    if (held->failed || !places) {
        if (!PyErr_Occurred()) PyErr_NoMemory();
        PyMem_Free(places);
        return false;
    }
    uint64_t most = 0, last = 0;
    for (i64 i = 0; i < n; i++) {
        const Record *r = &hard[i];
        const i64 *at = position + 3 * root[r->row], *from = view + 3 * r->client;
        const double x = (double)(at[0] - from[0]) * (1.0 / 1024), y = (double)(at[1] - from[1]) * (1.0 / 256);
        const double z = (double)(at[2] - from[2]) * (1.0 / 1024);
        i64 age = serve->tick - sent_at[r->pair * SLOTS + r->slot];
        age = age < 1 ? 1 : age > MAX_AGE_TICKS ? MAX_AGE_TICKS : age;
        const bool favoured = focus[r->pair] || age >= OVERDUE_TICKS;
        const double urgency = weight[r->row] * (favoured ? FOCUS_WEIGHT : 1.0) * (double)age / (NEAR_M + sqrt(x * x + y * y + z * z));
        /* Numbers that are not negative sort as their bits do. */
        uint64_t bits;
        memcpy(&bits, &urgency, sizeof bits);
        places[i] = (Place){UINT64_MAX - bits, i};
        most |= UINT64_MAX - bits, last = last < (uint64_t)r->client ? (uint64_t)r->client : last;
    }
    Place *sorted = sort_places(places, places + n, n, most), *other = sorted == places ? places + n : places;
    for (i64 i = 0; i < n; i++) sorted[i].key = (uint64_t)hard[sorted[i].index].client;
    sorted = sort_places(sorted, other, n, last);
    i64 total = 0;
    for (i64 i = 0; i < n; i++) {
        const Record *r = &hard[sorted[i].index];
        if (!i || sorted[i].key != sorted[i - 1].key) total = 0;
        total += r->length;
        if (cost_of(total) <= allowance[r->client]) kept[(*many)++] = *r;
    }
    PyMem_Free(places);
    return true;
}

/* Leave out what budgets do not carry; of clients with too little for all that they lack, the most urgent comes first then. */
bool keep_carried(Held *held, const Tables *room, const Serve *serve, Records *found) {
    if (!found->n) return true;
    const double *tokens = column(held, room->budgets, "tokens", 8, NULL), most = MAX_FRAMES_PER_SERVE * (RECORDS_BYTES + FRAME_COST);
    if (held->failed) return false;
    i64 *wanted = PyMem_Calloc((size_t)serve->clients + 1, sizeof(i64)), tight = 0, easy = 0;
    double *allowance = PyMem_Malloc((size_t)(serve->clients + 1) * sizeof(double));
    Record *hard = NULL;
    bool done = false;
    if (!wanted || !allowance) goto end;
    for (i64 i = 0; i < found->n; i++) wanted[found->at[i].client] += found->at[i].length;
    for (i64 client = 0; client < serve->clients; client++)
        if (serve->due[client]) allowance[client] = tokens[client] < most ? tokens[client] : most;
    for (i64 i = 0; i < found->n; i++) tight += cost_of(wanted[found->at[i].client]) > allowance[found->at[i].client];
    if (tight) {
        if (!(hard = PyMem_Malloc((size_t)tight * sizeof(Record)))) goto end;
        tight = 0;
        for (i64 i = 0; i < found->n; i++) {
            const Record one = found->at[i];
            if (cost_of(wanted[one.client]) > allowance[one.client]) hard[tight++] = one;
            else found->at[easy++] = one;
        }
        found->n = easy;
        if (!rank(held, room, serve, hard, tight, allowance, found->at, &found->n)) goto end;
    }
    done = true;
end:
    if (!done && !PyErr_Occurred()) PyErr_NoMemory();
    PyMem_Free(wanted), PyMem_Free(allowance), PyMem_Free(hard);
    return done;
}
