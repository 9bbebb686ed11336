class_name SoireeEntity
extends Node
## Shares what it is a child of, a [Node3D], with everybody in the [SoireeRoom] above: where it is, and
## chosen properties. Its owner moves it, as by physics or by hand; for all others it follows, smoothly.
##
## Each entity has one [i]owner[/i], who may move it, and one [i]master[/i], who decides who may have it
## by its [member rule]:
## [codeblock]
## func _on_grab() -> void:
##     if await entity.request_ownership("may I?") == "":
##         hold(entity)
## [/codeblock]
## A [RigidBody3D] is frozen while it is not ours.

## The room knows of it: [member replica] is there.
signal shared_now
## It is gone, or out of sight ([code]sight[/code]); or the room is.
signal gone(reason: String)
signal ownership_changed(owner: int, previous: int, cause: String)
## Somebody asks us, its master: say [method answer] before two seconds have passed; silence denies.
signal ownership_asked(peer: SoireePeer, note: String)
## A request of ours was refused, or the relay did not take where we moved it.
signal refused(reason: String)
## Its rule, master, lifetime, attach rule, parent or a shared property is another now.
signal changed(what: String)

const SoireeMotion := preload("client/motion.gd")
## Smaller moves are none, metres and radians.
const STILL_M := 0.001
const STILL_RAD := 0.001
## Shared properties are looked at so often, seconds.
const PROPERTIES_EVERY_S := 0.1

## What it is, for [SoireeSpawner] and other programs: [code]avatar[/code] is what its owner looks from.
@export var kind := ""
## What happens when somebody else asks for it: its master is asked, they get it, or they do not.
@export_enum("ask", "allow", "deny") var rule := "ask":
	set = set_rule
## When it goes: with its master, with the room, or never.
@export_enum("with-master", "with-room", "persistent") var lifetime := "with-master"
## Who may ride in it.
@export_enum("allow", "owner", "deny") var attach_rule := "allow"
## Who is told of it: those near it, or all.
@export_enum("near", "always") var relevance := "near"
## It turns about +Y alone, as people and cars on a plane do: that costs less.
@export var upright := false
## Properties of what is shared, and of nodes below it, that all are told when they change: [code]
## visible[/code], [code]Label3D:text[/code]. Numbers and texts as they are, colours as
## [code]#rrggbbaa[/code], vectors as [code]x,y,z[/code], arrays and dictionaries as JSON.
@export var properties: PackedStringArray = []
## Head, left and right hand, told as they move relative to what is shared.
@export var joints: Array[Node3D] = []
## Make it as soon as we are in the room; a spawner makes what others bring.
@export var share_on_join := false

var room: SoireeRoom
## What the room knows of it; null before it is shared and after it has gone.
var replica: SoireeReplica
## The peer that may move it, 0 for nobody; and that decides who may.
var owner_id: int:
	get:
		return replica.owner if replica else 0
var master_id: int:
	get:
		return replica.master if replica else 0

var _root: Node3D
var _asks := {}
# What was told last, as its owner; where that is in the scene, and the vehicle it is relative to.
var _told: SoireeMotion.SoireePose
var _scene_at := Transform3D.IDENTITY
var _frame: SoireeMotion.SoireePose
var _told_joints: Array[Transform3D] = []
var _told_properties := {}
var _properties_at := 0.0
var _jumps := false
var _was_frozen := false
var _shown_cell := Vector3i.MAX
# How fast it goes, where no body knows.
var _before := Vector3.INF
var _setting := false


# As in SoireeRoom: what a game's script that extends this has of its own does not take the place of these.
func _notification(what: int) -> void:
	match what:
		NOTIFICATION_ENTER_TREE:
			_find_room()
			set_process_internal(true)
		NOTIFICATION_INTERNAL_PROCESS:
			_keep_up(get_process_delta_time())
		NOTIFICATION_EXIT_TREE:
			if room and room.joined.is_connected(_share):
				room.joined.disconnect(_share)


