extends Node
## What each player moves: [member place] is told all the time, [member hat] when it changes. Named by its player.
##
## Where players reach each other without passing the host, one could tell a newcomer of its pawn before the host has
## spawned it there, and the engine would never try again. So a pawn is told of to those who say that they have it.

var place := Vector3.ZERO
var hat := ""


func _enter_tree() -> void:
	set_multiplayer_authority(name.to_int())
	var world: GameWorld = get_parent().get_parent()
	var sync: MultiplayerSynchronizer = $Sync
	sync.public_visibility = name.to_int() == world.host
	for viewer: int in world.viewers.get(str(name), []):
		sync.set_visibility_for(viewer, true)


func _ready() -> void:
	var world: GameWorld = get_parent().get_parent()
	if is_multiplayer_authority():
		return
	while not get_multiplayer_authority() in multiplayer.get_peers():
		await multiplayer.peer_connected
	world.has_pawn.rpc_id(get_multiplayer_authority(), str(name))
