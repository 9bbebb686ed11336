extends RefCounted
## The owner's side of state: what to tell the relay, and again until it has it (docs/PROTOCOL.md
## section 5.3). Pure: [code]now[/code] is passed in.
##
## Per entity and slot it keeps the newest record, which version of it was sent and which was
## acknowledged. A record is due when it changed since it was last sent, once more 1 and 3 flushes
## later if it has not changed again, and then whenever the retransmission time has passed.

const SoireeLimits := preload("../wire/limits.gd")
const SoireeReceivedFrames := preload("received_frames.gd")
const SoireeRecords := preload("../wire/records.gd")
const SoireeSections := preload("../wire/sections.gd")
const SoireeStateFrames := preload("../wire/state.gd")

## Seconds until what is not acknowledged is sent again, or twice the round trip if that is longer.
const RETRANSMISSION_S := 0.15
## Frames of one flush. What does not fit waits for the next.
const MAX_FRAMES_PER_FLUSH := 8
## Frames whose contents are remembered until they are acknowledged; an acknowledgement reaches 33 back.
const MAX_FRAMES_REMEMBERED := 256
const MAX_AGE_TICKS := 127

## Number of the next STATE frame.
var seq := 0
## STATE frames with records, of those how many were acknowledged or given up on.
var frames_acked := 0
var frames_lost := 0

# Entity to an array of three entries, by slot.
var _entities := {}
var _flushes := 0
# Number of a frame to pairs of entry and version, oldest first.
var _in_flight := {}


## One slot of one entity.
class SoireeEntry:
	extends RefCounted
	var record: RefCounted = null
	## When it was sampled, and counts of its changes: the newest, sent, acknowledged.
	var tick := 0
	var version := 0
	var sent := 0
	var acked := 0
	## Version of the last teleport: its flag is repeated until that is acknowledged.
	var teleport := 0
	var sent_at := -INF
	## Flush at which the newest version was first sent.
	var first_flush := 0

	## Whether to say it in this flush.
	func is_due(flush: int, now: float, retransmission_s: float) -> bool:
		if acked >= version:
			return false
		var since := flush - first_flush
		return sent < version or since == 1 or since == 3 or now - sent_at >= retransmission_s


## A frame that is being filled.
class SoireeBin:
	extends RefCounted
	var base := SoireeSections.SoireeBase.new()
	var based := false
	var entries: Array[SoireeEntry] = []
	var bytes := SoireeStateFrames.STATE_HEADER_BYTES
	var counts := PackedInt32Array([0, 0, 0, 0, 0, 0, 0, 0])

	func takes(record: RefCounted, placed: bool) -> bool:
		var count := counts[record.section]
		var size := SoireeSections.record_bytes(record) + (0 if count else 2)
		return (
			count < SoireeStateFrames.MAX_RECORDS_PER_SECTION
			and bytes + size <= SoireeLimits.MAX_FRAME_BYTES
			and (not placed or not based or SoireeSections.reaches(base, record))
		)

	func take(entry: SoireeEntry, record: RefCounted, placed: bool) -> void:
		if placed and not based:
			base = SoireeSections.base_at(record.x, record.y, record.z)
			based = true
		bytes += SoireeSections.record_bytes(record) + (0 if counts[record.section] else 2)
		counts[record.section] += 1
		entries.append(entry)


## Whether nothing waits to be acknowledged.
func is_settled() -> bool:
	for slots: Array in _entities.values():
		for entry: SoireeEntry in slots:
			if entry and entry.acked < entry.version:
				return false
	return true


## The owner changed something, at this relay tick.
func set_record(record: RefCounted, tick: int) -> void:
	var slots: Array = _entities.get_or_add(record.entity, [null, null, null])
	var slot := SoireeSections.SLOTS[record.section]
	if not slots[slot]:
		slots[slot] = SoireeEntry.new()
	var entry: SoireeEntry = slots[slot]
	if entry.version and _same(entry.record, record):
		return
	entry.record = record
	entry.tick = tick
	entry.version += 1
	if slot == SoireeRecords.SoireeSlot.TRANSFORM and record.age & SoireeSections.TELEPORT:
		entry.teleport = entry.version


## Tells a slot anew, acknowledged or not: the relay had its frame and dropped what it said. A
## transform goes as a teleport, since its way there was too fast.
func again(entity: int, slot: SoireeRecords.SoireeSlot) -> void:
	var entry: SoireeEntry = _entities[entity][slot] if _entities.has(entity) else null
	if not entry:
		return
	entry.version += 1
	if slot == SoireeRecords.SoireeSlot.TRANSFORM:
		entry.teleport = entry.version


## It is no longer ours, or gone.
func forget(entity: int) -> void:
	_entities.erase(entity)


func forget_transform(entity: int) -> void:
	if _entities.has(entity):
		_entities[entity][SoireeRecords.SoireeSlot.TRANSFORM] = null


