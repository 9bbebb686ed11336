extends Node
## A guest who does as told: each line is [code][name, arguments…][/code] in JSON, answered by
## [code]said name …[/code]; what happens is said as [code]saw …[/code].

var _client: SoireeClient = null


func _ready() -> void:
	print("ready")


func _process(_delta: float) -> void:
	var told := str(JavaScriptBridge.eval("soiree.told.shift() ?? ''"))
	if told:
		var words: Array = JSON.parse_string(told)
		_do(words[0], words.slice(1))


func _do(what: String, arguments: Array) -> void:
	var answer: Variant = await callv("_" + what, arguments)
	print("said %s %s" % [what, JSON.stringify(answer)])


func _join(link: String, transport: String) -> String:
	_client = SoireeClient.new()
	_client.transport = transport
	_client.spawned.connect(func(it: SoireeReplica) -> void: print("saw spawned %s %d" % [it.kind, it.id]))
	_client.despawned.connect(func(it: SoireeReplica, why: String) -> void: print("saw despawned %d %s" % [it.id, why]))
	_client.owner_changed.connect(
		func(it: SoireeReplica, from: int, why: String) -> void:
			print("saw owner %d %d %d %s" % [it.id, from, it.owner, why])
	)
	_client.changed.connect(
		func(it: SoireeReplica, what: String, _before: Variant) -> void:
			print("saw changed %d %s %s" % [it.id, what, JSON.stringify(it.properties)])
	)
	_client.asked.connect(_on_asked)
	_client.event_received.connect(
		func(from: int, event: String, payload: Variant, _about: SoireeReplica) -> void:
			print("saw event %d %s %s" % [from, event, JSON.stringify(payload)])
	)
	_client.data_received.connect(
		func(from: int, bytes: PackedByteArray, reliable: bool) -> void:
			print("saw data %d %s %s" % [from, bytes.get_string_from_utf8(), reliable])
	)
	_client.closed.connect(func(reason: String, message: String) -> void: print("saw closed %s %s" % [reason, message]))
	_client.reconnecting.connect(func(reason: String) -> void: print("saw reconnecting %s" % reason))
	_client.resumed.connect(func() -> void: print("saw resumed"))
	_client.rung_changed.connect(func(rung: String, why: String) -> void: print("saw rung %s (%s)" % [rung, why]))
	var trouble := await _client.join(link, "Godette")
	return trouble if trouble else "peer %d" % _client.peer_id


func _on_asked(ask: SoireeAsk) -> void:
	print("saw ask %d %s" % [ask.peer.id, ask.note])
	if ask.note.begins_with("please"):
		ask.allow()
	elif ask.note:
		ask.deny()


func _peers() -> Array:
	var names: Array = _client.peers.values().map(func(peer: SoireePeer) -> String: return peer.name)
	names.sort()
	return names


func _spawn(kind: String, x: float, y: float, z: float, options: Dictionary) -> Variant:
	var spawned: Variant = await _client.spawn(kind, x, y, z, Quaternion.IDENTITY, options)
	return spawned.id if spawned is SoireeReplica else spawned


func _move(id: float, x: float, y: float, z: float) -> bool:
	return _client.replicas[int(id)].move(x, y, z, Quaternion.IDENTITY)


func _where(id: float) -> Array:
	var replica: SoireeReplica = _client.replicas[int(id)]
	return [replica.x, replica.y, replica.z]


func _request(id: float, note: String) -> String:
	return await _client.replicas[int(id)].request(note)


func _release(id: float) -> String:
	return await _client.replicas[int(id)].release()


func _properties(id: float, changes: Dictionary) -> String:
	return await _client.replicas[int(id)].set_properties(changes)


func _attach(id: float, vehicle: float) -> String:
	return await _client.replicas[int(id)].attach_to(_client.replicas.get(int(vehicle)))


func _despawn(id: float) -> String:
	return await _client.replicas[int(id)].despawn()


func _pose(id: float) -> bool:
	return _client.replicas[int(id)].set_joints(Transform3D(Basis.IDENTITY, Vector3(0, 1.5, 0)), null, null)


func _event(event: String, payload: Variant) -> String:
	return await _client.send_event(event, payload)


func _data(text: String, reliable: bool) -> bool:
	return _client.send(text.to_utf8_buffer(), 0, reliable)


func _group() -> Array:
	var group := _client.group()
	var car := group.spawn("vehicle", 0.0, 0.0, 0.0, Quaternion.IDENTITY)
	group.spawn("seat", 0.0, 1.0, 0.0, Quaternion.IDENTITY, {}, car)
	group.spawn("seat", 0.0, 99.0, 0.0, Quaternion.IDENTITY, {}, car)
	var outcomes := await group.commit()
	return outcomes.map(func(one: Variant) -> int: return one.parent_id if one is SoireeReplica else -1)


func _stats() -> Dictionary:
	return _client.stats()


func _leave() -> String:
	_client.leave()
	await _client.closed
	return "left"
