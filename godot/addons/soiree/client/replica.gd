class_name SoireeReplica
extends RefCounted
## What is known of an entity in the room, and what may be done to it (docs/PROTOCOL.md sections 4 and
## 7). Positions are doubles, in metres: three floats.
##
## Commands answer with an empty text when they were carried out, else with why not, such as
## [code]stale[/code] or [code]denied[/code] (docs/PROTOCOL.md section 9):
## [codeblock]
## var refusal := await replica.request("may I?")
## if refusal:
##     print("no: ", refusal)
## [/codeblock]

const SoireeMotion := preload("motion.gd")
const SoireePlaced := preload("../wire/placed.gd")
const SoireePlayback := preload("playback.gd")
const SoireeRecords := preload("../wire/records.gd")
const SoireeRelayClock := preload("relay_clock.gd")
const SoireeSections := preload("../wire/sections.gd")

## Of a child: its position is a 16-bit number of 1/1024 m.
const CHILD_REACH_M := 32.0
## Parents above a thing that are followed at most.
const MAX_DEPTH := 8

var id := 0
var kind := ""
## 32 hexadecimal digits: the same on every relay it comes to.
var uuid := ""
## Peer that may write its state, 0 for nobody.
var owner := 0
## Peer that may change its owner and rule, 0 for nobody.
var master := 0
## What happens when another peer asks for it: [code]ask[/code], [code]allow[/code] or [code]deny[/code].
var rule := "ask"
## Rises with each change of owner.
var epoch := 0
## [code]with-master[/code], [code]with-room[/code] or [code]persistent[/code].
var lifetime := "with-master"
## Who may ride in it: [code]allow[/code], [code]owner[/code] or [code]deny[/code].
var attach_rule := "allow"
var ask_timeout_ms := 2000
## What [code]ask[/code] becomes while the master is away; empty for no ownership then.
var fallback := ""
## Set by the owner, reliably.
var properties := {}
## Id of its parent, 0 for none.
var parent_id := 0
## How often it changed parents, modulo 256.
var attach := 0
## Metres; with a parent relative to it.
var x := 0.0
var y := 0.0
var z := 0.0
var rotation := Quaternion.IDENTITY
## m/s.
var velocity := Vector3.ZERO
## Head and hands, relative to it; null if nothing is known of them. See [method joint].
var pose: SoireeRecords.SoireePose = null
## Small fast state of the application's own making.
var props := PackedByteArray()
## Relay tick (1/60 s) at which the transform was sampled.
var tick := 0
## Whether the newest transform was a jump.
var teleported := false
## Whether it turns about +Y only.
var upright := false

# For the world: ticks of the last frames applied, by slot; bits of slots that we, as its owner, have
# written, and of those that the relay has ever told something of.
var fence: Array = [0, 0, 0]
var written := 0
var told := 0

var _world: RefCounted
# There is none of what has never moved.
var _playback: SoireePlayback = null
# Whether its place was ever told.
var _placed := false
# What smooth() said last, and when.
var _shown: SoireeMotion.SoireePose = null
var _shown_at := NAN


func _init(world: RefCounted, entity: int) -> void:
	_world = world
	id = entity


func has_written(slot: int) -> bool:
	return written & (1 << slot) != 0


func was_told(slot: int) -> bool:
	return told & (1 << slot) != 0


## Whether it is in sight: what is gone stays gone, and its number may be another thing's by now.
func is_here() -> bool:
	return _world.replicas.get(id) == self


## Whether we may write its state.
func is_mine() -> bool:
	return owner == _world.peer_id and is_here()


## Whether we may change its owner, rule and master.
func is_mastered() -> bool:
	return master == _world.peer_id and is_here()


## What it rides in, null for nothing.
func parent() -> SoireeReplica:
	return _world.replicas.get(parent_id)


## Where a tracked joint is, relative to the entity; [param index] 0 is the head, 1 the left hand, 2
## the right. The identity for one that is not tracked.
func joint(index: int) -> Transform3D:
	if not pose or not pose.mask & (1 << index):
		return Transform3D.IDENTITY
	return Transform3D(Basis(pose.rotations[index]), pose.positions[index])


## Whether head (0), left (1) or right hand (2) are tracked.
func has_joint(index: int) -> bool:
	return pose != null and pose.mask & (1 << index) != 0


## Where it is in the world, whatever it rides in.
func world_pose() -> SoireeMotion.SoireePose:
	return _world_pose(MAX_DEPTH)


func _world_pose(depth: int) -> SoireeMotion.SoireePose:
	var vehicle := parent() if depth > 0 else null
	return SoireeMotion.outward(vehicle._world_pose(depth - 1), _local()) if vehicle else _local()


## Where to draw it in the world: between the samples that have come, a little in the past, or what is
## ours where it is now. [param now]: local monotonic seconds.
func smooth(now: float, relay_s: float) -> SoireeMotion.SoireePose:
	return _smooth(now, relay_s, MAX_DEPTH)


