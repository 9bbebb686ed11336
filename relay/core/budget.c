/* What each client may be sent: twin of `relay/budget.py`. */

#include <math.h>

#include "functions.h"

/* Columns of the budgets; sliding minima are (rows, 2). */
typedef struct {
    Py_ssize_t rows;
    double *rate, *cap, *tokens, *base, *near, *sure, *lost, *judged, *forgiven, *used, *arrived, *frames, *base_turned, *near_turned;
    double *cut_at, *full, *tried_loss, *tried_used, *tried_rate;
    u8 *ramping;
} Budgets;

static Budgets budgets_of(Held *held, PyObject *table) {
    Budgets b = {0};
    b.rate = column(held, table, "rate_kbit_s", 8, &b.rows);
    b.cap = column(held, table, "cap_kbit_s", 8, NULL), b.tokens = column(held, table, "tokens", 8, NULL);
    b.base = column(held, table, "base", 8, NULL), b.near = column(held, table, "near", 8, NULL);
    b.sure = column(held, table, "sure", 8, NULL), b.lost = column(held, table, "lost", 8, NULL);
    b.judged = column(held, table, "judged", 8, NULL), b.forgiven = column(held, table, "forgiven", 8, NULL);
    b.used = column(held, table, "used_kbit_s", 8, NULL), b.arrived = column(held, table, "arrived_kbit_s", 8, NULL);
    b.frames = column(held, table, "_frames", 8, NULL), b.base_turned = column(held, table, "_base_turned", 8, NULL);
    b.near_turned = column(held, table, "_near_turned", 8, NULL), b.cut_at = column(held, table, "_cut_at", 8, NULL);
    b.full = column(held, table, "full_kbit_s", 8, NULL), b.tried_loss = column(held, table, "tried_loss", 8, NULL);
    b.tried_used = column(held, table, "tried_used_kbit_s", 8, NULL);
    b.tried_rate = column(held, table, "tried_rate_kbit_s", 8, NULL), b.ramping = column(held, table, "_ramping", 1, NULL);
    return b;
}

static inline double lesser(double a, double b) { return a < b ? a : b; }
static inline double greater(double a, double b) { return a > b ? a : b; }
static inline double least(const double *window, i64 row) { return lesser(window[2 * row], window[2 * row + 1]); }

static void turn(double *window, i64 row) { window[2 * row + 1] = window[2 * row], window[2 * row] = INFINITY; }

/* Lower a rate to about what is named, but at least a little and not too far at once. */
static void cut(Budgets *b, i64 row, double to, double now) {
    const double rate = b->rate[row], floor = lesser(FLOOR_KBIT_S, b->cap[row]);
    b->rate[row] = greater(floor, lesser(greater(to, DEEPEST_CUT * rate), CUT * rate));
    b->cut_at[row] = now, b->ramping[row] = 0;
}

/* End a trial, if enough is known. */
static void judge(Budgets *b, i64 row, double now) {
    if (b->judged[row] < TRIAL_FRAMES && !(now - b->cut_at[row] > TRIAL_S)) return;
    const double loss = b->lost[row] / greater(b->judged[row], 1), before = b->tried_loss[row];
    if (loss > before / 2) { /* whatever was over a full path would be gone at half the rate */
        b->forgiven[row] = lesser(MOST_FORGIVEN, (loss + before) / 2);
        b->rate[row] = lesser(b->tried_rate[row], b->cap[row]);
    } else {
        b->full[row] = b->tried_used[row] * (1 - before);
        b->rate[row] = greater(b->rate[row], lesser(CUT * b->full[row], b->cap[row]));
    }
    b->tried_loss[row] = 0;
}

static void climb(Budgets *b, i64 row, bool careful, double queueing, double passed) {
    const double rate = b->rate[row], full = b->full[row];
    careful = careful || (rate > BELOW_FULL * full && rate < ABOVE_FULL * full);
    const double most = careful ? NEAR_FULL_PER_S : rate < full ? RAMP_PER_S : WIDER_PER_S;
    const double empty = lesser(greater((CLEAN_QUEUE_S - queueing) / (CLEAN_QUEUE_S - EMPTY_QUEUE_S), 0), 1);
    const double factor = pow(b->ramping[row] ? RAMP_PER_S : SLOWEST_PER_S + empty * (most - SLOWEST_PER_S), passed);
    b->rate[row] = lesser(rate * factor, b->cap[row]);
}