func _find_room() -> void:
	_root = get_parent() as Node3D
	if not _root:
		push_error("A SoireeEntity has to be a child of the Node3D that it shares.")
	room = SoireeRoom.of(self)
	if share_on_join and room and not replica:
		room.joined.connect(_share)
		if room.is_in:
			_share.call_deferred()


func _keep_up(delta: float) -> void:
	if not replica or not _root:
		return
	if is_mine():
		_tell(delta)
	else:
		_show()


## Whether we may move it.
func is_mine() -> bool:
	return replica != null and replica.is_mine()


## Whether we decide who may have it.
func is_mastered() -> bool:
	return replica != null and replica.is_mastered()


## Asks to be its owner; the note is shown to its master. Empty when it is ours, else why not, such as
## [code]denied[/code]: then [signal refused] tells it, too.
func request_ownership(note := "") -> String:
	if not replica:
		return "unknown-entity"
	var why := await replica.request(note)
	if why:
		refused.emit(why)
	return why


## Master: says yes or no to somebody who asks, see [signal ownership_asked].
func answer(peer: SoireePeer, allow: bool) -> void:
	var ask: SoireeAsk = _asks.get(peer.id)
	_asks.erase(peer.id)
	if ask and allow:
		ask.allow()
	elif ask:
		ask.deny()


## Owner: hands it back to its master.
func release() -> String:
	return await replica.release() if replica else "unknown-entity"


## Master: gives it to a peer.
func assign(peer: int) -> String:
	return await replica.assign(peer) if replica else "unknown-entity"


## Master: removes it for all: [signal gone] follows, or [signal refused].
func despawn() -> void:
	var why := await replica.despawn() if replica else "unknown-entity"
	if why:
		refused.emit(why)


## Owner: lets it ride in another, where it is now or on a [param seat] of it (a [Transform3D]), and is
## carried along from then on; null: no longer.
func ride(inside: SoireeEntity, seat: Variant = null) -> String:
	if not replica or (inside and not inside.replica):
		return "unknown-entity"
	if not inside or not seat is Transform3D:
		return await replica.attach_to(inside.replica if inside else null)
	var at: Vector3 = seat.origin
	return await replica.set_parent(inside.replica, at.x, at.y, at.z, seat.basis.get_rotation_quaternion())


## What it rides in, null for nothing.
func vehicle() -> SoireeEntity:
	return room.entities.get(replica.parent_id) if replica and room else null


## Owner: where it is told to be next is a jump; nobody shows the way there.
func jump() -> void:
	_jumps = true


func set_rule(to: String) -> void:
	rule = to
	if not _setting and is_mastered() and replica.rule != to:
		replica.set_rule(to)


# What the room asks of it.


func options() -> Dictionary:
	return {
		"rule": rule,
		"lifetime": lifetime,
		"attach_rule": attach_rule,
		"relevance": relevance,
		"upright": upright,
		"properties": _properties_now(),
		"pose": _pose_now() if joints else null,
	}


## Where it is: in the room, or in a vehicle.
func place_in(in_room: SoireeRoom, inside: SoireeEntity) -> SoireeMotion.SoireePose:
	room = in_room
	if not _root:
		_root = get_parent() as Node3D
	var pose := _pose_in_room()
	return SoireeMotion.inward(inside.replica.smooth(room.now, room.relay_s), pose) if inside else pose


func bind(to: SoireeRoom, what: SoireeReplica) -> void:
	room = to
	replica = what
	_take_settings()
	_told = null
	_told_properties = _properties_now()
	_hold(is_mine())
	if not is_mine():
		_take_properties()
		_shown_cell = Vector3i.MAX
		_show()
	shared_now.emit()


func unbind(reason: String) -> void:
	replica = null
	_asks.clear()
	gone.emit(reason)


func hear_owner(previous: int, cause: String) -> void:
	_told = null
	_before = Vector3.INF
	_told_properties = _properties_now()
	_hold(is_mine())
	ownership_changed.emit(replica.owner, previous, cause)


func hear_changed(what: String, _previous: Variant) -> void:
	_take_settings()
	if what == "properties" and not is_mine():
		_take_properties()
	if what == "parent" and is_mine():
		_take_seat()
	changed.emit(what)


