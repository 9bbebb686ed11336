extends "transport.gd"
## The data WebSocket (docs/PROTOCOL.md section 1.3): for networks that let no UDP through.

var _peer := _socket()


func _init(data_url: String, token: String) -> void:
	kind = "websocket"
	var mark := "&" if data_url.contains("?") else "?"
	var error := _peer.connect_to_url("%s%stoken=%s" % [data_url, mark, token.uri_encode()])
	if error:
		_ended("lost", "the WebSocket cannot connect (%s)" % error_string(error))


func take() -> Array:
	var taken := []
	while _peer.get_available_packet_count():
		var packet := _peer.get_packet()
		if packet.size() and (packet[0] == CONTROL or packet[0] == STATE):
			taken.append([packet[0], packet.slice(1)])
	return taken


func send(stream: int, bytes: PackedByteArray, urgent := false) -> bool:
	if state != SoireeState.OPEN or (stream == STATE and not urgent and not is_ready()):
		return false
	return _peer.put_packet(PackedByteArray([stream]) + bytes) == OK


func is_ready() -> bool:
	return state == SoireeState.OPEN and _peer.get_current_outbound_buffered_amount() <= MAX_BUFFERED_STATE_BYTES


func _poll() -> void:
	_peer.poll()
	match _peer.get_ready_state():
		WebSocketPeer.STATE_OPEN:
			if state == SoireeState.NEW:
				if not OS.has_feature("web"):
					_peer.set_no_delay(true)
				state = SoireeState.OPEN
		WebSocketPeer.STATE_CLOSED:
			if not _peer.get_available_packet_count():
				_ended(CLOSE_REASONS.get(_peer.get_close_code(), "lost"), _closed_words(_peer))


func _release() -> void:
	_peer.close()
