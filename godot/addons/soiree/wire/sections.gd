extends RefCounted
## The sections in which records travel (docs/PROTOCOL.md section 5.2).
##
## Readers append to an array and give why they could not, empty when they could. Records of moving
## things come by the thousand: their reader is one flat loop on purpose.

const SoireeLimits := preload("limits.gd")
const SoireeQuantise := preload("quantise.gd")
const SoireeRecords := preload("records.gd")

const MOVE := 1
const REST := 2
const CHILD := 3
const POSE := 4
const PROPS := 5
const FAR := 6
const UPRIGHT := 7

## Bytes of each section's record; PROPS is followed by its own.
const RECORD_BYTES: Array[int] = [0, 18, 14, 18, 34, 4, 18, 15]
## Slot of each section.
const SLOTS: Array[int] = [0, 0, 0, 0, SoireeRecords.SoireeSlot.POSE, SoireeRecords.SoireeSlot.PROPS, 0, 0]
const BASE_BYTES := 12
const TELEPORT := 0x80
const AGE := 0x7f


## Where the cells of a frame are counted from.
class SoireeBase:
	extends RefCounted
	var cx := 0
	var cz := 0
	## 1/256 m.
	var y := 0

	## Whether it can be written: not beyond the world.
	func is_valid() -> bool:
		return _fits(cx) and _fits(cz) and _fits(y)

	func _fits(value: int) -> bool:
		return value >= -0x80000000 and value <= 0x7fffffff


## The base that suits a frame around this position, in metres.
static func base_at(x: float, y: float, z: float) -> SoireeBase:
	var base := SoireeBase.new()
	base.cx = SoireeQuantise.rounded(x * SoireeQuantise.XZ_PER_M) >> 16
	base.cz = SoireeQuantise.rounded(z * SoireeQuantise.XZ_PER_M) >> 16
	base.y = SoireeQuantise.rounded(y * SoireeQuantise.Y_PER_M)
	return base


## Whether a frame of that base can carry the record.
static func reaches(base: SoireeBase, record: RefCounted) -> bool:
	if SLOTS[record.section] != SoireeRecords.SoireeSlot.TRANSFORM or record.section == CHILD:
		return true
	return (
		absf(record.x - base.cx * SoireeQuantise.CELL_M - 32.0) <= SoireeQuantise.REACH_XZ_M
		and absf(record.z - base.cz * SoireeQuantise.CELL_M - 32.0) <= SoireeQuantise.REACH_XZ_M
		and absf(record.y - base.y / SoireeQuantise.Y_PER_M) <= SoireeQuantise.REACH_Y_M
	)


## Bytes of a record, without the section's two.
static func record_bytes(record: RefCounted) -> int:
	return 4 + record.bytes.size() if record.section == PROPS else RECORD_BYTES[record.section]


static func read_base(bytes: PackedByteArray, at: int) -> SoireeBase:
	var base := SoireeBase.new()
	base.cx = bytes.decode_s32(at)
	base.cz = bytes.decode_s32(at + 4)
	base.y = bytes.decode_s32(at + 8)
	return base


static func write_base(bytes: PackedByteArray, at: int, base: SoireeBase) -> void:
	bytes.encode_s32(at, base.cx)
	bytes.encode_s32(at + 4, base.cz)
	bytes.encode_s32(at + 8, base.y)


## Reads all sections up to the end.
static func read(bytes: PackedByteArray, at: int, base: SoireeBase, into: Array[RefCounted]) -> String:
	var size := bytes.size()
	while at < size:
		if size - at < 2:
			return "a section is cut off"
		var kind := bytes[at]
		var count := bytes[at + 1]
		at += 2
		if kind < MOVE or kind > UPRIGHT:
			return "there is no section of kind %d" % kind
		if size - at < count * RECORD_BYTES[kind]:
			return "a section is cut off"
		match kind:
			MOVE, FAR:
				_read_moves(bytes, at, count, kind, base, into)
			REST, UPRIGHT:
				_read_places(bytes, at, count, kind, base, into)
			CHILD:
				_read_children(bytes, at, count, into)
			POSE:
				_read_poses(bytes, at, count, into)
			PROPS:
				return _read_props(bytes, at, count, into)
		at += count * RECORD_BYTES[kind]
	return ""