func hear_ask(ask: SoireeAsk) -> void:
	_asks[ask.peer.id] = ask
	ownership_asked.emit(ask.peer, ask.note)


## The scene's origin has moved by the negative of this.
func shift(by: Vector3) -> void:
	if _root and is_mine():
		_root.global_position += by
		# It has not moved, whatever singles make of that.
		_scene_at = _root.global_transform
		if _before != Vector3.INF:
			_before += by


func _share() -> void:
	if not replica:
		var why := await room.share(self)
		if why:
			refused.emit(why)


# A body that is not ours is moved by what is told of it alone.
func _hold(mine: bool) -> void:
	var body := _root as RigidBody3D
	if not body:
		return
	if not mine:
		body.freeze_mode = RigidBody3D.FREEZE_MODE_KINEMATIC
	elif body.freeze:
		# It goes on as it was seen to.
		body.linear_velocity = replica.velocity
	body.freeze = not mine


func _show() -> void:
	if replica.is_still(room.now) and _shown_cell == room.origin_cell:
		return
	_shown_cell = room.origin_cell
	_put(replica.smooth(room.now, room.relay_s))
	for i in joints.size():
		if joints[i] and replica.has_joint(i):
			joints[i].transform = replica.joint(i)


func _tell(delta: float) -> void:
	var frame: SoireeMotion.SoireePose = null
	if replica.parent_id:
		var inside := vehicle()
		if not inside:
			return
		frame = inside.replica.smooth(room.now, room.relay_s)
	var speed := _velocity(delta)
	var was_moved := not _told or not _is_at(_scene_at)
	var pose := _told
	if was_moved:
		pose = _pose_in_room()
		if frame:
			pose = SoireeMotion.inward(_frame if _frame else frame, pose)
		pose.velocity = Vector3.ZERO if frame else speed
	if was_moved or _jumps or _told.velocity != Vector3.ZERO:
		if not was_moved:
			pose.velocity = Vector3.ZERO
		if replica.move(pose.x, pose.y, pose.z, pose.rotation, pose.velocity, _jumps, upright):
			_told = pose
			_jumps = false
	if frame:
		# Whoever rides is carried along.
		_put(SoireeMotion.outward(frame, pose))
	_frame = frame
	_scene_at = _root.global_transform
	_tell_joints()
	if room.now - _properties_at >= PROPERTIES_EVERY_S:
		_properties_at = room.now
		_tell_properties()


func _is_at(place: Transform3D) -> bool:
	var here := _root.global_transform
	if here.origin.distance_squared_to(place.origin) > STILL_M * STILL_M:
		return false
	return (
		here.basis.is_equal_approx(place.basis)
		or here.basis.get_rotation_quaternion().angle_to(place.basis.get_rotation_quaternion()) < STILL_RAD
	)


# Puts what is shared to a place of the room.
func _put(pose: SoireeMotion.SoireePose) -> void:
	var basis := Basis(pose.rotation)
	if _root.scale != Vector3.ONE:
		basis = basis * Basis.from_scale(_root.scale)
	_root.global_transform = Transform3D(basis, room.to_scene(pose.x, pose.y, pose.z))


func _velocity(delta: float) -> Vector3:
	if _root is RigidBody3D:
		return (_root as RigidBody3D).linear_velocity
	if _root is CharacterBody3D:
		return (_root as CharacterBody3D).velocity
	var at := _root.global_position
	var speed := Vector3.ZERO if _before == Vector3.INF or delta <= 0.0 else (at - _before) / delta
	_before = at
	return speed


func _tell_joints() -> void:
	if joints.is_empty():
		return
	var at: Array[Transform3D] = []
	for joint in joints:
		at.append(joint.transform if joint else Transform3D.IDENTITY)
	var is_same := at.size() == _told_joints.size()
	for i in at.size():
		is_same = is_same and at[i].is_equal_approx(_told_joints[i])
	if not is_same:
		_told_joints = at
		replica.set_joints(_joint(0), _joint(1), _joint(2))


func _joint(index: int) -> Variant:
	return joints[index].transform if index < joints.size() and joints[index] else null


