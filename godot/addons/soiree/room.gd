class_name SoireeRoom
extends Node
## A room of a Soirée party, in the scene tree. Nodes below it share what they have through it:
## [SoireeEntity] what it is a child of, [SoireeSpawner] what others bring.
## [codeblock]
## extends SoireeRoom
##
## func _ready() -> void:
##     var trouble := await join("https://party.example/r/abcd", "Ann")
##     if trouble:
##         print("not in: ", trouble)
## [/codeblock]
## Positions in the room are doubles, in metres, and a game's are singles: the room keeps an origin, in
## whole cells of 64 m, to which its nodes are relative. It moves along with [member follow].

## We are in, and know our [member peer_id].
signal joined
## The connection is gone and is being replaced; what we do waits.
signal reconnecting(reason: String)
signal resumed
## It is over, for good, or never began: a reason of docs/PROTOCOL.md section 9 or 1.1, and words.
signal closed(reason: String, message: String)
## The way that packets go, [code]webrtc[/code] or [code]websocket[/code], and what keeps from a better one.
signal rung_changed(rung: String, why: String)
signal peer_joined(peer: SoireePeer)
signal peer_away(peer: SoireePeer)
signal peer_left(peer: SoireePeer, reason: String)
## Something that no node of ours has asked for has come, or gone.
signal appeared(replica: SoireeReplica)
signal disappeared(replica: SoireeReplica, reason: String)
## Somebody tells all, or us: see [method send_event]. [param about] is null if it is about nothing.
signal event_received(from: SoireePeer, name: String, payload: Variant, about: SoireeEntity)
signal chat_received(from: SoireePeer, text: String)
signal data_received(from: int, bytes: PackedByteArray, reliable: bool)
## The origin has moved by so much: what no [SoireeEntity] moves must be moved by its negative.
signal origin_shifted(by: Vector3)

const SoireeLink := preload("client/link.gd")
const SoireeMotion := preload("client/motion.gd")
const CELL_M := 64.0

## The room: its invite link, or only its code, on [member server].
@export var link := ""
@export var server := SoireeHome.ADDRESS
## What others see, 1 to 64 characters.
@export var player_name := "guest"
@export var password := ""
@export_enum("auto", "webrtc", "websocket") var transport := "auto"
## How often what is ours is told at most, a second.
@export_range(1.0, 60.0) var send_hz := 20.0
## Join [member link] as soon as the scene is there.
@export var join_on_ready := false
## What stays near the origin, as the camera or one's own avatar; in a small world nothing need be named.
@export var follow: Node3D
## How far it may get from the origin before the origin is moved to it, metres.
@export_range(64.0, 8192.0) var recentre_m := 1024.0

## The stay itself, from joining until it is closed; null before. It has all that the nodes do not.
var client: SoireeClient
## Id to [SoireeEntity]: everything in the room that has a node.
var entities := {}
## Whole cells of 64 m from the room's origin to the scene's.
var origin_cell := Vector3i.ZERO
## Local monotonic seconds and the relay's clock, of this frame.
var now := 0.0
var relay_s := 0.0

# Entities whose spawn is under way.
var _making: Array[SoireeEntity] = []

var peer_id: int:
	get:
		return client.peer_id if client else 0
## Id to [SoireePeer], ourselves included.
var peers: Dictionary:
	get:
		return client.peers if client else {}
## Whether we are in.
var is_in: bool:
	get:
		return peer_id != 0 and client.is_connected_to_room


# Notifications reach a script and what it extends, while a game's own _ready, _process or _exit_tree
# would take the place of ours.
func _notification(what: int) -> void:
	match what:
		NOTIFICATION_READY:
			set_process_internal(true)
			if join_on_ready and not client:
				join()
		NOTIFICATION_INTERNAL_PROCESS:
			_keep_time()
		NOTIFICATION_EXIT_TREE:
			if client:
				client.leave_now()


func _keep_time() -> void:
	if not client:
		return
	now = SoireeLink.clock_now()
	relay_s = client.relay_s(now)
	if follow and follow.global_position.length() > recentre_m:
		recentre(follow.global_position)


## The room that a node is in: the nearest above it, null for none.
static func of(node: Node) -> SoireeRoom:
	var at := node.get_parent()
	while at and not at is SoireeRoom:
		at = at.get_parent()
	return at


## Goes into a room, by its link or its code; without one, into [member link]. Empty when we are in, else
## the code of why not, such as [code]room-full[/code]; [signal closed] tells it in words.
func join(link_or_code := link, as_name := player_name) -> String:
	if client:
		return "already-joined"
	player_name = as_name
	client = SoireeClient.new()
	client.transport = transport
	client.send_hz = send_hz
	_hear(client)
	var by_code := link_or_code and SoireeClient.parse_link(link_or_code).is_empty() and not link_or_code.contains("/")
	if by_code:
		return await client.join(server, as_name, link_or_code, password)
	return await client.join(link_or_code, as_name, "", password)


## Leaves for good. [signal closed] follows.
func leave() -> void:
	if client:
		client.leave()


## Waits until we know who was here when we came, and what there is to see: false when we are not in any more.
func settled() -> bool:
	if not client:
		return false
	# The relay answers in order: what it knew before our word has come before the answer to it.
	return await client.send_event("soiree.settled", null, peer_id) == ""


## Tells everybody (ourselves too), one peer, or (−n) all but peer n; reliably, in order. The payload is
## made of null, bool, int, float, String, Array, Dictionary and PackedByteArray. Empty, or why not.
func send_event(event: String, payload: Variant = null, to := 0, about: SoireeEntity = null) -> String:
	return await client.send_event(event, payload, to, about.replica if about else null) if client else "closed"


## Says something to everybody.
func chat(text: String) -> String:
	return await send_event("chat", {"text": text})


