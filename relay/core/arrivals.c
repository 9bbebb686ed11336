/* Frames as they came: twin of `relay/arrivals.py`. */

#include "functions.h"

/* find_sections(data, at, length, sound, found): sections of all sound frames as rows frame, kind, count, first of `found` (4, places).
   Frames that turn out to be unsound lose their mark and get none. Returns how many there are. */
PyObject *find_sections(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
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
