extends RefCounted
## Placed records: where a thing is, as control messages carry it (docs/PROTOCOL.md section 4).

const Limits := preload("limits.gd")
const Records := preload("records.gd")
const Sections := preload("sections.gd")

var transform: Records.Transform = null
var pose: Records.Pose = null
var props: Records.Props = null
## Why it cannot be read.
var failure := ""


## The bytes of a transform, then at most one pose and one props; none if it is beyond the world, or
## too long.
static func encode(records: Array[RefCounted]) -> PackedByteArray:
	var first: Records.Transform = records[0]
	var base := Sections.Base.new()
	if first.section != Sections.CHILD:
		base = Sections.base_at(first.x, first.y, first.z)
	var size := Sections.BASE_BYTES
	for record in records:
		size += 2 + Sections.record_bytes(record)
	var bytes := PackedByteArray()
	if size > Limits.MAX_PLACED_BYTES or not base.is_valid():
		return bytes
	bytes.resize(size)
	Sections.write_base(bytes, 0, base)
	var at := Sections.BASE_BYTES
	for record in records:
		bytes[at] = record.section
		bytes[at + 1] = 1
		at = Sections.write(bytes, at + 2, record)
	return bytes


## Reads one; look at [member failure] first.
static func decode(bytes: PackedByteArray) -> RefCounted:
	var placed := new()
	placed.failure = placed._read(bytes)
	return placed


func _read(bytes: PackedByteArray) -> String:
	if bytes.size() < Sections.BASE_BYTES or bytes.size() > Limits.MAX_PLACED_BYTES:
		return "a placed record of %d bytes" % bytes.size()
	var records: Array[RefCounted] = []
	var trouble := Sections.read(bytes, Sections.BASE_BYTES, Sections.read_base(bytes, 0), records)
	if trouble:
		return trouble
	for record in records:
		var slot := Sections.SLOTS[record.section]
		if slot == Records.Slot.TRANSFORM and not transform:
			transform = record
		elif slot == Records.Slot.POSE and transform and not pose and not props:
			pose = record
		elif slot == Records.Slot.PROPS and transform and not props:
			props = record
		else:
			return "a placed record with something out of place"
	return "" if transform else "a placed record without a transform"
