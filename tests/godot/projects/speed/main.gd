extends Node
## How long a full frame takes, in microseconds for each record: to decode it, to decode it and have it moved
## what it tells of; and how long it takes to say where one thing is to be drawn.

const SoireeRecords := preload("res://addons/soiree/wire/records.gd")
const SoireeSections := preload("res://addons/soiree/wire/sections.gd")
const SoireeState := preload("res://addons/soiree/wire/state.gd")
const SoireeWorld := preload("res://addons/soiree/client/world.gd")
const RECORDS := 62
const FRAMES := 200
const RUNS := 9


func _ready() -> void:
	var frame := _frame()
	var fastest := INF
	for run in RUNS:
		var began := Time.get_ticks_usec()
		for i in FRAMES:
			SoireeState.decode(frame)
		fastest = minf(fastest, float(Time.get_ticks_usec() - began) / (FRAMES * RECORDS))
	print("decode %.3f" % fastest)
	_play(frame)


# A world of as many things, of which frames come twenty times a second, and which is drawn sixty times.
func _play(frame: PackedByteArray) -> void:
	var client := SoireeClient.new()
	var world := SoireeWorld.new(func(_what: String, _arguments: Array) -> void: pass)
	world.client = weakref(client)
	# All of it is somebody else's.
	world.peer_id = 1
	for i in RECORDS:
		world.replicas[i + 1] = SoireeReplica.new(world, i + 1)
	var applied := INF
	var drawn := INF
	var tick := 1000
	for run in RUNS:
		var applying := 0
		var drawing := 0
		for i in FRAMES / 4:
			var began := Time.get_ticks_usec()
			var heard := SoireeState.decode(frame)
			applying += Time.get_ticks_usec() - began
			tick += 3
			heard.tick = tick
			world.relay_s = tick / 60.0
			for record: SoireeRecords.SoireeTransform in heard.records:
				record.x += 0.1 * i
			began = Time.get_ticks_usec()
			world.apply_frame(heard)
			applying += Time.get_ticks_usec() - began
			for shown in 3:
				began = Time.get_ticks_usec()
				for replica: SoireeReplica in world.replicas.values():
					replica.smooth(world.relay_s + shown / 60.0, world.relay_s + shown / 60.0)
				drawing += Time.get_ticks_usec() - began
		applied = minf(applied, float(applying) / (FRAMES / 4 * RECORDS))
		drawn = minf(drawn, float(drawing) / (FRAMES / 4 * RECORDS * 3))
	print("apply %.3f" % applied)
	print("draw %.3f" % drawn)
	world.clear()


func _frame() -> PackedByteArray:
	var frame := SoireeState.SoireeFrame.new()
	frame.base = SoireeSections.base_at(0.0, 0.0, 0.0)
	for i in RECORDS:
		var record := SoireeRecords.SoireeTransform.new()
		record.section = SoireeSections.MOVE
		record.entity = i + 1
		record.x = randf() * 100.0
		record.z = randf() * 100.0
		record.rotation = Quaternion.from_euler(Vector3(randf(), randf(), randf()))
		record.velocity = Vector3(randf(), randf(), randf())
		frame.records.append(record)
	return SoireeState.encode_state(frame)
