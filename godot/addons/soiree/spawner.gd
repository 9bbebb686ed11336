class_name SoireeSpawner
extends Node
## Which scene is made for which kind of entity: for what others bring into the [SoireeRoom] above it, and
## for what we do, by [method spawn]. Each scene has a [SoireeEntity] as a child of its root (or as its
## root's only one deeper down). What is gone, or out of sight, is freed.

## A node of ours, or of somebody else, is there.
signal spawned(node: Node3D, entity: SoireeEntity)
## It is going.
signal despawned(node: Node3D, reason: String)
## The relay did not take what we wanted to spawn.
signal refused(kind: String, reason: String)

## As a condition of a spawn: there must be none of its kind (docs/PROTOCOL.md section 4).
const ONCE := [0, 0]

## Kind to scene.
@export var scenes: Dictionary[String, PackedScene] = {}
## Where what is made goes; by default below this node.
@export var spawn_path := ^"."

var room: SoireeRoom


# As in SoireeRoom: what a game's script that extends this has of its own does not take the place of these.
func _notification(what: int) -> void:
	match what:
		NOTIFICATION_ENTER_TREE:
			_find_room()
		NOTIFICATION_READY:
			_catch_up()
		NOTIFICATION_EXIT_TREE:
			if room:
				room.appeared.disconnect(_on_appeared)


func _find_room() -> void:
	room = SoireeRoom.of(self)
	if not room:
		push_error("A SoireeSpawner has to be somewhere below a SoireeRoom.")
		return
	room.appeared.connect(_on_appeared)


# Makes what was there before us.
func _catch_up() -> void:
	if room and room.client:
		for replica: SoireeReplica in room.client.replicas.values():
			if not room.entities.has(replica.id):
				_on_appeared(replica)


## Makes a scene of this kind, in the scene's coordinates, and tells the room of it; riding in
## [param vehicle] if there is one. [param options]: what is to differ from its [SoireeEntity], as in
## [method SoireeClient.spawn]. The node, or null when it was refused.
func spawn(kind: String, at := Transform3D.IDENTITY, vehicle: SoireeEntity = null, options := {}) -> Node3D:
	var node := _made(kind)
	if not node:
		refused.emit(kind, "no-scene")
		return null
	var entity := entity_in(node)
	node.transform = at
	get_node(spawn_path).add_child(node)
	var why := await room.share(entity, vehicle, options) if room else "closed"
	if why:
		if why != "stale" or options.get("condition") != ONCE:
			refused.emit(kind, why)
		if is_instance_valid(node):
			node.queue_free()
		return null
	_begin(node, entity)
	return node


## The same, unless there is one of that kind in the room already: of several who bring it, one does.
func spawn_once(kind: String, at := Transform3D.IDENTITY, options := {}) -> Node3D:
	return await spawn(kind, at, null, options.merged({"condition": ONCE}, true))


## The [SoireeEntity] of a scene: of its root the first below.
static func entity_in(node: Node) -> SoireeEntity:
	var found := node.find_children("*", "SoireeEntity", true, false)
	return found[0] if found else null


func _made(kind: String) -> Node3D:
	var scene: PackedScene = scenes.get(kind)
	if not scene:
		return null
	var node: Node3D = scene.instantiate()
	var entity := entity_in(node)
	if not entity:
		push_error("The scene for %s has no SoireeEntity." % kind)
		node.free()
		return null
	entity.kind = kind
	entity.share_on_join = false
	return node


func _on_appeared(replica: SoireeReplica) -> void:
	var node := _made(replica.kind)
	if not node:
		return
	get_node(spawn_path).add_child(node)
	var entity := entity_in(node)
	room.bind(entity, replica)
	_begin(node, entity)


func _begin(node: Node3D, entity: SoireeEntity) -> void:
	if entity.gone.is_connected(_on_gone):
		return
	entity.gone.connect(_on_gone.bind(node), CONNECT_ONE_SHOT)
	spawned.emit(node, entity)


func _on_gone(reason: String, node: Node3D) -> void:
	despawned.emit(node, reason)
	node.queue_free()
