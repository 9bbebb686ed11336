extends Node
## Runs the golden vectors of tests/vectors through the codec, and says what it makes of each.

const SoireeMessages := preload("res://addons/soiree/wire/control.gd")
const SoireePlaced := preload("res://addons/soiree/wire/placed.gd")
const SoireeQuantise := preload("res://addons/soiree/wire/quantise.gd")
const SoireeRecords := preload("res://addons/soiree/wire/records.gd")
const SoireeSections := preload("res://addons/soiree/wire/sections.gd")
const SoireeState := preload("res://addons/soiree/wire/state.gd")
## The engine holds rotations, velocities and offsets in single precision, and positions here in double.
const SINGLE := 1e-6
const DOUBLE := 1e-9

var _passed := 0


func _ready() -> void:
	var checks := {
		"records": _record, "frames": _frame, "control": _control, "placed": _placed, "malformed": _malformed
	}
	for file: String in checks:
		for vector: Dictionary in _load(file):
			var trouble: String = checks[file].call(vector)
			if trouble:
				print("failed %s %s: %s" % [file, vector.name, trouble])
			else:
				_passed += 1
	print("passed %d" % _passed)


func _load(file: String) -> Array:
	return JSON.parse_string(FileAccess.get_file_as_string("res://vectors/%s.json" % file)).cases


func _record(vector: Dictionary) -> String:
	var kind := int(vector.kind)
	var bytes: PackedByteArray = vector.hex.hex_decode()
	var records: Array[RefCounted] = []
	var trouble := SoireeSections.read(PackedByteArray([kind, 1]) + bytes, 0, _base(vector.base), records)
	if trouble or records.size() != 1:
		return trouble + "%d records" % records.size()
	var record := records[0]
	if record.entity != int(vector.entity) or record.section != kind:
		return "entity %d, section %d" % [record.entity, record.section]
	var wrong := ""
	match kind:
		SoireeSections.POSE:
			wrong = _wrong_pose(record, vector)
		SoireeSections.PROPS:
			wrong = "" if record.bytes.hex_encode() == vector.props else record.bytes.hex_encode()
		_:
			wrong = _wrong_transform(record, vector)
	if wrong or not vector.get("input"):
		return wrong
	var again := PackedByteArray()
	again.resize(bytes.size())
	var end := SoireeSections.write(again, 0, _made(kind, vector))
	return "" if again == bytes and end == bytes.size() else "encodes to " + again.hex_encode()


func _wrong_transform(record: SoireeRecords.SoireeTransform, vector: Dictionary) -> String:
	var q := record.rotation
	var v := record.velocity
	var fits := (
		_near([record.x, record.y, record.z], vector.position, DOUBLE)
		and _near([q.x, q.y, q.z, q.w], vector.rotation, SINGLE)
		and _near([v.x, v.y, v.z], vector.velocity, SINGLE)
		and record.age == int(vector.age) | (SoireeSections.TELEPORT if vector.teleport else 0)
		and record.attach == int(vector.get("attach", 0))
	)
	return "" if fits else str([record.x, record.y, record.z, q, v, record.age, record.attach])


func _wrong_pose(record: SoireeRecords.SoireePose, vector: Dictionary) -> String:
	var joints := [vector.head, vector.left, vector.right]
	for i in 3:
		if (joints[i] != null) != bool(record.mask & (1 << i)):
			return "mask %d" % record.mask
		if joints[i] == null:
			continue
		var p := record.positions[i]
		var q := record.rotations[i]
		if not _near([p.x, p.y, p.z], joints[i].position, SINGLE):
			return str(p)
		if not _near([q.x, q.y, q.z, q.w], joints[i].rotation, SINGLE):
			return str(q)
	return ""


func _made(kind: int, vector: Dictionary) -> RefCounted:
	var input: Dictionary = vector.input
	if kind == SoireeSections.POSE:
		var pose := SoireeRecords.SoireePose.new()
		pose.entity = int(vector.entity)
		var joints := [input.head, input.left, input.right]
		for i in 3:
			if joints[i] != null:
				pose.mask |= 1 << i
				pose.positions[i] = _vector(joints[i].position)
				pose.rotations[i] = _quaternion(joints[i].rotation)
		return pose
	var made := SoireeRecords.SoireeTransform.new()
	made.section = kind
	made.entity = int(vector.entity)
	made.attach = int(vector.get("attach", 0))
	made.x = input.position[0]
	made.y = input.position[1]
	made.z = input.position[2]
	made.rotation = _quaternion(input.rotation)
	made.velocity = _vector(input.velocity)
	made.age = int(input.age) | (SoireeSections.TELEPORT if input.teleport else 0)
	return made


func _frame(vector: Dictionary) -> String:
	var bytes: PackedByteArray = vector.hex.hex_decode()
	var frame := SoireeState.decode(bytes)
	if frame.failure or frame.type != int(vector.type):
		return frame.failure + str(frame.type)
	var again := PackedByteArray()
	match frame.type:
		SoireeState.STATE:
			var wrong := _wrong_header(frame, vector)
			if wrong:
				return wrong
			again = SoireeState.encode_state(frame)
		SoireeState.DATA:
			if frame.peer != int(vector.peer) or frame.bytes.hex_encode() != vector.payload:
				return "peer %d, %s" % [frame.peer, frame.bytes.hex_encode()]
			again = SoireeState.encode_data(frame.peer, frame.bytes)
		SoireeState.PING:
			if not _near(
				[frame.seq, frame.tick, frame.relay_us, frame.rtt_us], _fields(vector, "seq tick relay_us rtt_us"), 0
			):
				return str([frame.seq, frame.tick, frame.relay_us, frame.rtt_us])
			again = SoireeState.encode_ping(frame.seq, frame.tick, frame.relay_us, frame.rtt_us)
		SoireeState.PONG:
			if not _near([frame.seq, frame.relay_us, frame.client_us], _fields(vector, "seq relay_us client_us"), 0):
				return str([frame.seq, frame.relay_us, frame.client_us])
			again = SoireeState.encode_pong(frame.seq, frame.relay_us, frame.client_us)
	return "" if again == bytes else "encodes to " + again.hex_encode()


