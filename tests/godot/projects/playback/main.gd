extends Node
## Runs the vectors of playback: what is told and asked, in order, and what is shown.

const SoireeMotion := preload("res://addons/soiree/client/motion.gd")
const SoireeRecords := preload("res://addons/soiree/wire/records.gd")
const SoireeSections := preload("res://addons/soiree/wire/sections.gd")
const SoireePlayback := preload("res://addons/soiree/client/playback.gd")
## Between samples the engine's vectors are of single precision.
const NEAR := 2e-5

var _parents := {}


func _ready() -> void:
	var passed := 0
	for vector: Dictionary in JSON.parse_string(FileAccess.get_file_as_string("res://interpolation.json")).cases:
		var trouble := _played(vector.steps)
		if trouble:
			print("failed %s: %s" % [vector.name, trouble])
		else:
			passed += 1
	print("passed %d" % passed)


func _played(steps: Array) -> String:
	var playback: SoireePlayback = null
	for i in steps.size():
		var step: Dictionary = steps[i]
		if step.has("add"):
			var sample := _sample(step.add)
			if playback:
				playback.hear(
					_record(sample), sample.at, sample.parent, step.add.arrived_s if step.add.arrived_s != null else NAN
				)
			else:
				playback = SoireePlayback.new(sample)
			continue
		_parents = step.play.parents
		var shown := playback.play(step.play.now, step.play.relay_s, _pose_of)
		if absf(playback.delay_s - step.delay_s) > 1e-6:
			return "step %d: delay %f is not %f" % [i, playback.delay_s, step.delay_s]
		if not _fits(shown, step.shown):
			return (
				"step %d: %s is not %s" % [i, [shown.x, shown.y, shown.z, shown.rotation, shown.velocity], step.shown]
			)
	return ""


func _fits(shown: SoireeMotion.SoireePose, expected: Dictionary) -> bool:
	var q := Quaternion(expected.rotation[0], expected.rotation[1], expected.rotation[2], expected.rotation[3])
	return (
		_near([shown.x, shown.y, shown.z], expected.position)
		and _near([shown.velocity.x, shown.velocity.y, shown.velocity.z], expected.velocity)
		and minf((shown.rotation - q).length(), (shown.rotation + q).length()) <= NEAR
	)


func _near(read: Array, expected: Array) -> bool:
	for i in 3:
		if absf(read[i] - expected[i]) > NEAR * maxf(1.0, absf(expected[i])):
			return false
	return true


func _fill(pose: SoireeMotion.SoireePose, from: Dictionary) -> SoireeMotion.SoireePose:
	pose.x = from.position[0]
	pose.y = from.position[1]
	pose.z = from.position[2]
	pose.rotation = Quaternion(from.rotation[0], from.rotation[1], from.rotation[2], from.rotation[3])
	pose.velocity = Vector3(from.velocity[0], from.velocity[1], from.velocity[2])
	return pose


func _sample(from: Dictionary) -> SoireeMotion.SoireeSample:
	var sample := SoireeMotion.SoireeSample.new()
	_fill(sample, from)
	sample.at = from.at_s
	sample.parent = int(from.parent)
	sample.jump = from.jump
	return sample


func _record(sample: SoireeMotion.SoireeSample) -> SoireeRecords.SoireeTransform:
	var record := SoireeRecords.SoireeTransform.new()
	record.x = sample.x
	record.y = sample.y
	record.z = sample.z
	record.rotation = sample.rotation
	record.velocity = sample.velocity
	record.age = SoireeSections.TELEPORT if sample.jump else 0
	return record


func _pose_of(id: int) -> SoireeMotion.SoireePose:
	var found: Variant = _parents.get(str(id))
	return _fill(SoireeMotion.SoireePose.new(), found) if found else null
