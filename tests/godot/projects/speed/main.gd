extends Node
## How long the codec takes, in microseconds for each record of full frames.

const Records := preload("res://addons/soiree/wire/records.gd")
const Sections := preload("res://addons/soiree/wire/sections.gd")
const State := preload("res://addons/soiree/wire/state.gd")
const RECORDS := 62
const FRAMES := 200
const RUNS := 9


func _ready() -> void:
	var frame := _frame()
	var fastest := INF
	for run in RUNS:
		var began := Time.get_ticks_usec()
		for i in FRAMES:
			State.decode(frame)
		fastest = minf(fastest, float(Time.get_ticks_usec() - began) / (FRAMES * RECORDS))
	print("decode %.3f" % fastest)


func _frame() -> PackedByteArray:
	var frame := State.Frame.new()
	frame.base = Sections.base_at(0.0, 0.0, 0.0)
	for i in RECORDS:
		var record := Records.Transform.new()
		record.section = Sections.MOVE
		record.entity = i + 1
		record.x = randf() * 100.0
		record.z = randf() * 100.0
		record.rotation = Quaternion.from_euler(Vector3(randf(), randf(), randf()))
		record.velocity = Vector3(randf(), randf(), randf())
		frame.records.append(record)
	return State.encode_state(frame)
