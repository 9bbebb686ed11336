extends RefCounted
## What both transports are to the rest of the addon: polled, and asked what has come.

enum SoireeState { NEW, OPEN, CLOSED }

const CONTROL := 1
const STATE := 3
## Unsent bytes past which a state frame is dropped instead of queued: stale state helps nobody.
const MAX_BUFFERED_STATE_BYTES := 4096
## Seconds in which a transport has to open.
const OPEN_TIMEOUT_S := 10.0
## Reasons that a WebSocket closes for (docs/PROTOCOL.md section 9).
const CLOSE_REASONS := {
	1000: "bye",
	1001: "shutdown",
	4000: "malformed",
	4001: "unauthorized",
	4002: "session-gone",
	4003: "superseded",
	4004: "version",
	4005: "backlog",
	4006: "oversized",
	4007: "rate",
	4008: "kicked",
	4009: "closed",
	4010: "timeout",
	4011: "protocol",
	4012: "unavailable",
}
const _SOCKET_BUFFER_BYTES := 1 << 20

## [code]webrtc[/code] or [code]websocket[/code].
var kind := ""
var state := SoireeState.NEW
## Why it closed, as a code and in words.
var reason := ""
var message := ""

var _deadline := INF


## Lets it work; call it often. [param now]: monotonic seconds.
func poll(now: float) -> void:
	if state == SoireeState.NEW:
		if _deadline == INF:
			_deadline = now + OPEN_TIMEOUT_S
		elif now > _deadline:
			_ended("timeout", "%s did not open within %d s" % [kind, OPEN_TIMEOUT_S])
	if state != SoireeState.CLOSED:
		_poll()


## What has come, as pairs of stream and bytes.
func take() -> Array:
	return []


## False when it was not taken: closed, or too much state waits already and it is not urgent.
func send(_stream: int, _bytes: PackedByteArray, _urgent := false) -> bool:
	return false


## Whether a state frame would be taken now.
func is_ready() -> bool:
	return false


func close() -> void:
	_ended("bye", "closed")


func _poll() -> void:
	pass


func _release() -> void:
	pass


func _ended(why: String, words: String) -> void:
	if state == SoireeState.CLOSED:
		return
	state = SoireeState.CLOSED
	reason = why
	message = words
	_release()


static func _socket() -> WebSocketPeer:
	var socket := WebSocketPeer.new()
	socket.inbound_buffer_size = _SOCKET_BUFFER_BYTES
	socket.outbound_buffer_size = _SOCKET_BUFFER_BYTES
	return socket


# Words for a socket that has closed.
static func _closed_words(socket: WebSocketPeer) -> String:
	var words := socket.get_close_reason()
	return words if words else "the WebSocket was closed (%d)" % socket.get_close_code()