func _pose_now() -> RefCounted:
	return SoireeReplica.pose_record(_joint(0), _joint(1), _joint(2))


func _pose_in_room() -> SoireeMotion.SoireePose:
	var pose := SoireeMotion.SoireePose.new()
	var at := room.to_room(_root.global_position)
	pose.x = at[0]
	pose.y = at[1]
	pose.z = at[2]
	pose.rotation = _root.global_basis.get_rotation_quaternion()
	return pose


# It is in another vehicle, or in none, where the relay was told that it is in it.
func _take_seat() -> void:
	_told = SoireeMotion.SoireePose.new()
	_told.x = replica.x
	_told.y = replica.y
	_told.z = replica.z
	_told.rotation = replica.rotation
	_frame = null
	_before = Vector3.INF
	_put(replica.world_pose())
	_scene_at = _root.global_transform


func _take_settings() -> void:
	_setting = true
	rule = replica.rule
	lifetime = replica.lifetime
	attach_rule = replica.attach_rule
	_setting = false


func _properties_now() -> Dictionary:
	var all := {}
	for path in properties:
		all[path] = _plain(_value(path))
	return all


func _tell_properties() -> void:
	var changes := {}
	for path in properties:
		var value: Variant = _plain(_value(path))
		if not _told_properties.has(path) or _told_properties[path] != value:
			changes[path] = value
	if changes:
		_told_properties.merge(changes, true)
		replica.set_properties(changes)


func _take_properties() -> void:
	for path in properties:
		if replica.properties.has(path):
			var held := _holder(path)
			var value: Variant = _typed(replica.properties[path], typeof(_value(path)))
			if held and value != null:
				held.set_indexed(_below(path), value)


func _value(path: String) -> Variant:
	var held := _holder(path)
	return held.get_indexed(_below(path)) if held else null


# Whose property "Label3D:text" or "visible" is, and which.
func _holder(path: String) -> Node:
	return _root.get_node_or_null(path.get_slice(":", 0)) if path.contains(":") else _root


func _below(path: String) -> NodePath:
	return NodePath(":" + path.substr(path.find(":") + 1))


# What the wire has for it (docs/PROTOCOL.md section 4), null for nothing; and back.
static func _plain(value: Variant) -> Variant:
	match typeof(value):
		TYPE_NIL, TYPE_BOOL, TYPE_INT, TYPE_FLOAT, TYPE_STRING:
			return value
		TYPE_STRING_NAME, TYPE_NODE_PATH:
			return str(value)
		TYPE_COLOR:
			return "#" + value.to_html()
		TYPE_VECTOR2:
			return "%s,%s" % [value.x, value.y]
		TYPE_VECTOR3:
			return "%s,%s,%s" % [value.x, value.y, value.z]
		TYPE_ARRAY, TYPE_DICTIONARY:
			return JSON.stringify(value)
	push_warning("A property of type %s cannot be shared." % type_string(typeof(value)))
	return null


# Null for what the property cannot be.
static func _typed(value: Variant, type: int) -> Variant:
	if type in [TYPE_NIL, typeof(value)]:
		return value
	if type in [TYPE_INT, TYPE_FLOAT] and typeof(value) in [TYPE_INT, TYPE_FLOAT]:
		return type_convert(value, type)
	return _read(value, type) if value is String else null


static func _read(text: String, type: int) -> Variant:
	match type:
		TYPE_STRING_NAME, TYPE_NODE_PATH:
			return type_convert(text, type)
		TYPE_COLOR:
			return Color.html(text) if Color.html_is_valid(text) else null
		TYPE_VECTOR2, TYPE_VECTOR3:
			var parts := text.split_floats(",")
			if parts.size() == 3 and type == TYPE_VECTOR3:
				return Vector3(parts[0], parts[1], parts[2])
			if parts.size() == 2 and type == TYPE_VECTOR2:
				return Vector2(parts[0], parts[1])
		TYPE_ARRAY, TYPE_DICTIONARY:
			var parsed := JSON.new()
			if parsed.parse(text) == OK and typeof(parsed.data) == type:
				return parsed.data
	return null
