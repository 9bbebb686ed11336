extends RefCounted
## What a client knows of its room: peers and entities, changed by control messages and state frames
## (docs/PROTOCOL.md sections 4 and 5.3). Pure.
##
## Messages come once and in order; frames come late, twice or never, so each is checked against what
## it may no longer change. What has happened is told through [member tell], by the names of the
## client's signals.

const SoireeMotion := preload("motion.gd")
const SoireePlaced := preload("../wire/placed.gd")
const SoireeRecords := preload("../wire/records.gd")
const SoireeRelayClock := preload("relay_clock.gd")
const SoireeSections := preload("../wire/sections.gd")
const SoireeStateFrames := preload("../wire/state.gd")

## Our own id, 0 before the welcome.
var peer_id := 0
## Id to [SoireePeer]: everybody in the room, ourselves included.
var peers := {}
## Id to [SoireeReplica].
var replicas := {}
## Records of frames that were too old, or of things unknown or ours.
var ignored := 0
## The relay's clock in seconds of its ticks; the client keeps it right.
var relay_s := 0.0
## Weakly: the [SoireeClient].
var client: WeakRef = null

# Takes a signal's name and its arguments.
var _tell: Callable


func _init(tell: Callable) -> void:
	_tell = tell


## Lets go of everything: each replica knows its world.
func clear() -> void:
	replicas.clear()
	peers.clear()


## Applies a numbered message, next in order; alone, or of a group.
func apply(message: Dictionary) -> void:
	match message.type:
		"peer_joined":
			_peer_joined(message)
		"peer_away":
			_peer_away(message)
		"peer_left":
			_peer_left(message)
		"spawned":
			_spawned(message)
		"despawned":
			_despawned(message)
		"event":
			_tell.call("event_received", [message.peer, message.name, message.payload, replicas.get(message.entity)])
		"data":
			_tell.call("data_received", [message.peer, message.payload, true])
		_:
			var replica: SoireeReplica = replicas.get(message.get("entity", 0))
			if replica:
				_change(message, replica)


## Applies a state frame.
func apply_frame(frame: SoireeStateFrames.SoireeFrame) -> void:
	var tick := frame.tick
	var frame_s := SoireeRelayClock.near(tick, relay_s)
	for record in frame.records:
		# Typed: a crowd's transforms are what a game's time goes into.
		var moved := record as SoireeRecords.SoireeTransform
		if moved:
			var mover: SoireeReplica = replicas.get(moved.entity)
			if not mover or not mover.follow(moved, tick, frame_s, relay_s, peer_id):
				ignored += 1
			continue
		var replica: SoireeReplica = replicas.get(record.entity)
		if not replica or not _takes(replica, record, tick):
			ignored += 1


# Whether a is before b, both u32.
static func _before(a: int, b: int) -> bool:
	return ((a - b) & 0xffffffff) >= 0x80000000


func _takes(replica: SoireeReplica, record: RefCounted, tick: int) -> bool:
	var slot := SoireeSections.SLOTS[record.section]
	var fence := replica.fence
	if (tick - fence[slot]) & 0xffffffff >= 0x80000000:
		return false
	if replica.owner == peer_id and replica.written & (1 << slot):
		return false
	if slot == SoireeRecords.SoireeSlot.POSE:
		replica.pose = record
	else:
		replica.props = record.bytes
	fence[slot] = tick
	replica.told |= 1 << slot
	return true


func _peer_joined(message: Dictionary) -> void:
	var is_new := not peers.has(message.peer)
	var peer: SoireePeer = peers.get_or_add(message.peer, SoireePeer.new())
	peer.id = message.peer
	peer.name = message.name
	peer.away = message.away
	peer.is_self = message.peer == peer_id
	if is_new:
		_tell.call("peer_joined", [peer])


func _peer_away(message: Dictionary) -> void:
	var peer: SoireePeer = peers.get(message.peer)
	if peer:
		peer.away = message.away
		_tell.call("peer_away", [peer])


func _peer_left(message: Dictionary) -> void:
	var peer: SoireePeer = peers.get(message.peer)
	if peer:
		peers.erase(message.peer)
		_tell.call("peer_left", [peer, message.reason])


