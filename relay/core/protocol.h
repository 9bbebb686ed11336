/* Numbers of the protocol and of the relay, and how bytes are read and written. */

#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

typedef int64_t i64;
typedef uint8_t u8;

/* docs/PROTOCOL.md section 5; tests/relay/test_compiled.py compares all of these with the ones in Python, by name. */
enum { MOVE = 1, REST, CHILD, POSE, PROPS, FAR, UPRIGHT, KINDS };
enum { TRANSFORM, POSE_SLOT, PROPS_SLOT, SLOTS };
enum { HEADER_BYTES = 28, SECTION_BYTES = 2, MAX_FRAME_BYTES = 1152, MAX_RECORDS = 255, MAX_FRAMES_PER_SERVE = 8 };
enum { RECORDS_BYTES = MAX_FRAME_BYTES - HEADER_BYTES - SECTION_BYTES * (KINDS - 1) };
enum { STATE = 1, ACK_VALID = 1, AGE_MASK = 0x7F, TELEPORT = 0x80, ENTITY_MASK = 0xFFFFFF };
enum { WINDOW = 32, RING = 256, REORDER = 3, IN_FLIGHT = 1, LOST = 2 };
enum { NO_SEQ = -1, MAX_LATE_TICKS = 120, TELEPORT_BURST = 4, TICK_HZ = 60 };
enum { CELL_BITS = 16, REACH_UNITS = 448 * 1024, REACH_Y_UNITS = 127 * 256 };
enum { FAR_SHIFT = 4, FAR_BITS = CELL_BITS + FAR_SHIFT, FAR_CELLS = 7, FAR_HALF_Y = 1 << 15 };
enum { BLOCK_CELLS = 13, BLOCK_Y = 2 * REACH_Y_UNITS };
enum { MAX_AGE_TICKS = 255, OVERDUE_TICKS = 48, LIMIT_SERVES = 2 };
enum { MAX_UNAPPLIED_MESSAGES = 8192, FRAME_OVERHEAD_BYTES = 93 };
enum { FRAME_COST = HEADER_BYTES + SECTION_BYTES * (KINDS - 1) + FRAME_OVERHEAD_BYTES };
enum { TAKEN, UNKNOWN_ENTITY, NOT_OWNER, FENCE, ATTACH, MALFORMED, STALE, SPEED, TELEPORT_RATE, RATE, DROPS };
#define LIMIT_UNITS ((i64)1 << 47)
#define LIMIT_Y_UNITS ((i64)1 << 31)
#define CLOCK_SLACK_S 0.1
#define SLACK_M 1.0
#define NEAR_M 16.0
#define FOCUS_WEIGHT 8.0
/* relay/serving.py */
#define LEAST_RTO_S 0.15
#define OVERDUE_S (0.2 - 0.5 / TICK_HZ)
#define SILENT_S 1.5
#define WORTH_S 0.05
#define SERVE_BYTES 400.0
/* relay/reception.py, relay/replication.py */
#define MAX_ACK_INTERVAL_S 0.25
#define ACK_INTERVAL_GAIN 0.125
#define BURST_GAIN 0.1
/* relay/budget.py */
#define FLOOR_KBIT_S 32.0
#define DEEPEST_CUT 0.5
#define CUT 0.85
#define TRIAL_FRAMES 30.0
#define TRIAL_S 3.0
#define MOST_FORGIVEN 0.25
#define BELOW_FULL 0.8
#define ABOVE_FULL 1.25
#define NEAR_FULL_PER_S 1.2
#define RAMP_PER_S 2.0
#define WIDER_PER_S 3.0
#define CLEAN_QUEUE_S 0.055
#define EMPTY_QUEUE_S 0.012
#define SLOWEST_PER_S 1.03
#define CUT_EVERY_S 0.25
#define JUDGED_FRAMES 24.0
#define FULL_QUEUE_S 0.06
#define DRAINS 0.95
#define LOSS_MATTERS_KBIT_S 48.0
#define FULL_LOSS 0.15
#define TRIAL_RATE 0.5
#define FORGIVEN_S 10.0
#define CLEAN_LOSS 0.1
#define CAREFUL_LOSS 0.06
#define BYTES_PER_KBIT 125.0
#define LEAST_BURST_BYTES 2500.0
#define BURST_S 0.15
#define MEMORY_S 1.0
#define LOSS_MEMORY_S 2.0
#define ARRIVAL_MEMORY_S 0.4
#define BASE_WINDOW_S 10.0
#define QUEUE_WINDOW_S 0.2
#define USEFUL_GAP_S 0.06
static const u8 STRIDE[KINDS] = {0, 18, 14, 18, 34, 0, 18, 15};
static const u8 SLOT_OF[KINDS] = {0, TRANSFORM, TRANSFORM, TRANSFORM, POSE_SLOT, PROPS_SLOT, TRANSFORM, TRANSFORM};
static const bool AGED[KINDS] = {0, 1, 0, 1, 0, 0, 1, 1};
static const u8 RANK[KINDS] = {0, 1, 2, 3, 4, 8, 6, 7}; /* of a section within a frame: PROPS last */
static const u8 SLOT_BYTES[SLOTS] = {24, 40, 0};        /* props: as wide as the column is */

static inline uint16_t get16(const u8 *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t get32(const u8 *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }
static inline void put16(u8 *p, i64 v) { p[0] = (u8)v, p[1] = (u8)(v >> 8); }
static inline void put32(u8 *p, i64 v) { put16(p, v), put16(p + 2, v >> 16); }

#endif
