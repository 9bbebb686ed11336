/* The module `relay._core`. */

#include "functions.h"

#ifndef SOURCE_HASH
#define SOURCE_HASH ""
#endif

#define NUMBER(name) {#name, name}
#define TABLE(table) (const char *)(const void *)(table), (Py_ssize_t)sizeof(table)
#define FUNCTION(name, function) {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL}

static PyMethodDef functions[] = {
    FUNCTION("ingest", ingest),
    FUNCTION("advance", advance),
    FUNCTION("pack", pack),
    {0},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "relay._core",
    .m_doc = "The inner loops of a room, compiled; see relay.compiled.",
    .m_size = 0,
    .m_methods = functions,
};

/* All of protocol.h by name: kinds, slots and drops as lists, tables as bytes. */
static PyObject *constants(void) {
    static const struct {
        const char *name;
        i64 value;
    } whole[] = {
        NUMBER(KINDS),
        NUMBER(SLOTS),
        NUMBER(HEADER_BYTES),
        NUMBER(SECTION_BYTES),
        NUMBER(MAX_FRAME_BYTES),
        NUMBER(MAX_RECORDS),
        NUMBER(MAX_FRAMES_PER_SERVE),
        NUMBER(RECORDS_BYTES),
        NUMBER(STATE),
        NUMBER(ACK_VALID),
        NUMBER(AGE_MASK),
        NUMBER(TELEPORT),
        NUMBER(ENTITY_MASK),
        NUMBER(WINDOW),
        NUMBER(RING),
        NUMBER(REORDER),
        NUMBER(IN_FLIGHT),
        NUMBER(LOST),
        NUMBER(NO_SEQ),
        NUMBER(MAX_LATE_TICKS),
        NUMBER(TELEPORT_BURST),
        NUMBER(TICK_HZ),
        NUMBER(CELL_BITS),
        NUMBER(REACH_UNITS),
        NUMBER(REACH_Y_UNITS),
        NUMBER(MAX_AGE_TICKS),
        NUMBER(OVERDUE_TICKS),
        NUMBER(LIMIT_SERVES),
        NUMBER(FAR_SHIFT),
        NUMBER(FAR_BITS),
        NUMBER(FAR_CELLS),
        NUMBER(FAR_HALF_Y),
        NUMBER(BLOCK_CELLS),
        NUMBER(BLOCK_Y),
        NUMBER(MAX_UNAPPLIED_MESSAGES),
        NUMBER(FRAME_OVERHEAD_BYTES),
        NUMBER(FRAME_COST),
        NUMBER(LIMIT_UNITS),
        NUMBER(LIMIT_Y_UNITS),
    };
    static const struct {
        const char *name;
        double value;
    } real[] = {NUMBER(CLOCK_SLACK_S), NUMBER(SLACK_M), NUMBER(NEAR_M), NUMBER(FOCUS_WEIGHT), NUMBER(LEAST_RTO_S), NUMBER(OVERDUE_S), NUMBER(SILENT_S), NUMBER(WORTH_S), NUMBER(SERVE_BYTES), NUMBER(MAX_ACK_INTERVAL_S), NUMBER(ACK_INTERVAL_GAIN), NUMBER(BURST_GAIN), NUMBER(FLOOR_KBIT_S), NUMBER(DEEPEST_CUT), NUMBER(CUT), NUMBER(TRIAL_FRAMES), NUMBER(TRIAL_S), NUMBER(MOST_FORGIVEN), NUMBER(BELOW_FULL), NUMBER(ABOVE_FULL), NUMBER(NEAR_FULL_PER_S), NUMBER(RAMP_PER_S), NUMBER(WIDER_PER_S), NUMBER(CLEAN_QUEUE_S), NUMBER(EMPTY_QUEUE_S), NUMBER(SLOWEST_PER_S), NUMBER(CUT_EVERY_S), NUMBER(JUDGED_FRAMES), NUMBER(FULL_QUEUE_S), NUMBER(DRAINS), NUMBER(LOSS_MATTERS_KBIT_S), NUMBER(FULL_LOSS), NUMBER(TRIAL_RATE), NUMBER(FORGIVEN_S), NUMBER(CLEAN_LOSS), NUMBER(CAREFUL_LOSS), NUMBER(BYTES_PER_KBIT), NUMBER(LEAST_BURST_BYTES), NUMBER(BURST_S), NUMBER(MEMORY_S), NUMBER(LOSS_MEMORY_S), NUMBER(ARRIVAL_MEMORY_S), NUMBER(BASE_WINDOW_S), NUMBER(QUEUE_WINDOW_S), NUMBER(USEFUL_GAP_S)};
    PyObject *all = Py_BuildValue(
        "{s[iiiiiii]s[iii]s[iiiiiiiiii]sy#sy#sy#sy#sy#}", "Section", MOVE, REST, CHILD, POSE, PROPS, FAR, UPRIGHT, "Slot", TRANSFORM,
        POSE_SLOT, PROPS_SLOT, "Drop", TAKEN, UNKNOWN_ENTITY, NOT_OWNER, FENCE, ATTACH, MALFORMED, STALE, SPEED, TELEPORT_RATE, RATE,
        "STRIDE", TABLE(STRIDE), "SLOT_OF", TABLE(SLOT_OF), "AGED", TABLE(AGED), "RANK", TABLE(RANK), "SLOT_BYTES", TABLE(SLOT_BYTES));
    for (size_t i = 0; all && i < sizeof whole / sizeof *whole; i++) {
        PyObject *value = PyLong_FromLongLong(whole[i].value);
        if (!value || PyDict_SetItemString(all, whole[i].name, value)) Py_CLEAR(all);
        Py_XDECREF(value);
    }
    for (size_t i = 0; all && i < sizeof real / sizeof *real; i++) {
        PyObject *value = PyFloat_FromDouble(real[i].value);
        if (!value || PyDict_SetItemString(all, real[i].name, value)) Py_CLEAR(all);
        Py_XDECREF(value);
    }
    return all;
}

PyMODINIT_FUNC PyInit__core(void) {
    PyObject *module = PyModule_Create(&definition), *numbers = constants();
    if (module && numbers && !PyModule_AddObjectRef(module, "CONSTANTS", numbers) && !PyModule_AddStringConstant(module, "SOURCE_HASH", SOURCE_HASH)) {
        Py_DECREF(numbers);
        return module;
    }
    Py_XDECREF(numbers), Py_XDECREF(module);
    return NULL;
}
