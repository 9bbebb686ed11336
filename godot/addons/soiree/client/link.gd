extends RefCounted
## One session's way to the relay, kept up by itself: transports are climbed, changed and replaced,
## the control stream goes on, state is sent, acknowledged and repeated, pings are answered. What
## comes is handed up; what it means is the client's affair. Polled.

## The relay has welcomed us, for the first time or again.
signal welcomed(welcome: Dictionary, resumed: bool)
## A numbered message, each once and in order.
signal received(message: Dictionary)
signal state_received(frame: SoireeStateFrames.SoireeFrame)
signal data_received(peer: int, bytes: PackedByteArray)
## The connection is gone; it is being replaced.
signal lost(reason: String)
## The session is over.
signal closed(reason: String, message: String)
## The way that the packets go has changed; empty while there is none.
signal rung_changed(rung: String, why: String)

const SoireeGate := preload("gate.gd")
const SoireeLadder := preload("ladder.gd")
const SoireeMessages := preload("../wire/control.gd")
const SoireeReceivedFrames := preload("received_frames.gd")
const SoireeRelayClock := preload("relay_clock.gd")
const SoireeReplication := preload("replication.gd")
const SoireeSession := preload("session.gd")
const SoireeStateFrames := preload("../wire/state.gd")
const SoireeTraffic := preload("traffic.gd")
const SoireeTransport := preload("../transports/transport.gd")

const AGENT := "soiree-godot/0.1.0"
## At least this often a frame goes up, seconds: it carries the acknowledgements.
const ACK_EVERY_S := 0.2
## The same while control messages have been applied that the relay does not know of.
const ACK_SOON_S := 0.02
## Silence after which the connection is given up, seconds: the relay pings each second.
const SILENCE_S := 5.0
## Seconds for the welcome to come, where nothing else is there to take over.
const WELCOME_S := 4.0
## A connection that lived this long ends the backing off, seconds.
const STABLE_S := 10.0
## Seconds in which a hello that was given up may still reach the relay.
const DOUBT_S := 10.0
const BACKOFF_S: Array[float] = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0]
## Attempts to get in for the first time; later ones go on until the session is gone.
const FIRST_ATTEMPTS := 3
## How long one who leaves waits for a connection to say goodbye on, and for the relay to hang up.
const LEAVE_S := 1.0
## Reasons after which coming back is of no use.
const FINAL := ["kicked", "closed", "session-gone", "superseded", "version", "backlog", "malformed", "bye"]

enum SoireeWay { NONE, ASKING, CLIMBING, PAUSING }

var session := SoireeSession.new()
var replication := SoireeReplication.new()
var received_frames := SoireeReceivedFrames.new()
var clock := SoireeRelayClock.new()
var up := SoireeTraffic.new()
var down := SoireeTraffic.new()
## Messages of the relay that could not be read.
var malformed := 0
var connected := false
var is_closed := false
var rung := ""
## What keeps from a better one.
var why := ""
## Local monotonic time of the newest poll, seconds.
var now := 0.0

var _gate: SoireeGate
var _way := SoireeWay.NONE
var _ladder: SoireeLadder = null
var _transport: SoireeTransport = null
# The last that was welcomed, until a newer one is.
var _former: SoireeTransport = null
var _flush_every_s := 0.05
# Whether the client was last told that it is connected.
var _up := false
var _attempt := 0
var _retry_at := 0.0
var _hello_at := 0.0
# Until then "superseded" may be the work of a hello of our own.
var _doubt_until := 0.0
var _last_heard := 0.0
var _last_poll := 0.0
var _excused := false
var _last_frame := -INF
var _last_flush := -INF
var _last_applied_told := 0
var _leave_reason := ""
var _leave_by := INF
var _said_bye := false


## [param send_hz]: how often state goes up at most.
func _init(gate: SoireeGate, send_hz: float) -> void:
	_gate = gate
	_flush_every_s = 1.0 / send_hz


static func clock_now() -> float:
	return Time.get_ticks_usec() / 1e6


func start() -> void:
	now = clock_now()
	_last_poll = now
	_connect()


## Numbers a message and has it sent; its number, 0 when it cannot be: then [param refusal] of the
## session tells why.
func send(message: Dictionary) -> int:
	if is_closed:
		session.failure = "closed"
		return 0
	return session.send(message)


## False when it was dropped.
func send_data(to: int, payload: PackedByteArray) -> bool:
	var frame := SoireeStateFrames.encode_data(to, payload)
	return connected and not frame.is_empty() and _put(SoireeTransport.STATE, frame)


## Ends the session in order; [signal closed] follows.
func leave(reason: String) -> void:
	_leave_reason = reason
	_leave_by = clock_now() + LEAVE_S
	_say_bye()