## Opaque bytes to all others (0), a peer, or (−n) all others but n. Up to 1024 of them.
func send(bytes: PackedByteArray, to := 0, reliable := false) -> bool:
	return client != null and client.send(bytes, to, reliable)


## Has us told of what is this near to a place of the scene (up to 1000 m), instead of what is within 160 m
## of our avatar; radius 0: of our avatar again.
func look_from(at: Vector3, radius_m := 160.0) -> void:
	if client:
		var place := to_room(at)
		client.set_view(place[0], place[1], place[2], radius_m)


## The figures of [method SoireeClient.stats].
func stats() -> Dictionary:
	return client.stats() if client else {}


## Where a place of the scene is in the room: three doubles, metres.
func to_room(at: Vector3) -> PackedFloat64Array:
	return PackedFloat64Array(
		[at.x + origin_cell.x * CELL_M, at.y + origin_cell.y * CELL_M, at.z + origin_cell.z * CELL_M]
	)


## Where a place of the room is in the scene.
func to_scene(x: float, y: float, z: float) -> Vector3:
	return Vector3(x - origin_cell.x * CELL_M, y - origin_cell.y * CELL_M, z - origin_cell.z * CELL_M)


## Moves the origin to the cell that a place of the scene is in, and what is ours along.
func recentre(at: Vector3) -> void:
	var cells := Vector3i((at / CELL_M).round())
	if cells == Vector3i.ZERO:
		return
	origin_cell += cells
	var by := Vector3(cells) * CELL_M
	for entity: SoireeEntity in entities.values():
		entity.shift(-by)
	origin_shifted.emit(by)


## Makes an entity of a node's [SoireeEntity]; see [method SoireeSpawner.spawn]. Empty, or why not.
func share(entity: SoireeEntity, vehicle: SoireeEntity = null, options := {}) -> String:
	if not is_in:
		return "closed"
	var place := entity.place_in(self, vehicle)
	_making.append(entity)
	var outcome: Variant = await client.spawn(
		entity.kind,
		place.x,
		place.y,
		place.z,
		place.rotation,
		entity.options().merged(options, true),
		vehicle.replica if vehicle else null
	)
	_making.erase(entity)
	if outcome is String:
		return outcome
	if not entity.replica and is_instance_valid(entity):
		_bind(entity, outcome)
	return ""


## Lets a node show and move what is in the room; a spawner does it for what it makes.
func bind(entity: SoireeEntity, replica: SoireeReplica) -> void:
	_bind(entity, replica)


func _bind(entity: SoireeEntity, replica: SoireeReplica) -> void:
	entities[replica.id] = entity
	entity.bind(self, replica)


func _hear(to: SoireeClient) -> void:
	to.joined.connect(func() -> void: joined.emit())
	to.reconnecting.connect(func(reason: String) -> void: reconnecting.emit(reason))
	to.resumed.connect(func() -> void: resumed.emit())
	to.closed.connect(_take_closed)
	to.rung_changed.connect(func(rung: String, why: String) -> void: rung_changed.emit(rung, why))
	to.peer_joined.connect(func(peer: SoireePeer) -> void: peer_joined.emit(peer))
	to.peer_away.connect(func(peer: SoireePeer) -> void: peer_away.emit(peer))
	to.peer_left.connect(func(peer: SoireePeer, reason: String) -> void: peer_left.emit(peer, reason))
	to.spawned.connect(_take_spawned)
	to.despawned.connect(_take_despawned)
	to.owner_changed.connect(_take_owner)
	to.changed.connect(_take_changed)
	to.asked.connect(_take_ask)
	to.refused.connect(_take_refusal)
	to.event_received.connect(_take_event)
	to.data_received.connect(
		func(from: int, bytes: PackedByteArray, reliable: bool) -> void: data_received.emit(from, bytes, reliable)
	)


func _take_closed(reason: String, message: String) -> void:
	for entity: SoireeEntity in entities.values():
		entity.unbind(reason)
	entities.clear()
	_making.clear()
	client = null
	closed.emit(reason, message)


func _take_spawned(replica: SoireeReplica) -> void:
	if entities.has(replica.id):
		return
	if replica.owner == peer_id:
		for entity in _making:
			if entity.kind == replica.kind:
				_making.erase(entity)
				if is_instance_valid(entity):
					_bind(entity, replica)
					return
				break
	appeared.emit(replica)


func _take_despawned(replica: SoireeReplica, reason: String) -> void:
	var entity: SoireeEntity = entities.get(replica.id)
	entities.erase(replica.id)
	if entity:
		entity.unbind(reason)
	disappeared.emit(replica, reason)


func _take_owner(replica: SoireeReplica, previous: int, cause: String) -> void:
	var entity: SoireeEntity = entities.get(replica.id)
	if entity:
		entity.hear_owner(previous, cause)


func _take_changed(replica: SoireeReplica, what: String, previous: Variant) -> void:
	var entity: SoireeEntity = entities.get(replica.id)
	if entity:
		entity.hear_changed(what, previous)


func _take_ask(ask: SoireeAsk) -> void:
	var entity: SoireeEntity = entities.get(ask.replica.id)
	if entity:
		entity.hear_ask(ask)


func _take_refusal(replica: SoireeReplica, reason: String) -> void:
	var entity: SoireeEntity = entities.get(replica.id)
	if entity:
		entity.refused.emit(reason)


func _take_event(from: int, event: String, payload: Variant, about: SoireeReplica) -> void:
	if event == "soiree.settled":
		return
	var peer: SoireePeer = peers.get(from)
	event_received.emit(peer, event, payload, entities.get(about.id) if about else null)
	if event == "chat" and peer and payload is Dictionary and payload.get("text") is String:
		chat_received.emit(peer, payload.text)