static void adapt(Budgets *b, i64 row, double now, double passed, double share) {
    const double near = least(b->near, row), found = near - least(b->base, row), queueing = isfinite(found) ? found : NAN;
    /* Until then delays and fates are those of frames that went before the cut. */
    const bool fresh = now - b->cut_at[row] >= CUT_EVERY_S + (isfinite(near) ? near : 0);
    if (!fresh) b->judged[row] = b->lost[row] = 0;
    const double loss = b->judged[row] >= JUDGED_FRAMES ? b->lost[row] / greater(b->judged[row], 1) : 0;
    bool queued = false;
    if (queueing > CLEAN_QUEUE_S) {
        b->full[row] = greater(b->full[row], b->arrived[row]);
        queued = queueing > FULL_QUEUE_S && isfinite(least(b->sure, row));
        if (queued && fresh && b->rate[row] > DRAINS * b->arrived[row]) {
            b->full[row] = b->arrived[row], b->tried_loss[row] = 0;
            cut(b, row, CUT * b->arrived[row], now);
        }
    }
    const double excess = b->used[row] > LOSS_MATTERS_KBIT_S ? loss - b->forgiven[row] : 0;
    if (fresh && b->tried_loss[row] > 0) judge(b, row, now);
    if (fresh && excess > FULL_LOSS && !queued && b->tried_loss[row] == 0) {
        const double used = b->used[row], rate = b->rate[row];
        if (loss < MOST_FORGIVEN + FULL_LOSS) b->tried_loss[row] = loss, b->tried_used[row] = used, b->tried_rate[row] = rate;
        cut(b, row, TRIAL_RATE * lesser(rate, used), now);
    }
    if (loss < b->forgiven[row] && b->judged[row] >= JUDGED_FRAMES) b->forgiven[row] += (loss - b->forgiven[row]) * (passed / FORGIVEN_S);
    const bool calm = excess < CLEAN_LOSS && queueing < CLEAN_QUEUE_S && b->tried_loss[row] == 0;
    if (calm && b->used[row] > share * b->rate[row] / 2)
        climb(b, row, excess > CAREFUL_LOSS || b->judged[row] < JUDGED_FRAMES, queueing, passed);
}

/* advance(budgets, now, passed_s, adapt_s, share): tokens come for `passed_s`; rates follow what was noted in `adapt_s`, unless it is 0. */
PyObject *advance(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    (void)self;
    if (!expect("advance", nargs, 5)) return NULL;
    Held held = {0};
    Budgets b = budgets_of(&held, args[0]);
    const double now = real(&held, args[1]), passed = real(&held, args[2]), since = real(&held, args[3]), share = real(&held, args[4]);
    if (held.failed) {
        let_go(&held);
        return NULL;
    }
    const double come = BYTES_PER_KBIT * passed * share;
    for (i64 row = 0; row < b.rows; row++) {
        const double burst = greater(LEAST_BURST_BYTES, b.rate[row] * (BYTES_PER_KBIT * BURST_S));
        b.tokens[row] = lesser(b.tokens[row] + b.rate[row] * come, burst);
    }
    const double kept = exp(-since / MEMORY_S), kept_loss = exp(-since / LOSS_MEMORY_S), kept_arrival = exp(-since / ARRIVAL_MEMORY_S);
    for (i64 row = 0; since > 0 && row < b.rows; row++) {
        adapt(&b, row, now, since, share);
        b.used[row] *= kept, b.frames[row] *= kept, b.arrived[row] *= kept_arrival;
        if (!(b.tried_loss[row] > 0)) b.judged[row] *= kept_loss, b.lost[row] *= kept_loss;
        if (now - b.base_turned[row] > BASE_WINDOW_S) turn(b.base, row), b.base_turned[row] = now;
        if (now - b.near_turned[row] > QUEUE_WINDOW_S) turn(b.sure, row), turn(b.near, row), b.near_turned[row] = now;
    }
    let_go(&held);
    Py_RETURN_NONE;
}

/* Newest frames of `rows` were acknowledged after these delays; frames that arrived and were lost, counted by row. */
bool note_fates(Held *held, PyObject *budgets, const i64 *rows, const double *delays_s, const double *gaps_s, i64 delays, const i64 *arrived,
                const i64 *lost, i64 counted) {
    const Budgets b = budgets_of(held, budgets);
    if (held->failed) return false;
    for (i64 i = 0; i < delays; i++) {
        const i64 newest = 2 * rows[i];
        b.near[newest] = lesser(delays_s[i], b.near[newest]), b.base[newest] = lesser(delays_s[i], b.base[newest]);
        if (gaps_s[i] <= USEFUL_GAP_S) b.sure[newest] = lesser(delays_s[i], b.sure[newest]);
    }
    for (i64 row = 0; row < counted; row++) {
        b.judged[row] += (double)(arrived[row] + lost[row]), b.lost[row] += (double)lost[row];
        const double frame_kbit = b.used[row] * MEMORY_S / greater(b.frames[row], 1e-9);
        b.arrived[row] += (double)arrived[row] * frame_kbit / ARRIVAL_MEMORY_S;
    }
    return true;
}