static func _read_moves(
	bytes: PackedByteArray, at: int, count: int, kind: int, base: SoireeBase, into: Array[RefCounted]
) -> void:
	var shift := 4 if kind == FAR else 0
	var cell_m := 1024.0 if kind == FAR else 64.0
	var xz := 1.0 / 64.0 if kind == FAR else 1.0 / 1024.0
	var y_m := 1.0 / 16.0 if kind == FAR else 1.0 / 256.0
	# Modular in 4 bits: what is added to a record's low bits, and what the result is counted from.
	var off_x := 8 - (base.cx >> shift)
	var off_z := 8 - (base.cz >> shift)
	var low_y := (base.y >> shift) - 0x8000
	var components := SoireeQuantise.components
	var velocities := SoireeQuantise.velocities
	for i in count:
		var where := bytes.decode_u32(at)
		var rot := bytes.decode_u32(at + 10)
		var record := SoireeRecords.SoireeTransform.new()
		record.section = kind
		record.entity = where & 0xffffff
		record.x = ((((where >> 24) + off_x) & 15) - off_x) * cell_m + bytes.decode_u16(at + 4) * xz
		record.z = ((((where >> 28) + off_z) & 15) - off_z) * cell_m + bytes.decode_u16(at + 6) * xz
		record.y = (((bytes.decode_u16(at + 8) - low_y) & 0xffff) + low_y) * y_m
		var a := components[(rot >> 20) & 1023]
		var b := components[(rot >> 10) & 1023]
		var c := components[rot & 1023]
		var d := sqrt(maxf(0.0, 1.0 - a * a - b * b - c * c))
		if rot >= 0xc0000000:
			record.rotation = Quaternion(a, b, c, d)
		elif rot >= 0x80000000:
			record.rotation = Quaternion(a, b, d, c)
		elif rot >= 0x40000000:
			record.rotation = Quaternion(a, d, b, c)
		else:
			record.rotation = Quaternion(d, a, b, c)
		record.velocity = Vector3(velocities[bytes[at + 14]], velocities[bytes[at + 15]], velocities[bytes[at + 16]])
		record.age = bytes[at + 17]
		into.append(record)
		at += 18


# REST and UPRIGHT.
static func _read_places(
	bytes: PackedByteArray, at: int, count: int, kind: int, base: SoireeBase, into: Array[RefCounted]
) -> void:
	var velocities := SoireeQuantise.velocities
	for i in count:
		var where := bytes.decode_u32(at)
		var record := SoireeRecords.SoireeTransform.new()
		record.section = kind
		record.entity = where & 0xffffff
		record.x = SoireeQuantise.unwrap_cell((where >> 24) & 15, base.cx) * 64.0 + bytes.decode_u16(at + 4) / 1024.0
		record.z = SoireeQuantise.unwrap_cell(where >> 28, base.cz) * 64.0 + bytes.decode_u16(at + 6) / 1024.0
		record.y = (base.y + SoireeQuantise.signed16(bytes.decode_u16(at + 8) - base.y)) / 256.0
		if kind == REST:
			record.rotation = SoireeQuantise.unpack_rotation(bytes.decode_u32(at + 10))
		else:
			record.rotation = SoireeQuantise.unpack_yaw(bytes.decode_u16(at + 10))
			record.velocity = Vector3(velocities[bytes[at + 12]], 0.0, velocities[bytes[at + 13]])
			record.age = bytes[at + 14]
		into.append(record)
		at += RECORD_BYTES[kind]


static func _read_children(bytes: PackedByteArray, at: int, count: int, into: Array[RefCounted]) -> void:
	var velocities := SoireeQuantise.velocities
	for i in count:
		var ident := bytes.decode_u32(at)
		var record := SoireeRecords.SoireeTransform.new()
		record.section = CHILD
		record.entity = ident & 0xffffff
		record.attach = ident >> 24
		record.x = bytes.decode_s16(at + 4) / 1024.0
		record.y = bytes.decode_s16(at + 6) / 1024.0
		record.z = bytes.decode_s16(at + 8) / 1024.0
		record.rotation = SoireeQuantise.unpack_rotation(bytes.decode_u32(at + 10))
		record.velocity = Vector3(velocities[bytes[at + 14]], velocities[bytes[at + 15]], velocities[bytes[at + 16]])
		record.age = bytes[at + 17]
		into.append(record)
		at += 18


static func _read_poses(bytes: PackedByteArray, at: int, count: int, into: Array[RefCounted]) -> void:
	for i in count:
		var ident := bytes.decode_u32(at)
		var record := SoireeRecords.SoireePose.new()
		record.entity = ident & 0xffffff
		record.mask = (ident >> 24) & 7
		for joint in 3:
			if record.mask & (1 << joint):
				var start := at + 4 + 10 * joint
				record.positions[joint] = (
					Vector3(bytes.decode_s16(start), bytes.decode_s16(start + 2), bytes.decode_s16(start + 4))
					/ SoireeQuantise.POSE_PER_M
				)
				record.rotations[joint] = SoireeQuantise.unpack_rotation(bytes.decode_u32(start + 6))
		into.append(record)
		at += 34


