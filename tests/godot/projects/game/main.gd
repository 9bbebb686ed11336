extends Node
## A game that does as it is told: each line is [code][name, arguments…][/code] in JSON, answered by
## [code]said name …[/code].

const CHANNELS := [MultiplayerPeer.TRANSFER_MODE_RELIABLE, MultiplayerPeer.TRANSFER_MODE_UNRELIABLE]
const PATIENCE_S := 15.0

var _world: GameWorld = null
var _lobby: LobbyClient = null
var _room: SoireeMultiplayerPeer = null
var _signals: Array = []
var _raw: Array = []
var _passwords: Array = []
var _password := ""

@onready var _api: SceneMultiplayer = multiplayer


func _ready() -> void:
	_api.peer_connected.connect(func(id: int) -> void: _signals.append(["peer_connected", id]))
	_api.peer_disconnected.connect(func(id: int) -> void: _signals.append(["peer_disconnected", id]))
	_api.connected_to_server.connect(func() -> void: _signals.append(["connected_to_server"]))
	_api.server_disconnected.connect(func() -> void: _signals.append(["server_disconnected"]))
	_api.connection_failed.connect(func() -> void: _signals.append(["connection_failed"]))
	_api.peer_authentication_failed.connect(func(id: int) -> void: _signals.append(["authentication_failed", id]))
	_api.peer_authenticating.connect(_on_authenticating)
	_api.peer_packet.connect(
		func(id: int, data: PackedByteArray) -> void: _raw.append([id, data.get_string_from_utf8()])
	)
	print("ready")


func _process(_delta: float) -> void:
	var told := str(JavaScriptBridge.eval("soiree.told.shift() ?? ''"))
	if told:
		var words: Array = JSON.parse_string(told)
		_do(words[0], words.slice(1))


func _do(what: String, arguments: Array) -> void:
	var answer: Variant = await callv("_" + what, arguments)
	print("said %s %s" % [what, JSON.stringify(answer)])


## Join a lobby; the host's id, or 0 for whoever makes the lobby.
func _join(url: String, lobby: String, mesh: bool, host: float, password: String) -> Dictionary:
	_password = password
	_api.auth_callback = _on_password if password else Callable()
	_lobby = LobbyClient.new()
	add_child(_lobby)
	var began := Time.get_ticks_msec()
	if not _lobby.start(url, lobby, mesh, CHANNELS):
		return {"trouble": "no address"}
	while _lobby.id == 0 and not _lobby.end:
		if Time.get_ticks_msec() - began > PATIENCE_S * 1000:
			return {"trouble": "no answer"}
		await get_tree().process_frame
	if _lobby.end:
		return {"trouble": _lobby.end}
	_world = GameWorld.of(int(host) if host else _lobby.id)
	add_child(_world)
	_api.multiplayer_peer = _lobby.rtc
	while _lobby.lobby == lobby and (not lobby or lobby.ends_with(":")):
		await get_tree().process_frame
	return {"id": _lobby.id, "lobby": _lobby.lobby, "mesh": _lobby.mesh}


## The same by way of a room: its link.
func _enter(link: String, host: float, password: String, options: Dictionary) -> Dictionary:
	_password = password
	_api.auth_callback = _on_password if password else Callable()
	_room = await SoireeMultiplayerPeer.join(link, "", options)
	if _room == null:
		return {"trouble": SoireeMultiplayerPeer.failure}
	_room.host_migrated.connect(_on_host_migrated)
	_room.client.closed.connect(
		func(reason: String, words: String) -> void: print("saw closed %s %s" % [reason, words])
	)
	_room.client.reconnecting.connect(func(reason: String) -> void: print("saw reconnecting %s" % reason))
	_room.client.rung_changed.connect(func(rung: String, why: String) -> void: print("saw rung %s %s" % [rung, why]))
	var id := _room.get_unique_id()
	_world = GameWorld.of(int(host) if host else id)
	add_child(_world)
	_api.multiplayer_peer = _room
	return {"id": id, "lobby": link, "mesh": false}


func _on_host_migrated(next: SoireeMultiplayerPeer) -> void:
	print("saw migration to %d" % next.get_unique_id())
	_room = next
	_world.free()
	_world = GameWorld.of(1)
	add_child(_world)
	_api.multiplayer_peer = next
	next.host_migrated.connect(_on_host_migrated)


