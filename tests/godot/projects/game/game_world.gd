class_name GameWorld
extends Node
## The game itself. All that is nobody else's belongs to the host.

const PAWN := preload("res://pawn.tscn")

var host := 1
## By the name of a pawn, who has it.
var viewers := {}
var board := Board.new()
var baton := Baton.new()
var clock := Clock.new()
var pawns := Node.new()
var things := Node.new()
var _pawn_spawner := MultiplayerSpawner.new()
var _thing_spawner := MultiplayerSpawner.new()


class Clock:
	extends Node
	## Told by its authority: how often it ticked, and what it is called.
	var ticks := 0
	var label := ""

	func _process(_delta: float) -> void:
		var connected := MultiplayerPeer.CONNECTION_CONNECTED
		if multiplayer.multiplayer_peer.get_connection_status() == connected and is_multiplayer_authority():
			ticks += 1


## A world in which everything belongs to [param whom].
static func of(whom: int) -> GameWorld:
	var world := GameWorld.new()
	world.name = "World"
	world.host = whom
	world._build()
	world.set_multiplayer_authority(whom)
	return world


func _build() -> void:
	clock.add_child(Told.about(["label"], ["ticks"]))
	baton.add_child(Told.about(["words"], []))
	_thing_spawner.spawn_function = func(data: Array) -> Node: return Thing.made(data, host)
	_pawn_spawner.add_spawnable_scene("res://pawn.tscn")
	var parts := {
		"Board": board,
		"Baton": baton,
		"Clock": clock,
		"Pawns": pawns,
		"Things": things,
		"PawnSpawner": _pawn_spawner,
		"ThingSpawner": _thing_spawner,
	}
	for part: String in parts:
		var node: Node = parts[part]
		node.name = part
		add_child(node)
	_pawn_spawner.spawn_path = NodePath("../Pawns")
	_thing_spawner.spawn_path = NodePath("../Things")


## Give somebody a pawn.
func seat(whom: int) -> void:
	var pawn := PAWN.instantiate()
	pawn.name = str(whom)
	pawns.add_child(pawn)


## Somebody has a pawn of ours.
@rpc("any_peer", "reliable")
func has_pawn(pawn: String) -> void:
	var viewer := multiplayer.get_remote_sender_id()
	viewers.get_or_add(pawn, []).append(viewer)
	if pawns.has_node(pawn):
		pawns.get_node(pawn).get_node("Sync").set_visibility_for(viewer, true)


## Make a thing by the spawner of our own.
func bring(label: String, words: String) -> void:
	_thing_spawner.spawn([label, words])


## All that is known here, in plain words.
func told() -> Dictionary:
	var seats := {}
	for pawn: Node in pawns.get_children():
		seats[str(pawn.name)] = [str(pawn.get("place")), pawn.get("hat"), pawn.get_multiplayer_authority()]
	var stuff := {}
	for thing: Thing in things.get_children():
		stuff[str(thing.name)] = [thing.label, thing.worth, thing.get_multiplayer_authority()]
	return {
		"heard": board.heard,
		"clock": clock.label,
		"ticks": clock.ticks,
		"pawns": seats,
		"things": stuff,
		"baton": [baton.get_multiplayer_authority(), baton.words],
	}
