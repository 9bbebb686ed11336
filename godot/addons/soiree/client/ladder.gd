extends RefCounted
## Which transport to stand on (docs/PROTOCOL.md section 1): WebRTC first; the WebSocket beside it
## when that takes long, fails, or connects and stays mute; the better one kept; and while it is the
## WebSocket, WebRTC tried again in the background. Polled; it makes transports and lets them work.

const SoireeTransport := preload("../transports/transport.gd")

## Seconds that WebRTC has to itself: first to connect, then to bring the welcome.
const PATIENCE_S := 1.5
## Seconds until WebRTC is tried again, doubling from the first to the last.
const FIRST_RETRY_S := 10.0
const LAST_RETRY_S := 60.0

enum SoireeThen { NOTHING, FALL_BACK, FALL_BACK_AGAIN, MUTE, RETRY }

## A transport that has opened and is to be used from now; taken by [method take_better].
var why := ""
## Whether nothing can be opened; then no more comes.
var failed := false
## Why the last attempt failed.
var reason := "unavailable"
var message := "the relay offers no transport that works here"

var _kinds: Array
var _make: Callable
# Transport to its kind.
var _attempts := {}
var _better: SoireeTransport = null
# What was last called better, whether that has brought the welcome, and whether it had its time to.
var _held := ""
var _confirmed := false
var _mute := false
# WebRTC that opened while the WebSocket's hello is unanswered: two at once could overtake each other.
var _waiting: SoireeTransport = null
var _stopped := false
var _fell_back := false
var _retry_s := FIRST_RETRY_S
var _due := INF
var _then := SoireeThen.NOTHING
var _now := 0.0


## [param kinds]: what may be used, of [code]webrtc[/code] and [code]websocket[/code].
## [param missing]: why WebRTC is not among them, if it was wanted.
## [param make]: gives a transport of a kind.
func _init(kinds: Array, missing: String, make: Callable) -> void:
	_kinds = kinds
	_make = make
	why = missing


func start(now: float) -> void:
	_now = now
	if "webrtc" in _kinds:
		why = "WebRTC did not connect within %.1f s" % PATIENCE_S
		_attempt("webrtc")
		if "websocket" in _kinds:
			_after(PATIENCE_S, SoireeThen.FALL_BACK)
	elif "websocket" in _kinds:
		_fall_back()
	else:
		failed = true


func poll(now: float) -> void:
	_now = now
	if _stopped or failed:
		return
	for transport: SoireeTransport in _attempts.keys():
		transport.poll(now)
		if transport.state == SoireeTransport.SoireeState.OPEN:
			_opened(transport)
		elif transport.state == SoireeTransport.SoireeState.CLOSED:
			_failed_to_open(transport)
	if _waiting:
		_waiting.poll(now)
	if now >= _due:
		_timed_out()


## The transport to use from now, once; null if that has not changed.
func take_better() -> SoireeTransport:
	var better := _better
	_better = null
	return better


## The transport last called better has brought the welcome.
func confirm() -> void:
	_confirmed = true
	if _held == "webrtc":
		_after(INF, SoireeThen.NOTHING)
		_close_attempts()
	elif _waiting and not _use_waiting() and not _stopped:
		_retry_later()


## The transport last called better is gone, without a welcome. Whether another is on its way; if
## not, nothing will come any more.
func lost(why_lost: String, words: String) -> bool:
	reason = why_lost
	message = words
	_held = ""
	_mute = false
	_after(INF, SoireeThen.NOTHING)
	if _use_waiting():
		return true
	if _stopped or _attempts.is_empty():
		return false
	_fell_back = "websocket" in _attempts.values()
	_after(PATIENCE_S, SoireeThen.FALL_BACK)
	return true


## Gives up everything that is not in use.
func stop() -> void:
	_stopped = true
	_after(INF, SoireeThen.NOTHING)
	_close_attempts()
	if _waiting:
		_waiting.close()
	_waiting = null
	if _better:
		_better.close()
	_better = null


func _after(seconds: float, then: SoireeThen) -> void:
	_due = _now + seconds
	_then = then


func _timed_out() -> void:
	var then := _then
	_after(INF, SoireeThen.NOTHING)
	match then:
		SoireeThen.FALL_BACK:
			_fall_back()
		SoireeThen.FALL_BACK_AGAIN:
			_fell_back = false
			_fall_back()
		SoireeThen.MUTE:
			_mute = true
			_fell_back = false
			why = "WebRTC connected, and stayed mute"
			_fall_back()
		SoireeThen.RETRY:
			_attempt("webrtc")


func _close_attempts() -> void:
	for transport: SoireeTransport in _attempts:
		transport.close()
	_attempts.clear()


func _fall_back() -> void:
	_after(INF, SoireeThen.NOTHING)
	if _stopped or (_held and not _mute) or _fell_back or not "websocket" in _kinds:
		return
	_fell_back = true
	_attempt("websocket")


func _attempt(kind: String) -> void:
	_attempts[_make.call(kind)] = kind


func _opened(transport: SoireeTransport) -> void:
	var kind: String = _attempts[transport]
	_attempts.erase(transport)
	var better := _held != "webrtc" if kind == "webrtc" else not _held or (_mute and not _confirmed)
	if _stopped or not better:
		transport.close()
	elif _held == "websocket" and not _confirmed:
		_waiting = transport
	else:
		_use(transport, kind)


# Whether there was one, still open.
func _use_waiting() -> bool:
	var waiting := _waiting
	_waiting = null
	if _stopped or not waiting or waiting.state != SoireeTransport.SoireeState.OPEN:
		return false
	_use(waiting, "webrtc")
	return true


func _use(transport: SoireeTransport, kind: String) -> void:
	_held = kind
	_confirmed = false
	_mute = false
	_after(INF, SoireeThen.NOTHING)
	if kind == "webrtc":
		why = ""
		_close_attempts()
		if "websocket" in _kinds:
			_after(PATIENCE_S, SoireeThen.MUTE)
	elif not "webrtc" in _attempts.values():
		_retry_later()
	_better = transport


func _failed_to_open(transport: SoireeTransport) -> void:
	var kind: String = _attempts[transport]
	_attempts.erase(transport)
	reason = transport.reason
	message = transport.message
	if _held:
		if kind == "webrtc":
			_retry_later()
		return
	if kind == "webrtc":
		why = "WebRTC failed: %s" % message
		_fall_back()
	if _attempts.is_empty():
		failed = true
		stop()
	elif kind == "websocket":
		# WebRTC may go on trying for half a minute, to no avail: that is no reason to wait for it alone.
		_after(PATIENCE_S, SoireeThen.FALL_BACK_AGAIN)


func _retry_later() -> void:
	if not "webrtc" in _kinds:
		return
	_after(_retry_s * randf_range(0.8, 1.2), SoireeThen.RETRY)
	_retry_s = minf(LAST_RETRY_S, 2.0 * _retry_s)
