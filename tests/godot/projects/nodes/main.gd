extends SoireeRoom
## Does with the nodes of the addon what it is told, and says what happens.

var _nodes := {}


func _ready() -> void:
	var spawner: SoireeSpawner = $Spawner
	spawner.spawned.connect(_on_spawned)
	spawner.despawned.connect(func(node: Node3D, why: String) -> void: print("saw gone %s %s" % [node.name, why]))
	spawner.refused.connect(func(kind: String, why: String) -> void: print("saw refused %s %s" % [kind, why]))
	chat_received.connect(func(from: SoireePeer, text: String) -> void: print("saw chat %s %s" % [from.name, text]))
	closed.connect(func(why: String, words: String) -> void: print("saw closed %s %s" % [why, words]))
	origin_shifted.connect(func(by: Vector3) -> void: print("saw shift %s" % by))
	print("ready")


# As games have them: what the room does by itself goes on.
func _process(_delta: float) -> void:
	pass


func _exit_tree() -> void:
	pass


func enter(at: String, by: String) -> Variant:
	transport = by
	var trouble := await join(at, "Godette")
	return trouble if trouble else peer_id


func make(kind: String, x: float, y: float, z: float) -> int:
	var node: Node3D = await $Spawner.spawn(kind, Transform3D(Basis.IDENTITY, Vector3(x, y, z)))
	return SoireeSpawner.entity_in(node).replica.id if node else 0


func where(id: int) -> Array:
	var at: Vector3 = _nodes[id].global_position
	return [at.x, at.y, at.z]


func put(id: int, x: float, y: float, z: float) -> bool:
	_nodes[id].global_position = Vector3(x, y, z)
	return entities[id].is_mine()


func label(id: int, text: String) -> void:
	_nodes[id].get_node("Label").text = text
	_nodes[id].get_node("Label").modulate = Color.BLUE


func read(id: int) -> Array:
	var label: Label3D = _nodes[id].get_node("Label")
	return [label.text, label.modulate.to_html(), _nodes[id].visible, _nodes[id].get_node("Head").position.y]


func nod(id: int) -> void:
	_nodes[id].get_node("Head").position = Vector3(0, 1.5, 0)


func ask(id: int, note: String) -> String:
	return await entities[id].request_ownership(note)


func set_rule_of(id: int, rule: String) -> void:
	entities[id].rule = rule


func facts(id: int) -> Array:
	var entity: SoireeEntity = entities[id]
	var riding := entity.vehicle()
	return [entity.owner_id, entity.master_id, entity.rule, entity.lifetime, riding.replica.id if riding else 0]


func push(id: int, x: float) -> void:
	_nodes[id].linear_velocity = Vector3(x, 0, 0)


func is_frozen(id: int) -> bool:
	return _nodes[id].freeze


func ride(id: int, vehicle: int) -> String:
	return await entities[id].ride(entities.get(vehicle))


func remove(id: int) -> void:
	entities[id].despawn()


func say(text: String) -> String:
	return await chat(text)


func settle() -> Array:
	return [await settled(), peers.size()]


func make_once(kind: String) -> bool:
	return await $Spawner.spawn_once(kind) != null


func go_far(cells: int) -> void:
	recentre(Vector3(cells * 64.0, 0, 0))
	look_from(Vector3.ZERO)


func count() -> int:
	return $Spawner.get_child_count()


func go() -> String:
	leave()
	await closed
	return "gone"


func _on_spawned(node: Node3D, entity: SoireeEntity) -> void:
	_nodes[entity.replica.id] = node
	entity.ownership_changed.connect(
		func(owner: int, _before: int, why: String) -> void: print("saw owner %d %s" % [owner, why])
	)
	entity.ownership_asked.connect(
		func(peer: SoireePeer, note: String) -> void:
			print("saw asked %s %s" % [peer.name, note])
			entity.answer(peer, note == "please")
	)
	entity.refused.connect(func(why: String) -> void: print("saw refused %s" % why))
	print("saw spawned %d %s" % [entity.replica.id, entity.kind])