func _wrong_header(frame: SoireeState.SoireeFrame, vector: Dictionary) -> String:
	var kinds := []
	for section: Dictionary in vector.sections:
		for i in int(section.count):
			kinds.append(int(section.kind))
	var read := frame.records.map(func(record: RefCounted) -> int: return record.section)
	if read != kinds:
		return "sections %s" % [read]
	var header := [frame.seq, frame.tick, frame.base.cx, frame.base.cz, frame.base.y, frame.control_applied]
	if not _near(header, _fields(vector, "seq tick base_cx base_cz base_y control_applied"), 0):
		return str(header)
	if int(vector.flags) & 1:
		return "" if _near([frame.ack_seq, frame.ack_mask], _fields(vector, "ack_seq ack_mask"), 0) else "acks"
	return "" if frame.ack_seq == -1 else "acks"


func _control(vector: Dictionary) -> String:
	var bytes: PackedByteArray = vector.hex.hex_decode()
	var decoded := SoireeMessages.decode(bytes, vector.from)
	if decoded.failure:
		return decoded.failure
	var message := decoded.message
	if message.type != vector.name or message.n != int(vector.n):
		return str(message)
	var fields := _spelled(message)
	if not _same(fields, _revived(vector.fields)):
		return "reads %s" % [fields]
	var again := SoireeMessages.encode(message)
	return "" if again == bytes else "encodes to %s (%s)" % [again.hex_encode(), SoireeMessages.why_not(message)]


# The fields as the vectors spell them: of a group, messages are arrays.
func _spelled(message: Dictionary) -> Array:
	for code: int in SoireeMessages.MESSAGES:
		var row: Array = SoireeMessages.MESSAGES[code]
		if row[0] == message.type:
			return row.slice(2).map(
				func(field: String) -> Variant:
					var name := field.get_slice(" ", 0)
					if name != "messages":
						return message[name]
					return message[name].map(
						func(one: Dictionary) -> Array: return [_code(one.type), one.n] + _spelled(one)
					)
			)
	return []


func _code(type: String) -> int:
	for code: int in SoireeMessages.MESSAGES:
		if SoireeMessages.MESSAGES[code][0] == type:
			return code
	return 0


func _placed(vector: Dictionary) -> String:
	var bytes: PackedByteArray = vector.hex.hex_decode()
	var placed: SoireePlaced = SoireePlaced.decode(bytes)
	if placed.failure:
		return placed.failure
	var records: Array[RefCounted] = [placed.transform]
	if placed.pose:
		records.append(placed.pose)
	if placed.props:
		records.append(placed.props)
	var kinds := records.map(func(record: RefCounted) -> int: return record.section)
	if kinds != vector.sections.map(func(kind: float) -> int: return int(kind)):
		return str(kinds)
	if not _near([placed.transform.x, placed.transform.y, placed.transform.z], vector.position, DOUBLE):
		return str(placed.transform.x)
	# A passenger has no place in the world, so the base of its record says nothing.
	if placed.transform.section != SoireeSections.CHILD and SoireePlaced.encode(records) != bytes:
		return "encodes to " + SoireePlaced.encode(records).hex_encode()
	return ""


func _malformed(vector: Dictionary) -> String:
	var bytes: PackedByteArray = vector.hex.hex_decode()
	if vector.stream == "control":
		return "" if SoireeMessages.decode(bytes, "c").failure else "was read"
	return "" if SoireeState.decode(bytes).failure else "was read"


func _base(numbers: Array) -> SoireeSections.SoireeBase:
	var base := SoireeSections.SoireeBase.new()
	base.cx = int(numbers[0])
	base.cz = int(numbers[1])
	base.y = int(numbers[2])
	return base


func _vector(numbers: Array) -> Vector3:
	return Vector3(numbers[0], numbers[1], numbers[2])


func _quaternion(numbers: Array) -> Quaternion:
	return Quaternion(numbers[0], numbers[1], numbers[2], numbers[3])


func _fields(vector: Dictionary, names: String) -> Array:
	return Array(names.split(" ")).map(func(name: String) -> float: return vector[name])


func _near(read: Array, expected: Array, within: float) -> bool:
	for i in expected.size():
		if absf(read[i] - expected[i]) > within * maxf(1.0, absf(expected[i])):
			return false
	return read.size() == expected.size()


# {"bytes": hex} anywhere within a value to bytes.
func _revived(value: Variant) -> Variant:
	if value is Array:
		return value.map(_revived)
	if not value is Dictionary:
		return value
	if value.size() == 1 and value.get("bytes") is String:
		return value.bytes.hex_decode()
	var revived := {}
	for key: Variant in value:
		revived[key] = _revived(value[key])
	return revived


# JSON has one kind of number.
func _same(a: Variant, b: Variant) -> bool:
	if (a is int or a is float) and (b is int or b is float):
		return float(a) == float(b)
	if typeof(a) != typeof(b):
		return false
	if a is Array:
		return a.size() == b.size() and range(a.size()).all(func(i: int) -> bool: return _same(a[i], b[i]))
	if a is Dictionary:
		return (
			a.size() == b.size()
			and a.keys().all(func(key: Variant) -> bool: return b.has(key) and _same(a[key], b[key]))
		)
	return a == b
