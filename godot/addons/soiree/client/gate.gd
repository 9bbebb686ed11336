extends RefCounted
## The way in, for the first time and again: asks the server, keeps what it hands out, and makes
## transports with it (docs/PROTOCOL.md section 1.1). Polled.

const SoireeHttpCall := preload("../transports/http_call.gd")
const SoireeTransport := preload("../transports/transport.gd")
const SoireeWebRtcTransport := preload("../transports/webrtc.gd")
const SoireeWebSocketTransport := preload("../transports/websocket.gd")

## HTTP statuses that may be different next time: a 4xx otherwise is an answer.
const PASSING := [408, 425, 429]

## What the server last handed out: a [i]join[/i] of PROTOCOL 1.1.
var admission := {}
## Whether the session has begun: from then on there is no joining anew.
var entered := false
## Why it did not let us in, as a code and in words; empty when it did.
var reason := ""
var message := ""
## Whether it is of no use to ask again.
var is_final := false
## Transports that may be tried, and why WebRTC is not among them, if it was wanted.
var kinds: Array[String] = []
var missing := ""

var _address := ""
var _who := {}
var _password := ""
var _headers: PackedStringArray = []
var _transport := "auto"
var _ticket := ""
var _resume := ""
var _call: SoireeHttpCall = null


## [param transport]: [code]auto[/code], [code]webrtc[/code] or [code]websocket[/code].
func _init(
	url: String,
	room: String,
	player_name: String,
	password: String,
	identity: String,
	host_key: String,
	transport: String
) -> void:
	_address = "%s/api/v1/rooms/%s/join" % [url.rstrip("/"), room.uri_encode()]
	_who = {"name": player_name}
	if identity:
		_who.identity = identity
	_password = password
	_transport = transport
	if host_key:
		_headers.append("Authorization: Bearer " + host_key)


## Begins to ask.
func ask() -> void:
	reason = ""
	is_final = false
	var body := _who.duplicate()
	if _resume:
		body.resume = _resume
	elif _password:
		body.password = _password
	_call = SoireeHttpCall.new(_address, body, _headers)


## Whether the answer is there.
func poll(now: float) -> bool:
	_call.poll(now)
	if _call.done:
		_answered()
	return _call.done


## A transport of one of the [member kinds].
func make(kind: String) -> SoireeTransport:
	if kind == "websocket":
		return SoireeWebSocketTransport.new(admission.data_url, _token())
	return SoireeWebRtcTransport.new(admission.signal_url, admission.ice_servers, _token)


func _answered() -> void:
	var answer: Dictionary = _call.answer if _call.answer is Dictionary else {}
	if _call.status >= 200 and _call.status < 300 and answer.get("peer_id"):
		_admitted(answer)
		return
	var error: Variant = answer.get("error")
	if error is Dictionary:
		reason = str(error.get("code"))
		message = str(error.get("message"))
	else:
		reason = "unreachable"
		message = _call.failure if _call.failure else "the server answered %d" % _call.status
	is_final = _call.status >= 400 and _call.status < 500 and not _call.status in PASSING


func _admitted(join: Dictionary) -> void:
	admission = join
	_ticket = join.ticket if join.get("ticket") else ""
	_resume = join.resume
	if join.get("identity"):
		_who.identity = join.identity
	var web_rtc := SoireeWebRtcTransport.is_available()
	kinds = []
	for kind: String in join.transports:
		if _transport in ["auto", kind] and (kind != "webrtc" or web_rtc):
			kinds.append(kind)
	missing = ""
	if _transport == "auto" and not "webrtc" in kinds:
		missing = "this server offers no WebRTC" if web_rtc else "the extension webrtc-native is not here"


# The ticket once, then the resume token.
func _token() -> String:
	var token := _ticket if _ticket else _resume
	_ticket = ""
	return token
