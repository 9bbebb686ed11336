extends "res://demo/party.gd"
## The demo, for a test to play: it does what keys do, and says what it knows.


func _ready() -> void:
	super()
	print("ready")


func go_in(link_or_code: String, called: String) -> String:
	var trouble := await enter(link_or_code, called)
	# Keys are not what drives it.
	if me:
		me.is_driven = false
	return trouble


func take_it(id: int) -> String:
	return await take(entities[id])


func throw_it() -> void:
	throw()


func board_it(id: int) -> String:
	return await board(entities[id])


func steer(forward: float, left: float) -> void:
	me.car.wheel = Vector2(forward, left)


func say_to_ask(yes: bool) -> String:
	var asked_for := ""
	for _frame in 600:
		if _asking:
			asked_for = "%s %s" % [_asking.name, _asked_for.kind]
			break
		await get_tree().process_frame
	answer_ask(yes)
	return asked_for


func people() -> Array:
	var names: Array = peers.values().map(func(peer: SoireePeer) -> String: return peer.name)
	names.sort()
	return names


func things() -> Dictionary:
	var told := {}
	for replica: SoireeReplica in client.replicas.values():
		var at := replica.world_pose()
		told[str(replica.id)] = [replica.kind, replica.owner, replica.parent_id, at.x, at.y, at.z]
	return told


func shown(id: int) -> Array:
	var at: Vector3 = entities[id].get_parent().global_position
	return [at.x, at.y, at.z]