func _smooth(now: float, relay_s: float, depth: int) -> SoireeMotion.SoireePose:
	if _shown and _shown_at == now:
		return _shown
	_shown_at = now
	var pose_of := _pose_of.bind(now, relay_s, depth)
	if _playback and is_mine():
		_shown = _playback.place(now, parent_id, _local(), pose_of)
	elif _playback:
		_shown = _playback.play(now, relay_s, pose_of)
	else:
		var frame: SoireeMotion.SoireePose = pose_of.call(parent_id) if parent_id else null
		_shown = SoireeMotion.outward(frame, _local()) if frame else _local()
	return _shown


func _pose_of(entity: int, now: float, relay_s: float, depth: int) -> SoireeMotion.SoireePose:
	var vehicle: SoireeReplica = _world.replicas.get(entity) if depth > 0 else null
	return vehicle._smooth(now, relay_s, depth - 1) if vehicle else null


## Whether it is drawn where it was drawn last: nothing has moved it since.
func is_still(now: float) -> bool:
	return _shown != null and parent_id == 0 and not is_mine() and (not _playback or _playback.is_still(now))


## Moves it, as its owner. Goes out with the next flush, unreliably, until the relay has the newest.
## False if it is not ours, or the place cannot be told.
func move(
	to_x: float,
	to_y: float,
	to_z: float,
	to_rotation: Quaternion,
	at_velocity := Vector3.ZERO,
	teleport := false,
	is_upright := upright
) -> bool:
	var record := transform_record(to_x, to_y, to_z, to_rotation, at_velocity, teleport, is_upright, parent_id != 0)
	if not record or not is_mine():
		return false
	record.entity = id
	record.attach = attach if parent_id else 0
	var away := Vector3(to_x - x, to_y - y, to_z - z).length()
	_take(record)
	written |= 1 << SoireeRecords.SoireeSlot.TRANSFORM
	_client().send_record(record, away)
	return true


## Tells head and hands, as its owner; null for what is not tracked.
func set_joints(head: Variant, left: Variant, right: Variant) -> bool:
	if not is_mine():
		return false
	pose = pose_record(head, left, right)
	pose.entity = id
	written |= 1 << SoireeRecords.SoireeSlot.POSE
	_client().send_record(pose, 0.0)
	return true


## Tells up to 255 bytes of the application's own, as its owner, fast and unreliably.
func set_props(bytes: PackedByteArray) -> bool:
	if not is_mine() or bytes.size() > 255:
		return false
	props = bytes
	var record := SoireeRecords.SoireeProps.new()
	record.entity = id
	record.bytes = bytes
	written |= 1 << SoireeRecords.SoireeSlot.PROPS
	_client().send_record(record, 0.0)
	return true


## Asks for ownership; the note is shown to its master.
func request(note := "") -> String:
	return await _command({"type": "request", "epoch": epoch, "note": note})


## Master: gives it to a peer, with all that rides in it if [param subtree].
func assign(peer: int, subtree := false) -> String:
	return await _command({"type": "assign", "peer": peer, "subtree": subtree})


## Owner: hands it back to its master.
func release() -> String:
	return await _command({"type": "release"})


## Master: sets what happens when somebody asks for it.
func set_rule(new_rule: String, timeout_ms := ask_timeout_ms, new_fallback := fallback) -> String:
	var or_nil: Variant = new_fallback if new_fallback else null
	return await _command({"type": "set_rule", "rule": new_rule, "ask_timeout_ms": timeout_ms, "fallback": or_nil})


## Master: hands mastership on.
func set_master(peer: int) -> String:
	return await _command({"type": "set_master", "peer": peer})


## Master.
func set_lifetime(new_lifetime: String) -> String:
	return await _command({"type": "set_lifetime", "lifetime": new_lifetime})


## Master: who may ride in it.
func set_attach_rule(new_rule: String) -> String:
	return await _command({"type": "set_attach_rule", "attach_rule": new_rule})


## Owner: merges these; null removes a key.
func set_properties(changes: Dictionary) -> String:
	return await _command({"type": "set_properties", "properties": changes})


## Owner: lets it ride in another, at this place in it; or (null) no longer, at this place in the world.
func set_parent(vehicle: SoireeReplica, to_x: float, to_y: float, to_z: float, to_rotation: Quaternion) -> String:
	var record := transform_record(to_x, to_y, to_z, to_rotation, Vector3.ZERO, false, upright, vehicle != null)
	if not record:
		return "state"
	if vehicle and not vehicle.is_here():
		return "unknown-entity"
	var state := SoireePlaced.encode([record] as Array[RefCounted])
	return await _command({"type": "set_parent", "parent": vehicle.id if vehicle else 0, "state": state})


## Owner: lets it ride in another (null: no longer), where it is now.
func attach_to(vehicle: SoireeReplica) -> String:
	var at := world_pose()
	if vehicle:
		at = SoireeMotion.inward(vehicle.world_pose(), at)
	return await set_parent(vehicle, at.x, at.y, at.z, at.rotation)


## Master: removes it. What rides in it is left where it is, or goes [param along].
func despawn(along := false) -> String:
	return await _command({"type": "despawn", "children": "along" if along else "reparent"})