## Says goodbye and does not wait, as when the program ends.
func farewell(reason: String) -> void:
	_leave_reason = reason
	_say_bye()
	if _transport:
		_transport.poll(clock_now())
	_finish("bye", "left")


## Lets everything work that is due.
func poll() -> void:
	if is_closed:
		return
	now = clock_now()
	_climb()
	_listen()
	_watch()
	pump()
	if _leave_by < INF and not is_closed:
		_leaving()


## Sends what is due; also between polls, when something was just said.
func pump() -> void:
	if not connected or _said_bye:
		return
	for bytes in session.take_outgoing():
		_put(SoireeTransport.CONTROL, bytes)
	if not _transport.is_ready():
		return
	# Some of a period of grace: what drives this does not beat with it.
	if now - _last_flush >= _flush_every_s * 0.9:
		_last_flush = now
		for frame in replication.frames(now, clock.rtt_s, _header()):
			_put_frame(frame)
	var quiet_s := now - _last_frame
	var untold := session.applied != _last_applied_told
	if quiet_s >= ACK_EVERY_S or (untold and quiet_s >= ACK_SOON_S):
		_put_frame(replication.empty_frame(_header()))


func _header() -> SoireeStateFrames.SoireeFrame:
	var header := SoireeStateFrames.SoireeFrame.new()
	header.tick = int(clock.tick_at(now)) & 0xffffffff
	header.ack_seq = received_frames.newest
	header.ack_mask = received_frames.mask
	header.control_applied = session.applied
	return header


func _put_frame(frame: PackedByteArray) -> void:
	_last_frame = now
	_last_applied_told = session.applied
	_put(SoireeTransport.STATE, frame)


func _put(stream: int, bytes: PackedByteArray, urgent := false) -> bool:
	if not _transport or not _transport.send(stream, bytes, urgent):
		return false
	up.add(bytes.size(), now)
	return true


func _connect() -> void:
	_way = SoireeWay.ASKING
	_gate.ask()


# The way up: the server's answer, the ladder, the pause before the next attempt.
func _climb() -> void:
	match _way:
		SoireeWay.ASKING:
			if _gate.poll(now):
				_admitted()
		SoireeWay.CLIMBING:
			_ladder.poll(now)
			var better := _ladder.take_better()
			if better:
				_hello(better)
			elif _ladder.failed:
				var reason := _ladder.reason
				var message := _ladder.message
				_drop()
				_interrupted(reason)
				_failed(reason, message, false)
		SoireeWay.PAUSING:
			if now >= _retry_at:
				_connect()


func _admitted() -> void:
	if _gate.reason:
		_failed(_gate.reason, _gate.message, _gate.is_final)
		return
	_way = SoireeWay.CLIMBING
	_ladder = SoireeLadder.new(_gate.kinds, _gate.missing, _gate.make)
	_ladder.start(now)


# An attempt has come to nothing.
func _failed(reason: String, message: String, is_final: bool) -> void:
	if is_closed:
		return
	_attempt += 1
	if is_final or (not session.established and _attempt >= FIRST_ATTEMPTS):
		_finish(reason, message)
	else:
		_again()


func _again() -> void:
	_way = SoireeWay.PAUSING
	_retry_at = now + BACKOFF_S[mini(_attempt, BACKOFF_S.size() - 1)] * randf_range(0.75, 1.25)


func _hello(transport: SoireeTransport) -> void:
	if connected:
		if _former:
			_former.close()
		_former = _transport
	else:
		_give_up_hello()
	session.detach()
	connected = false
	_transport = transport
	why = _ladder.why
	_hello_at = now
	_last_heard = now
	_put(
		SoireeTransport.CONTROL,
		(
			SoireeMessages
			. encode(
				{
					"type": "hello",
					"n": 0,
					"version": SoireeMessages.VERSION,
					"applied": session.applied,
					"fresh": not session.established,
					"agent": AGENT,
					"capabilities": [],
				}
			)
		)
	)


func _listen() -> void:
	if _former:
		_former.poll(now)
		_former.take()
	var transport := _transport
	if not transport:
		return
	transport.poll(now)
	for packet: Array in transport.take():
		if transport != _transport:
			return
		_heard(packet[0], packet[1])
	if transport == _transport and transport.state == SoireeTransport.SoireeState.CLOSED:
		_lost(transport.reason, transport.message)


# The connection that we stand on, or that our hello went out on, is gone.
func _lost(reason: String, message: String) -> void:
	if is_closed:
		return
	if _leave_by < INF or _is_final(reason):
		_finish(reason, message)
		return
	var stable := connected and now - _hello_at > STABLE_S
	if not connected:
		_give_up_hello()
		if _ladder and _ladder.lost(reason, message):
			_interrupted(reason)
			return
	_drop()
	_interrupted(reason)
	if stable:
		_attempt = 0
		_again()
	else:
		_failed(reason, message, false)