func _refuse(enable: bool) -> void:
	_api.refuse_new_connections = enable


func _stats() -> Dictionary:
	return _room.client.stats()


## Say something new in each of so many frames, to all; how many bytes went up for it.
func _broadcast(method: String, times: float, size: float) -> float:
	var before: float = _room.client.stats().bytes_out
	for time in int(times):
		var words := PackedByteArray()
		words.resize(int(size))
		words.encode_u32(0, time)
		_world.board.rpc(method, words)
		await get_tree().process_frame
	await get_tree().create_timer(0.3).timeout
	return _room.client.stats().bytes_out - before


func _seal() -> void:
	_lobby.seal()


func _leave() -> void:
	if _world != null:
		_world.free()
	if _lobby != null:
		_lobby.stop()
		_lobby.queue_free()
	if _room != null:
		_room.close()
	_api.multiplayer_peer = null
	_api.auth_callback = Callable()
	for kept: Array in [_signals, _raw, _passwords]:
		kept.clear()
	_world = null
	_lobby = null
	_room = null


func _result() -> Dictionary:
	var peers := Array(_api.get_peers())
	peers.sort()
	var told := {"peers": peers, "signals": _signals, "raw": _raw, "passwords": _passwords}
	told.merge({"sealed": _lobby.sealed, "end": _lobby.end} if _lobby != null else {})
	told.merge(_world.told() if _world != null else {})
	return told


## Call a method of the board: of everybody (0), or of one.
func _call(method: String, words: Variant, to: float) -> int:
	if to:
		return _world.board.rpc_id(int(to), method, words)
	return _world.board.rpc(method, words)


func _bytes(size: float, to: float) -> int:
	var data := PackedByteArray()
	data.resize(int(size))
	data[-1] = 7
	return _world.board.rpc_id(int(to), "bytes", data) if to else _world.board.rpc("bytes", data)


## Bytes past the calls, in each way that there is.
func _send(words: String, to: float) -> Array:
	var troubles := []
	for mode: MultiplayerPeer.TransferMode in [0, 1, 2]:
		for channel: int in [0, 1, 2]:
			var data := ("%s %d %d" % [words, mode, channel]).to_utf8_buffer()
			var trouble := _api.send_bytes(data, int(to), mode, channel)
			if trouble != OK:
				troubles.append([mode, channel, trouble])
	return troubles


func _seat(whom: float) -> void:
	_world.seat(int(whom))


func _unseat(whom: float) -> void:
	_world.pawns.get_node(str(int(whom))).queue_free()


func _dress(place: float, hat: String) -> bool:
	var pawn := _world.pawns.get_node_or_null(str(_api.get_unique_id()))
	if pawn == null:
		return false
	pawn.set("place", Vector3(place, 0.5, -place))
	pawn.set("hat", hat)
	return true


func _bring(label: String, words: String) -> void:
	_world.bring(label, words)


func _value(label: String, worth: float) -> void:
	(_world.things.get_node(label) as Thing).worth = int(worth)


func _take_away(label: String) -> void:
	_world.things.get_node(label).queue_free()


func _name_clock(label: String) -> void:
	_world.clock.label = label


func _hand_over(to: float, whom: float) -> void:
	if whom:
		_world.baton.hand_over.rpc_id(int(whom), int(to))
	else:
		_world.baton.hand_over.rpc(int(to))


func _write(words: String) -> void:
	_world.baton.words = words


func _kick(whom: float) -> void:
	_api.disconnect_peer(int(whom))


func _is_mesh() -> bool:
	return _lobby != null and _lobby.mesh


func _on_authenticating(id: int) -> void:
	_api.send_auth(id, _password.to_utf8_buffer())
	# Who joins a server trusts it: a server without the game's code has no password to show.
	if id == 1 and not _is_mesh():
		_api.complete_auth(id)


func _on_password(id: int, data: PackedByteArray) -> void:
	_passwords.append([id, data.get_string_from_utf8()])
	if id == 1 and not _is_mesh():
		return
	if data.get_string_from_utf8() == _password:
		_api.complete_auth(id)
	else:
		_api.disconnect_peer(id)
