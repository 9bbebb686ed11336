extends RefCounted
## Frames of the state stream (docs/PROTOCOL.md section 5.1): STATE, DATA, PING, PONG.

const SoireeLimits := preload("limits.gd")
const SoireeRecords := preload("records.gd")
const SoireeSections := preload("sections.gd")

const STATE := 1
const DATA := 2
const PING := 3
const PONG := 4
const STATE_HEADER_BYTES := 28
const MAX_RECORDS_PER_SECTION := 255

const _ACKS := 1
const _DATA_HEADER_BYTES := 6
const _PING_BYTES := 20
const _PONG_BYTES := 20


## Any of them; which fields count, [member type] says.
class SoireeFrame:
	extends RefCounted
	var type := 0
	## Why it cannot be read.
	var failure := ""
	## Of the sender's STATE frames, or of a PING, modulo 2¹⁶.
	var seq := 0
	## Relay ticks of 1/60 s, u32.
	var tick := 0
	## STATE: the newest frame received, −1 for none, and which of the 32 before it.
	var ack_seq := -1
	var ack_mask := 0
	## STATE: the last control message applied, modulo 2¹⁶.
	var control_applied := 0
	## STATE: where cells are counted from.
	var base: SoireeSections.SoireeBase = null
	## STATE: see [code]records.gd[/code].
	var records: Array[RefCounted] = []
	## DATA: up, whom it is for; down, who sent it.
	var peer := 0
	## DATA.
	var bytes := PackedByteArray()
	## PING, PONG: microseconds.
	var relay_us := 0
	var rtt_us := 0
	var client_us := 0


static func decode(bytes: PackedByteArray) -> SoireeFrame:
	var frame := SoireeFrame.new()
	if bytes.is_empty() or bytes.size() > SoireeLimits.MAX_FRAME_BYTES:
		frame.failure = "a frame of %d bytes" % bytes.size()
		return frame
	frame.type = bytes[0]
	match frame.type:
		STATE:
			_decode_state(bytes, frame)
		DATA:
			_decode_data(bytes, frame)
		PING, PONG:
			_decode_ping(bytes, frame)
		_:
			frame.failure = "there is no frame of type %d" % frame.type
	return frame


static func _decode_state(bytes: PackedByteArray, frame: SoireeFrame) -> void:
	if bytes.size() < STATE_HEADER_BYTES:
		frame.failure = "a STATE frame is cut off"
		return
	frame.seq = bytes.decode_u16(2)
	frame.tick = bytes.decode_u32(4)
	frame.base = SoireeSections.read_base(bytes, 8)
	if bytes[1] & _ACKS:
		frame.ack_seq = bytes.decode_u16(20)
		frame.ack_mask = bytes.decode_u32(22)
	frame.control_applied = bytes.decode_u16(26)
	frame.failure = SoireeSections.read(bytes, STATE_HEADER_BYTES, frame.base, frame.records)


static func _decode_data(bytes: PackedByteArray, frame: SoireeFrame) -> void:
	var length := bytes.size() - _DATA_HEADER_BYTES
	if length < 0 or length > SoireeLimits.MAX_DATA_BYTES:
		frame.failure = "a DATA frame of %d bytes" % bytes.size()
		return
	frame.peer = bytes.decode_s32(2)
	frame.bytes = bytes.slice(_DATA_HEADER_BYTES)


static func _decode_ping(bytes: PackedByteArray, frame: SoireeFrame) -> void:
	if bytes.size() != _PING_BYTES:
		frame.failure = "a PING or PONG of %d bytes" % bytes.size()
		return
	frame.seq = bytes.decode_u16(2)
	if frame.type == PING:
		frame.tick = bytes.decode_u32(4)
		frame.relay_us = bytes.decode_s64(8)
		frame.rtt_us = bytes.decode_u32(16)
	else:
		frame.relay_us = bytes.decode_s64(4)
		frame.client_us = bytes.decode_s64(12)


## The bytes of a STATE frame. Its records are within reach of its base; none if they are too many.
static func encode_state(frame: SoireeFrame) -> PackedByteArray:
	var sections := _by_section(frame.records)
	var size := STATE_HEADER_BYTES
	for section: Array in sections:
		size += 2
		for record: RefCounted in section:
			size += SoireeSections.record_bytes(record)
		if section.size() > MAX_RECORDS_PER_SECTION:
			return PackedByteArray()
	if size > SoireeLimits.MAX_FRAME_BYTES:
		return PackedByteArray()
	var bytes := _state_header(frame, size)
	var at := STATE_HEADER_BYTES
	for section: Array in sections:
		bytes[at] = section[0].section
		bytes[at + 1] = section.size()
		at += 2
		for record: RefCounted in section:
			at = SoireeSections.write(bytes, at, record)
	return bytes


static func _state_header(frame: SoireeFrame, size: int) -> PackedByteArray:
	var bytes := PackedByteArray()
	bytes.resize(size)
	bytes[0] = STATE
	bytes.encode_u16(2, frame.seq)
	bytes.encode_u32(4, frame.tick)
	if frame.base:
		SoireeSections.write_base(bytes, 8, frame.base)
	if frame.ack_seq >= 0:
		bytes[1] = _ACKS
		bytes.encode_u16(20, frame.ack_seq)
		bytes.encode_u32(22, frame.ack_mask)
	bytes.encode_u16(26, frame.control_applied & 0xffff)
	return bytes


# Records of one kind each, in order of appearance, PROPS last.
static func _by_section(records: Array[RefCounted]) -> Array:
	var sections := {}
	for record in records:
		if not sections.has(record.section):
			sections[record.section] = []
		sections[record.section].append(record)
	if sections.has(SoireeSections.PROPS):
		var props: Array = sections[SoireeSections.PROPS]
		sections.erase(SoireeSections.PROPS)
		sections[SoireeSections.PROPS] = props
	return sections.values()


## [param peer]: 0 all others, a peer, −n all others but n. No bytes for more than 1024.
static func encode_data(peer: int, payload: PackedByteArray) -> PackedByteArray:
	var bytes := PackedByteArray()
	if payload.size() > SoireeLimits.MAX_DATA_BYTES:
		return bytes
	bytes.resize(_DATA_HEADER_BYTES)
	bytes[0] = DATA
	bytes.encode_s32(2, peer)
	bytes.append_array(payload)
	return bytes


static func encode_ping(seq: int, tick: int, relay_us: int, rtt_us: int) -> PackedByteArray:
	var bytes := PackedByteArray()
	bytes.resize(_PING_BYTES)
	bytes[0] = PING
	bytes.encode_u16(2, seq)
	bytes.encode_u32(4, tick)
	bytes.encode_s64(8, relay_us)
	bytes.encode_u32(16, rtt_us)
	return bytes


static func encode_pong(seq: int, relay_us: int, client_us: int) -> PackedByteArray:
	var bytes := PackedByteArray()
	bytes.resize(_PONG_BYTES)
	bytes[0] = PONG
	bytes.encode_u16(2, seq)
	bytes.encode_s64(4, relay_us)
	bytes.encode_s64(12, client_us)
	return bytes
