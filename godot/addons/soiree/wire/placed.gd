extends RefCounted
## Placed records: where a thing is, as control messages carry it (docs/PROTOCOL.md section 4).

const SoireeLimits := preload("limits.gd")
const SoireeRecords := preload("records.gd")
const SoireeSections := preload("sections.gd")

var transform: SoireeRecords.SoireeTransform = null
var pose: SoireeRecords.SoireePose = null
var props: SoireeRecords.SoireeProps = null
## Why it cannot be read.
var failure := ""


## The bytes of a transform, then at most one pose and one props; none if it is beyond the world, or
## too long.
static func encode(records: Array[RefCounted]) -> PackedByteArray:
	var first: SoireeRecords.SoireeTransform = records[0]
	var base := SoireeSections.SoireeBase.new()
	if first.section != SoireeSections.CHILD:
		base = SoireeSections.base_at(first.x, first.y, first.z)
	var size := SoireeSections.BASE_BYTES
	for record in records:
		size += 2 + SoireeSections.record_bytes(record)
	var bytes := PackedByteArray()
	if size > SoireeLimits.MAX_PLACED_BYTES or not base.is_valid():
		return bytes
	bytes.resize(size)
	SoireeSections.write_base(bytes, 0, base)
	var at := SoireeSections.BASE_BYTES
	for record in records:
		bytes[at] = record.section
		bytes[at + 1] = 1
		at = SoireeSections.write(bytes, at + 2, record)
	return bytes


## Reads one; look at [member failure] first.
static func decode(bytes: PackedByteArray) -> RefCounted:
	var placed := new()
	placed.failure = placed._read(bytes)
	return placed


func _read(bytes: PackedByteArray) -> String:
	if bytes.size() < SoireeSections.BASE_BYTES or bytes.size() > SoireeLimits.MAX_PLACED_BYTES:
		return "a placed record of %d bytes" % bytes.size()
	var records: Array[RefCounted] = []
	var trouble := SoireeSections.read(bytes, SoireeSections.BASE_BYTES, SoireeSections.read_base(bytes, 0), records)
	if trouble:
		return trouble
	for record in records:
		var slot := SoireeSections.SLOTS[record.section]
		if slot == SoireeRecords.SoireeSlot.TRANSFORM and not transform:
			transform = record
		elif slot == SoireeRecords.SoireeSlot.POSE and transform and not pose and not props:
			pose = record
		elif slot == SoireeRecords.SoireeSlot.PROPS and transform and not props:
			props = record
		else:
			return "a placed record with something out of place"
	return "" if transform else "a placed record without a transform"
