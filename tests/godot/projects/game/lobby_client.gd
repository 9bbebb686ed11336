class_name LobbyClient
extends Node
## Joins a lobby by the protocol of the official demo, and connects a [WebRTCMultiplayerPeer] with those who are in it.

signal ended(code: int, reason: String)

enum { JOIN, ID, PEER_CONNECT, PEER_DISCONNECT, OFFER, ANSWER, CANDIDATE, SEAL, ICE }

var rtc := WebRTCMultiplayerPeer.new()
var id := 0
var mesh := false
var lobby := ""
var sealed := false
## Close code and reason, once the socket is closed.
var end: Array = []
var channels: Array = []
var ice_servers: Array = []
var _socket := WebSocketPeer.new()
var _asked := false


## Whether the address can be used at all.
func start(url: String, name_of_lobby: String, as_mesh: bool, channels_config: Array) -> bool:
	lobby = name_of_lobby
	mesh = as_mesh
	channels = channels_config
	return _socket.connect_to_url(url) == OK


func seal() -> void:
	_say(SEAL, 0, "")


## Leave the lobby and the game.
func stop() -> void:
	_socket.close()
	rtc.close()


func _process(_delta: float) -> void:
	_socket.poll()
	var state := _socket.get_ready_state()
	if state == WebSocketPeer.STATE_OPEN and not _asked:
		_asked = true
		_say(JOIN, 0 if mesh else 1, lobby)
	while state == WebSocketPeer.STATE_OPEN and _socket.get_available_packet_count() > 0:
		var said: Dictionary = JSON.parse_string(_socket.get_packet().get_string_from_utf8())
		_take(int(said["type"]), int(said["id"]), said["data"])
	if state == WebSocketPeer.STATE_CLOSED and not end:
		end = [_socket.get_close_code(), _socket.get_close_reason()]
		ended.emit(end[0], end[1])


func _take(kind: int, peer: int, data: String) -> void:
	match kind:
		JOIN:
			lobby = data
		ID:
			_begin(peer, data == "true")
		ICE:
			ice_servers = JSON.parse_string(data)
		PEER_CONNECT:
			_meet(peer)
		PEER_DISCONNECT:
			if rtc.has_peer(peer):
				rtc.remove_peer(peer)
		OFFER, ANSWER:
			if rtc.has_peer(peer):
				_connection(peer).set_remote_description("offer" if kind == OFFER else "answer", data)
		CANDIDATE:
			var lines := data.split("\n", false)
			if rtc.has_peer(peer) and lines.size() == 3:
				_connection(peer).add_ice_candidate(lines[0], lines[1].to_int(), lines[2])
		SEAL:
			sealed = true


func _begin(own_id: int, as_mesh: bool) -> void:
	id = own_id
	mesh = as_mesh
	if mesh:
		rtc.create_mesh(id, channels)
	elif id == 1:
		rtc.create_server(channels)
	else:
		rtc.create_client(id, channels)


func _meet(peer: int) -> void:
	var connection := WebRTCPeerConnection.new()
	connection.initialize({"iceServers": ice_servers})
	connection.session_description_created.connect(_described.bind(peer))
	connection.ice_candidate_created.connect(
		func(media: String, index: int, candidate: String) -> void:
			_say(CANDIDATE, peer, "\n%s\n%d\n%s" % [media, index, candidate])
	)
	rtc.add_peer(connection, peer)
	if peer < id:
		connection.create_offer()


func _described(type: String, sdp: String, peer: int) -> void:
	if rtc.has_peer(peer):
		_connection(peer).set_local_description(type, sdp)
		_say(OFFER if type == "offer" else ANSWER, peer, sdp)


func _connection(peer: int) -> WebRTCPeerConnection:
	return rtc.get_peer(peer)["connection"]


func _say(kind: int, peer: int, data: String) -> void:
	if _socket.get_ready_state() == WebSocketPeer.STATE_OPEN:
		_socket.send_text(JSON.stringify({"type": kind, "id": peer, "data": data}))