func _command(message: Dictionary) -> String:
	var client := _client()
	if not is_here() or not client:
		return "unknown-entity"
	message.entity = id
	var answer: Dictionary = await client.command(message)
	return answer.reason if answer.type == "refused" else ""


func _client() -> SoireeClient:
	return _world.client.get_ref()


## Head and hands as a record.
static func pose_record(head: Variant, left: Variant, right: Variant) -> SoireeRecords.SoireePose:
	var record := SoireeRecords.SoireePose.new()
	var joints := [head, left, right]
	for i in 3:
		if joints[i] is Transform3D:
			record.mask |= 1 << i
			record.positions[i] = joints[i].origin
			record.rotations[i] = joints[i].basis.get_rotation_quaternion()
	return record


## A transform as a record; null for what there is no way to tell.
static func transform_record(
	at_x: float, at_y: float, at_z: float, q: Quaternion, v: Vector3, teleport: bool, is_upright: bool, riding: bool
) -> SoireeRecords.SoireeTransform:
	if not (is_finite(at_x) and is_finite(at_y) and is_finite(at_z) and q.is_finite() and v.is_finite()):
		return null
	if q.length_squared() < 1e-12:
		return null
	if riding and maxf(absf(at_x), maxf(absf(at_y), absf(at_z))) >= CHILD_REACH_M:
		return null
	var record := SoireeRecords.SoireeTransform.new()
	record.section = SoireeSections.MOVE
	if riding:
		record.section = SoireeSections.CHILD
	elif is_upright:
		record.section = SoireeSections.UPRIGHT
	elif v == Vector3.ZERO and not teleport:
		record.section = SoireeSections.REST
	record.x = at_x
	record.y = at_y
	record.z = at_z
	record.rotation = q.normalized()
	record.velocity = v
	record.age = SoireeSections.TELEPORT if teleport else 0
	return record


## The relay told of a transform, sampled at this tick; [param arrived_s]: the relay's clock when it
## came by itself, NAN for what says nothing of the pace.
func hear(record: SoireeRecords.SoireeTransform, at_tick: int, arrived_s: float) -> void:
	_hear(record, at_tick, _seconds(at_tick), arrived_s)


## A frame of this tick (and second of the relay's clock) tells of a transform; false for what is not to be
## applied any more: too old, of another ride, or ours and moved by us.
func follow(
	record: SoireeRecords.SoireeTransform, frame_tick: int, frame_s: float, arrived_s: float, self_id: int
) -> bool:
	if (frame_tick - fence[0]) & 0xffffffff >= 0x80000000 or (owner == self_id and written & 1):
		return false
	var riding := record.section == SoireeSections.CHILD
	if riding != (parent_id != 0) or (riding and record.attach != attach):
		return false
	fence[0] = frame_tick
	told |= 1
	var late := record.age & SoireeSections.AGE
	_hear(record, (frame_tick - late) & 0xffffffff, frame_s - late / SoireeRelayClock.TICK_HZ, arrived_s)
	return true


func _hear(record: SoireeRecords.SoireeTransform, at_tick: int, at_s: float, arrived_s: float) -> void:
	if _playback:
		_placed = true
		_take(record)
		tick = at_tick
		_playback.hear(record, at_s, parent_id, arrived_s)
		return
	var before := _sample(tick) if _placed else null
	_placed = true
	_take(record)
	tick = at_tick
	if before and not before.is_alike(_sample(at_tick)):
		_playback = SoireePlayback.new(before)
		_playback.hear(record, at_s, parent_id, arrived_s)


## It was ours, and goes on in other hands.
func hand_over(at_tick: int) -> void:
	tick = at_tick
	if not _playback and not _shown:
		return
	var sample := _sample(at_tick)
	if not _playback:
		# It goes on from where it was drawn as ours.
		_playback = SoireePlayback.new(sample)
		_shown = null
		if not is_nan(_shown_at):
			_smooth(_shown_at, _world.relay_s, MAX_DEPTH)
	_playback.restart(sample)


func _take(record: SoireeRecords.SoireeTransform) -> void:
	x = record.x
	y = record.y
	z = record.z
	rotation = record.rotation
	velocity = record.velocity
	teleported = record.age >= SoireeSections.TELEPORT
	# FAR and CHILD tell nothing of it.
	if record.section != SoireeSections.FAR and record.section != SoireeSections.CHILD:
		upright = record.section == SoireeSections.UPRIGHT


func _sample(at_tick: int) -> SoireeMotion.SoireeSample:
	var sample := SoireeMotion.SoireeSample.new()
	_fill(sample)
	sample.at = _seconds(at_tick)
	sample.parent = parent_id
	return sample


# On the relay's clock, of a tick not far from now.
func _seconds(at_tick: int) -> float:
	return SoireeRelayClock.near(at_tick, _world.relay_s)


func _local() -> SoireeMotion.SoireePose:
	var local := SoireeMotion.SoireePose.new()
	_fill(local)
	return local


func _fill(local: SoireeMotion.SoireePose) -> void:
	local.x = x
	local.y = y
	local.z = z
	local.rotation = rotation
	local.velocity = velocity