static func _read_props(bytes: PackedByteArray, at: int, count: int, into: Array[RefCounted]) -> String:
	for i in count:
		if bytes.size() - at < 4 or bytes.size() - at - 4 < bytes[at + 3]:
			return "a PROPS record is cut off"
		var record := SoireeRecords.SoireeProps.new()
		record.entity = bytes.decode_u32(at) & 0xffffff
		var end := at + 4 + bytes[at + 3]
		record.bytes = bytes.slice(at + 4, end)
		into.append(record)
		at = end
	return "" if at == bytes.size() else "PROPS is not the last section"


## Writes a record; where it ends.
static func write(bytes: PackedByteArray, at: int, record: RefCounted) -> int:
	match record.section:
		POSE:
			return _write_pose(bytes, at, record)
		PROPS:
			return _write_props(bytes, at, record)
	return _write_transform(bytes, at, record)


static func _write_transform(bytes: PackedByteArray, at: int, record: SoireeRecords.SoireeTransform) -> int:
	if record.section == CHILD:
		_write_local(bytes, at, record)
	else:
		_write_place(bytes, at, record)
	var q := record.rotation
	var end := at + 14
	if record.section == UPRIGHT:
		bytes.encode_u16(at + 10, SoireeQuantise.pack_yaw(q.y, q.w))
		end = at + 12
	else:
		bytes.encode_u32(at + 10, SoireeQuantise.pack_rotation(q.x, q.y, q.z, q.w))
	if record.section == REST:
		return end
	for axis: int in [0, 2] if record.section == UPRIGHT else [0, 1, 2]:
		bytes.encode_s8(end, SoireeQuantise.pack_velocity(record.velocity[axis]))
		end += 1
	bytes[end] = record.age
	return end + 1


static func _write_place(bytes: PackedByteArray, at: int, record: SoireeRecords.SoireeTransform) -> void:
	var x := SoireeQuantise.rounded(record.x * SoireeQuantise.XZ_PER_M)
	var z := SoireeQuantise.rounded(record.z * SoireeQuantise.XZ_PER_M)
	bytes.encode_u32(at, record.entity | (((x >> 16) & 15) << 24) | (((z >> 16) & 15) << 28))
	bytes.encode_u16(at + 4, x & 0xffff)
	bytes.encode_u16(at + 6, z & 0xffff)
	bytes.encode_u16(at + 8, SoireeQuantise.rounded(record.y * SoireeQuantise.Y_PER_M) & 0xffff)


static func _write_local(bytes: PackedByteArray, at: int, record: SoireeRecords.SoireeTransform) -> void:
	bytes.encode_u32(at, record.entity | (record.attach << 24))
	bytes.encode_s16(at + 4, SoireeQuantise.local16(record.x, SoireeQuantise.CHILD_PER_M))
	bytes.encode_s16(at + 6, SoireeQuantise.local16(record.y, SoireeQuantise.CHILD_PER_M))
	bytes.encode_s16(at + 8, SoireeQuantise.local16(record.z, SoireeQuantise.CHILD_PER_M))


static func _write_pose(bytes: PackedByteArray, at: int, record: SoireeRecords.SoireePose) -> int:
	bytes.encode_u32(at, record.entity | (record.mask << 24))
	for joint in 3:
		var tracked := record.mask & (1 << joint)
		var position := record.positions[joint] if tracked else Vector3.ZERO
		var q := record.rotations[joint] if tracked else Quaternion.IDENTITY
		var start := at + 4 + 10 * joint
		for axis in 3:
			bytes.encode_s16(start + 2 * axis, SoireeQuantise.local16(position[axis], SoireeQuantise.POSE_PER_M))
		bytes.encode_u32(start + 6, SoireeQuantise.pack_rotation(q.x, q.y, q.z, q.w))
	return at + 34


static func _write_props(bytes: PackedByteArray, at: int, record: SoireeRecords.SoireeProps) -> int:
	var size := mini(record.bytes.size(), SoireeLimits.MAX_PROPS_RECORD_BYTES)
	bytes.encode_u32(at, record.entity | (size << 24))
	for i in size:
		bytes[at + 4 + i] = record.bytes[i]
	return at + 4 + size
