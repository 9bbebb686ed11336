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
enum { MAX_AGE_TICKS = 255, OVERDUE_TICKS = 48 };
enum { TAKEN, UNKNOWN_ENTITY, NOT_OWNER, FENCE, ATTACH, MALFORMED, STALE, SPEED, TELEPORT_RATE, RATE, DROPS };
#define LIMIT_UNITS ((i64)1 << 47)
#define LIMIT_Y_UNITS ((i64)1 << 31)
#define CLOCK_SLACK_S 0.1
#define SLACK_M 1.0
#define NEAR_M 16.0
#define FOCUS_WEIGHT 8.0
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
