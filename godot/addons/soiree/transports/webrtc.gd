extends "transport.gd"
## Two negotiated data channels, introduced over the signalling WebSocket with trickled candidates
## (docs/PROTOCOL.md section 1.2).

## Candidates of the relay that may come before its answer.
const MAX_EARLY_CANDIDATES := 64
## Seconds after opening at which signalling ends: later candidates could not better the connection.
const SIGNAL_LINGER_S := 5.0
## What the engine keeps of a channel between two frames, and beyond which it drops even what is reliable; by default
## 64 KiB, which is a moment's worth.
const INCOMING_BUFFER := "network/limits/webrtc/max_channel_in_buffer_kb"
const INCOMING_BUFFER_KB := 1024

var _connection := WebRTCPeerConnection.new()
var _control: WebRTCDataChannel = null
var _state: WebRTCDataChannel = null
var _signal := _socket()
# Called when the offer goes out: the ticket once, then the resume token.
var _token: Callable
var _offer := ""
var _offered := false
var _answered := false
# The relay's candidates until its answer is in, ours until the offer is out.
var _early: Array[Dictionary] = []
var _waiting: Array[String] = []
var _opened_at := 0.0


## Whether this place can do WebRTC at all: in a browser, or with the extension webrtc-native.
static func is_available() -> bool:
	return OS.has_feature("web") or ClassDB.get_inheriters_from_class("WebRTCPeerConnectionExtension").size() > 0


func _init(signal_url: String, ice_servers: Array, token: Callable) -> void:
	kind = "webrtc"
	_token = token
	if _connection.initialize({"iceServers": ice_servers}):
		_ended("unavailable", "there is no WebRTC here")
		return
	# Each channel reads it when it is made.
	ProjectSettings.set_setting(
		INCOMING_BUFFER, maxi(INCOMING_BUFFER_KB, ProjectSettings.get_setting(INCOMING_BUFFER, 64))
	)
	_control = _channel("control", CONTROL, {"ordered": true})
	_state = _channel("state", STATE, {"ordered": false, "maxRetransmits": 0})
	if not _control or not _state:
		_ended("unavailable", "WebRTC makes no data channels here")
		return
	_connection.session_description_created.connect(_described)
	_connection.ice_candidate_created.connect(_candidate_found)
	_signal.connect_to_url(signal_url)
	_connection.create_offer()


func take() -> Array:
	var taken := []
	_take(_control, CONTROL, taken)
	_take(_state, STATE, taken)
	return taken


func send(stream: int, bytes: PackedByteArray, urgent := false) -> bool:
	var channel := _control if stream == CONTROL else _state
	if state != SoireeState.OPEN or channel.get_ready_state() != WebRTCDataChannel.STATE_OPEN:
		return false
	if stream == STATE and not urgent and not is_ready():
		return false
	return channel.put_packet(bytes) == OK


func is_ready() -> bool:
	return state == SoireeState.OPEN and _state.get_buffered_amount() <= MAX_BUFFERED_STATE_BYTES


func _channel(label: String, id: int, options: Dictionary) -> WebRTCDataChannel:
	var channel := _connection.create_data_channel(label, options.merged({"negotiated": true, "id": id}))
	if channel:
		channel.write_mode = WebRTCDataChannel.WRITE_MODE_BINARY
	return channel


func _take(channel: WebRTCDataChannel, stream: int, into: Array) -> void:
	if not channel:
		return
	while channel.get_available_packet_count():
		into.append([stream, channel.get_packet()])


func _poll() -> void:
	_connection.poll()
	_poll_signal()
	match _connection.get_connection_state():
		WebRTCPeerConnection.STATE_FAILED, WebRTCPeerConnection.STATE_CLOSED:
			_ended("lost", "the WebRTC connection failed")
			return
	var now := Time.get_ticks_usec() / 1e6
	var states := [_control.get_ready_state(), _state.get_ready_state()]
	if state == SoireeState.NEW and states == [WebRTCDataChannel.STATE_OPEN, WebRTCDataChannel.STATE_OPEN]:
		state = SoireeState.OPEN
		_opened_at = now
	elif state == SoireeState.OPEN and states.has(WebRTCDataChannel.STATE_CLOSED):
		if not _control.get_available_packet_count():
			_ended("lost", "the data channel was closed")
	elif state == SoireeState.OPEN and now - _opened_at > SIGNAL_LINGER_S:
		_signal.close()


func _poll_signal() -> void:
	_signal.poll()
	match _signal.get_ready_state():
		WebSocketPeer.STATE_OPEN:
			_tell_offer()
		WebSocketPeer.STATE_CLOSED:
			if state == SoireeState.NEW:
				_ended(CLOSE_REASONS.get(_signal.get_close_code(), "lost"), _closed_words(_signal))
	while state != SoireeState.CLOSED and _signal.get_available_packet_count():
		var told: Variant = JSON.parse_string(_signal.get_packet().get_string_from_utf8())
		if told is Dictionary:
			_signalled(told)


func _tell_offer() -> void:
	if _offered or not _offer:
		return
	_offered = true
	_signal.send_text(JSON.stringify({"type": "offer", "token": _token.call(), "sdp": _offer}))
	for text in _waiting:
		_signal.send_text(text)
	_waiting.clear()


func _described(type: String, sdp: String) -> void:
	_connection.set_local_description(type, sdp)
	_offer = sdp


func _candidate_found(media: String, _index: int, candidate: String) -> void:
	var text := JSON.stringify({"type": "candidate", "candidate": candidate, "mid": media})
	if not _offered:
		_waiting.append(text)
	elif _signal.get_ready_state() == WebSocketPeer.STATE_OPEN:
		_signal.send_text(text)


func _signalled(told: Dictionary) -> void:
	match told.get("type"):
		"answer":
			_connection.set_remote_description("answer", str(told.get("sdp")))
			_answered = true
			for candidate in _early:
				_add(candidate)
			_early.clear()
		"candidate":
			if _answered:
				_add(told)
			elif _early.size() < MAX_EARLY_CANDIDATES:
				_early.append(told)
		"closed":
			_ended(str(told.get("reason", "lost")), "the relay closed the connection")
		"error":
			if state == SoireeState.NEW:
				_ended(str(told.get("code")), str(told.get("message")))


func _add(told: Dictionary) -> void:
	if told.get("candidate"):
		_connection.add_ice_candidate(str(told.get("mid", "0")), 0, str(told.candidate))


func _release() -> void:
	_signal.close()
	_connection.close()