# Whether coming back is of no use.
func _is_final(reason: String) -> bool:
	if not session.established:
		return reason == "version"
	if reason == "superseded":
		return connected and now >= _doubt_until
	return reason in FINAL


func _interrupted(reason: String) -> void:
	if not _up or connected or is_closed:
		return
	_up = false
	rung = ""
	lost.emit(reason)
	rung_changed.emit("", reason)


# Closes a connection whose hello is unanswered; it may be answered yet, where nobody listens.
func _give_up_hello() -> void:
	if not _transport:
		return
	_doubt_until = now + DOUBT_S
	_transport.close()
	_transport = null


# Lets go of all connections; the session stays.
func _drop() -> void:
	_way = SoireeWay.NONE
	if _ladder:
		_ladder.stop()
	_ladder = null
	if _former:
		_former.close()
	_former = null
	if not connected:
		_give_up_hello()
	if _transport:
		_transport.close()
	_transport = null
	session.detach()
	connected = false


func _finish(reason: String, message: String) -> void:
	if is_closed:
		return
	is_closed = true
	_drop()
	rung = ""
	closed.emit(reason, message)


func _heard(stream: int, bytes: PackedByteArray) -> void:
	_last_heard = now
	down.add(bytes.size(), now)
	if stream == SoireeTransport.CONTROL:
		_control(bytes)
	elif connected:
		_frame(bytes)


func _control(bytes: PackedByteArray) -> void:
	var decoded := SoireeMessages.decode(bytes)
	if decoded.failure:
		malformed += 1
		_lost("malformed", decoded.failure)
		return
	var message := decoded.message
	match message.type:
		"welcome":
			_welcomed(message)
		"error":
			_lost(message.code, message.message)
		"bye":
			_finish(message.reason if message.reason else "bye", "the relay ended the session")
		_:
			_numbered(message)


func _numbered(message: Dictionary) -> void:
	if not connected:
		_lost("protocol", "%s before the welcome" % message.type)
		return
	match session.receive(message.n):
		SoireeSession.SoireeReceipt.APPLY:
			if message.type != null:
				received.emit(message)
		SoireeSession.SoireeReceipt.GAP:
			_lost("protocol", "message %d came after %d" % [message.n, session.applied])


func _welcomed(welcome: Dictionary) -> void:
	var resumed := session.established
	if connected:
		_lost("protocol", "a second welcome")
	elif welcome.version[0] != SoireeMessages.VERSION[0]:
		_lost("version", "the relay speaks version %s" % [welcome.version])
	elif resumed and welcome.fresh:
		_finish("session-gone", "the relay has forgotten the session")
	elif not session.carry(welcome.applied):
		# It would say the same on every connection.
		_finish("protocol", "the relay lost count of the messages")
	else:
		connected = true
		_up = true
		_ladder.confirm()
		if _former:
			_former.close()
		_former = null
		_gate.entered = true
		clock.on_welcome(welcome.tick, now)
		welcomed.emit(welcome, resumed)
		# The engine does not tell which way WebRTC found.
		rung = _transport.kind
		rung_changed.emit(rung, why)


func _frame(bytes: PackedByteArray) -> void:
	var frame := SoireeStateFrames.decode(bytes)
	if frame.failure:
		malformed += 1
		return
	match frame.type:
		SoireeStateFrames.PING:
			clock.on_ping(frame.tick, frame.relay_us, frame.rtt_us, now)
			var pong := SoireeStateFrames.encode_pong(frame.seq, frame.relay_us, Time.get_ticks_usec())
			_put(SoireeTransport.STATE, pong, true)
		SoireeStateFrames.STATE:
			session.acknowledge(frame.control_applied)
			if frame.ack_seq >= 0:
				replication.acknowledge(frame.ack_seq, frame.ack_mask)
			if received_frames.add(frame.seq) and frame.records:
				state_received.emit(frame)
		SoireeStateFrames.DATA:
			data_received.emit(frame.peer, frame.bytes)


# Gives up a connection that is silent. After a sleep what has come lies unread: silence counts only
# for one who was listening.
func _watch() -> void:
	_excused = now - _last_poll > 2.0 and not _excused
	_last_poll = now
	if not _transport or _excused or is_closed:
		return
	if not connected and now - _hello_at > WELCOME_S:
		_lost("timeout", "no welcome came")
	elif connected and now - _last_heard > SILENCE_S:
		_lost("timeout", "the relay is silent")


func _say_bye() -> void:
	if not connected or _said_bye:
		return
	pump()
	_said_bye = true
	_put(SoireeTransport.CONTROL, SoireeMessages.encode({"type": "bye", "n": 0, "reason": _leave_reason}))


# Closed from here, what has not gone out yet would be lost: the relay hangs up, within its time.
func _leaving() -> void:
	_say_bye()
	if now >= _leave_by or (not session.established and not _said_bye):
		_finish("bye", "left")