## The relay says what it has received.
func acknowledge(ack_seq: int, ack_mask: int) -> void:
	if _in_flight.is_empty():
		return
	for number in SoireeReceivedFrames.acknowledged(ack_seq, ack_mask):
		if not _in_flight.has(number):
			continue
		for pair: Array in _in_flight[number]:
			pair[0].acked = maxi(pair[0].acked, pair[1])
		_in_flight.erase(number)
		frames_acked += 1
	for number: int in _in_flight.keys():
		var behind := (ack_seq - number) & 0xffff
		if behind <= SoireeReceivedFrames.WINDOW or behind >= 0x8000:
			break
		_in_flight.erase(number)
		frames_lost += 1


## The frames of a flush. [param header] holds tick, acknowledgements and what was applied.
func frames(now: float, rtt_s: float, header: SoireeStateFrames.SoireeFrame) -> Array[PackedByteArray]:
	_flushes += 1
	var made: Array[PackedByteArray] = []
	for bin in _packed(_due(now, maxf(RETRANSMISSION_S, 2.0 * rtt_s))):
		made.append(_frame(bin, now, header))
	return made


## A frame that says nothing but what its header does.
func empty_frame(header: SoireeStateFrames.SoireeFrame) -> PackedByteArray:
	header.seq = seq
	header.records = []
	header.base = null
	seq = (seq + 1) & 0xffff
	return SoireeStateFrames.encode_state(header)


func _due(now: float, retransmission_s: float) -> Array[SoireeEntry]:
	var due: Array[SoireeEntry] = []
	for slots: Array in _entities.values():
		for entry: SoireeEntry in slots:
			if entry and entry.is_due(_flushes, now, retransmission_s):
				due.append(entry)
	due.sort_custom(func(a: SoireeEntry, b: SoireeEntry) -> bool: return a.sent_at < b.sent_at)
	return due


func _packed(due: Array[SoireeEntry]) -> Array[SoireeBin]:
	var bins: Array[SoireeBin] = []
	for entry in due:
		var record := _as_sent(entry)
		var placed: bool = (
			SoireeSections.SLOTS[record.section] == SoireeRecords.SoireeSlot.TRANSFORM
			and record.section != SoireeSections.CHILD
		)
		var bin := _bin_for(record, placed, bins)
		if bin:
			bin.take(entry, record, placed)
	return bins


func _bin_for(record: RefCounted, placed: bool, bins: Array[SoireeBin]) -> SoireeBin:
	for bin in bins:
		if bin.takes(record, placed):
			return bin
	if bins.size() == MAX_FRAMES_PER_FLUSH:
		return null
	bins.append(SoireeBin.new())
	return bins[-1]


func _frame(bin: SoireeBin, now: float, header: SoireeStateFrames.SoireeFrame) -> PackedByteArray:
	header.seq = seq
	header.base = bin.base
	header.records = []
	var contents := []
	for entry in bin.entries:
		var record := _as_sent(entry)
		if SoireeSections.SLOTS[record.section] == SoireeRecords.SoireeSlot.TRANSFORM:
			record.age = record.age & SoireeSections.TELEPORT | clampi(header.tick - entry.tick, 0, MAX_AGE_TICKS)
		header.records.append(record)
		contents.append([entry, entry.version])
		if entry.sent < entry.version:
			entry.first_flush = _flushes
		entry.sent = entry.version
		entry.sent_at = now
	_in_flight[seq] = contents
	if _in_flight.size() > MAX_FRAMES_REMEMBERED:
		_in_flight.erase(_in_flight.keys()[0])
	seq = (seq + 1) & 0xffff
	return SoireeStateFrames.encode_state(header)


# A teleport is told until it has arrived, even by a record that rests.
func _as_sent(entry: SoireeEntry) -> RefCounted:
	if not entry.record is SoireeRecords.SoireeTransform:
		return entry.record
	var record: SoireeRecords.SoireeTransform = entry.record
	record.age = SoireeSections.TELEPORT if entry.teleport > entry.acked else 0
	if record.section == SoireeSections.REST and record.age:
		record.section = SoireeSections.MOVE
	elif record.section == SoireeSections.MOVE and not record.age and record.velocity == Vector3.ZERO:
		record.section = SoireeSections.REST
	return record


# Whether b says nothing that a did not.
static func _same(a: RefCounted, b: RefCounted) -> bool:
	if not a is SoireeRecords.SoireeTransform or b.age & SoireeSections.TELEPORT:
		return false
	return (
		a.x == b.x
		and a.y == b.y
		and a.z == b.z
		and a.rotation == b.rotation
		and a.velocity == b.velocity
		and a.attach == b.attach
		and (a.section == b.section or (a.section <= SoireeSections.REST and b.section <= SoireeSections.REST))
	)