func _spawned(message: Dictionary) -> void:
	var replica: SoireeReplica = replicas.get(message.entity)
	if not replica:
		replica = SoireeReplica.new(self, message.entity)
	replica.kind = message.kind
	replica.uuid = message.uuid.hex_encode()
	replica.owner = message.owner
	replica.master = message.master
	replica.rule = message.rule
	replica.epoch = message.epoch
	replica.lifetime = message.lifetime
	replica.attach_rule = message.attach_rule
	replica.ask_timeout_ms = message.ask_timeout_ms
	replica.fallback = message.fallback if message.fallback else ""
	replica.properties = message.properties
	replica.pose = null
	replica.props = PackedByteArray()
	replica.fence = [message.tick, message.tick, message.tick]
	replica.written = 0
	replica.told = 0
	_place(replica, message)
	replicas[message.entity] = replica
	_tell.call("spawned", [replica])


# Pose and props that we wrote ourselves stay as they are.
func _place(replica: SoireeReplica, message: Dictionary) -> void:
	var placed: SoireePlaced = SoireePlaced.decode(message.state)
	if placed.failure:
		push_warning("Soiree: entity %d: %s" % [replica.id, placed.failure])
		return
	replica.parent_id = message.parent
	replica.attach = message.attach
	replica.hear(placed.transform, message.tick, NAN)
	replica.written &= ~(1 << SoireeRecords.SoireeSlot.TRANSFORM)
	if placed.pose:
		replica.told |= 1 << SoireeRecords.SoireeSlot.POSE
		if not replica.has_written(SoireeRecords.SoireeSlot.POSE):
			replica.pose = placed.pose
	if placed.props:
		replica.told |= 1 << SoireeRecords.SoireeSlot.PROPS
		if not replica.has_written(SoireeRecords.SoireeSlot.PROPS):
			replica.props = placed.props.bytes


func _despawned(message: Dictionary) -> void:
	var replica: SoireeReplica = replicas.get(message.entity)
	if replica:
		replicas.erase(message.entity)
		_tell.call("despawned", [replica, message.reason])


func _change(message: Dictionary, replica: SoireeReplica) -> void:
	match message.type:
		"granted":
			_granted(message, replica)
		"parent_set":
			var previous := replica.parent_id
			_place(replica, message)
			if _before(replica.fence[SoireeRecords.SoireeSlot.TRANSFORM], message.tick):
				replica.fence[SoireeRecords.SoireeSlot.TRANSFORM] = message.tick
			_tell.call("changed", [replica, "parent", previous])
		"refused":
			if message.re == 0:
				_tell.call("refused", [replica, message.reason])
		"rule_set":
			replica.ask_timeout_ms = message.ask_timeout_ms
			replica.fallback = message.fallback if message.fallback else ""
			_set(replica, "rule", message.rule)
		"master_set":
			_set(replica, "master", message.master)
		"lifetime_set":
			_set(replica, "lifetime", message.lifetime)
		"attach_rule_set":
			_set(replica, "attach_rule", message.attach_rule)
		"properties_set":
			_set(replica, "properties", _merged(replica.properties, message.properties))


func _set(replica: SoireeReplica, what: String, value: Variant) -> void:
	var previous: Variant = replica.get(what)
	replica.set(what, value)
	_tell.call("changed", [replica, what, previous])


func _granted(message: Dictionary, replica: SoireeReplica) -> void:
	var previous := replica.owner
	# With the same epoch it only answers who assigned a thing to its owner.
	if replica.epoch != message.epoch:
		# What the relay never told of may never have reached it; if it did, it is told now.
		if replica.has_written(SoireeRecords.SoireeSlot.POSE) and not replica.was_told(SoireeRecords.SoireeSlot.POSE):
			replica.pose = null
		if replica.has_written(SoireeRecords.SoireeSlot.PROPS) and not replica.was_told(SoireeRecords.SoireeSlot.PROPS):
			replica.props = PackedByteArray()
		replica.written = 0
		for slot in 3:
			if _before(replica.fence[slot], message.tick):
				replica.fence[slot] = message.tick
		if previous == peer_id:
			replica.hand_over(message.tick)
	replica.owner = message.owner
	replica.epoch = message.epoch
	_tell.call("owner_changed", [replica, previous, message.cause])


static func _merged(properties: Dictionary, changes: Dictionary) -> Dictionary:
	var merged := properties.merged(changes, true)
	for key: String in changes:
		if changes[key] == null:
			merged.erase(key)
	return merged
