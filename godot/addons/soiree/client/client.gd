class_name SoireeClient
extends RefCounted
## A stay in a room: peers, entities, commands, events and data, without nodes. [SoireeRoom] is made
## of one, and so can be anything else that speaks through a relay.
##
## It works by itself, once in each frame of the scene tree, from [method join] until [signal closed]:
## [codeblock]
## var client := SoireeClient.new()
## var trouble := await client.join("https://party.example/r/abcd", "Ann")
## if not trouble:
##     client.send("hello".to_utf8_buffer())
## [/codeblock]

## We are in, and know our [member peer_id].
signal joined
## The connection is gone; it is being replaced. Commands wait.
signal reconnecting(reason: String)
signal resumed
## It is over, for good, or never began: a reason of docs/PROTOCOL.md section 9 or 1.1, and words.
signal closed(reason: String, message: String)
## The way that packets go: [code]webrtc[/code], [code]websocket[/code], empty while there is none; and
## what keeps from a better one.
signal rung_changed(rung: String, why: String)
signal peer_joined(peer: SoireePeer)
## Their connection is gone, or back: see [member SoireePeer.away].
signal peer_away(peer: SoireePeer)
signal peer_left(peer: SoireePeer, reason: String)
signal spawned(replica: SoireeReplica)
## It is gone, or out of sight ([code]sight[/code]).
signal despawned(replica: SoireeReplica, reason: String)
signal owner_changed(replica: SoireeReplica, previous: int, cause: String)
## Its [code]rule[/code], [code]master[/code], [code]lifetime[/code], [code]attach_rule[/code],
## [code]properties[/code] or [code]parent[/code] (an id) is another now.
signal changed(replica: SoireeReplica, what: String, previous: Variant)
## Somebody asks for something of which we are the master.
signal asked(ask: SoireeAsk)
## The relay did not take what we told of it, unasked.
signal refused(replica: SoireeReplica, reason: String)
signal event_received(from: int, name: String, payload: Variant, replica: SoireeReplica)
signal data_received(from: int, bytes: PackedByteArray, reliable: bool)

const SoireeCommands := preload("commands.gd")
const SoireeGate := preload("gate.gd")
const SoireeGroup := preload("group.gd")
const SoireeLink := preload("link.gd")
const SoireePace := preload("pace.gd")
const SoireePlaced := preload("../wire/placed.gd")
const SoireeRecords := preload("../wire/records.gd")
const SoireeSections := preload("../wire/sections.gd")
const SoireeStateFrames := preload("../wire/state.gd")
const SoireeWorld := preload("world.gd")

## How often one's own state goes up at most; set it before joining.
var send_hz := 20.0
## [code]auto[/code], [code]webrtc[/code] or [code]websocket[/code]; set it before joining.
var transport := "auto"
## Proves who made the room; set it before joining.
var host_key := ""
## Signed: who keeps it and joins with it gets back what it mastered for good.
var identity := ""
## [code]id[/code], [code]code[/code], [code]name[/code] and [code]max_speed_m_s[/code] of the room.
var room := {"id": "", "code": "", "name": "", "max_speed_m_s": 0.0}
var is_host := false

var _name := ""
var _gate: SoireeGate = null
var _link: SoireeLink = null
var _commands := SoireeCommands.new()
var _world: SoireeWorld
# Of entities that we move.
var _paces := {}
var _reconnecting := false
# What the group that is being applied has to tell: told when all of it is applied.
var _held: Array = []
var _is_holding := false
var _pump_queued := false

## Our own id in the room, 0 before we are in.
var peer_id: int:
	get:
		return _world.peer_id
## Id to [SoireePeer]: everybody in the room, ourselves included.
var peers: Dictionary:
	get:
		return _world.peers
## Id to [SoireeReplica].
var replicas: Dictionary:
	get:
		return _world.replicas
var is_connected_to_room: bool:
	get:
		return _link != null and _link.connected


func _init() -> void:
	_world = SoireeWorld.new(_tell)
	_world.client = weakref(self)


func _notification(what: int) -> void:
	if what == NOTIFICATION_PREDELETE:
		_world.clear()


## Splits a link such as [code]https://party.example/r/abcd[/code] into address and code.
static func parse_link(link: String) -> PackedStringArray:
	var found := RegEx.create_from_string("^(https?://.+?)/r/([^/?#]+)").search(link.strip_edges())
	return PackedStringArray([found.get_string(1), found.get_string(2)]) if found else PackedStringArray()


## Goes into a room, by its link, or by the server's address and the room's id or code. Empty when we
## are in, else the code of why not, such as [code]room-full[/code]; [signal closed] tells it in words.
func join(link_or_url: String, player_name: String, code := "", password := "") -> String:
	if _link:
		return "already-joined"
	var parts := PackedStringArray([link_or_url, code]) if code else parse_link(link_or_url)
	if parts.is_empty():
		closed.emit("invalid", "%s is no link to a room" % link_or_url)
		return "invalid"
	_name = player_name
	_gate = SoireeGate.new(parts[0], parts[1], player_name, password, identity, host_key, transport)
	_link = SoireeLink.new(_gate, send_hz)
	_link.welcomed.connect(_on_welcomed)
	_link.received.connect(_on_received)
	_link.state_received.connect(_on_state_received)
	_link.data_received.connect(_on_data_received)
	_link.lost.connect(_on_lost)
	_link.closed.connect(_on_closed)
	_link.rung_changed.connect(_on_rung_changed)
	_link.start()
	(Engine.get_main_loop() as SceneTree).process_frame.connect(poll)
	return await entered


# Tells join() how it went.
signal entered(trouble: String)


## Lets it work; called by itself once in each frame.
func poll() -> void:
	if _link and not _link.is_closed:
		_world.relay_s = relay_s(SoireeLink.clock_now())
		_link.poll()


## Leaves for good; nothing waits for our return. [signal closed] follows, within a second.
func leave() -> void:
	if _link:
		_link.leave("leave")


## Leaves without waiting until the relay has heard of it, as when the program ends.
func leave_now() -> void:
	if _link:
		_link.farewell("leave")


## Makes an entity, with a transform in the world, or in [param vehicle]. Options: [code]velocity[/code],
## [code]upright[/code], [code]rule[/code], [code]lifetime[/code], [code]properties[/code],
## [code]attach_rule[/code], [code]relevance[/code], [code]condition[/code] ([id, epoch]: refused unless
## we own that entity at that epoch), [code]pose[/code] (see [method SoireeReplica.pose_record]),
## [code]props[/code]. The answer is a [SoireeReplica] of ours, or a text that says why not.
func spawn(
	kind: String, x: float, y: float, z: float, rotation: Quaternion, options := {}, vehicle: SoireeReplica = null
) -> Variant:
	var message := spawn_message(kind, x, y, z, rotation, options, vehicle != null)
	if message.is_empty():
		return "state"
	message.parent = vehicle.id if vehicle else 0
	var answer := await command(message)
	if answer.type == "refused":
		return answer.reason
	return replicas.get(answer.entity, "unknown-entity")


## Several commands as one: nobody sees what lies between them. See [code]group.gd[/code].
func group() -> SoireeGroup:
	return SoireeGroup.new(self)


## Tells everybody (ourselves too), one peer, or (−n) all but peer n; reliably, in order. Empty, or why not.
func send_event(event: String, payload: Variant = null, to := 0, about: SoireeReplica = null) -> String:
	var answer := await command(
		{"type": "send_event", "name": event, "payload": payload, "to": to, "entity": about.id if about else 0}
	)
	return answer.reason if answer.type == "refused" else ""


## Up to 1024 opaque bytes (12288 reliable ones), relayed unread, never to ourselves: to all others (0),
## a peer, or (−n) all others but n. False when unreliable bytes could not be sent now.
func send(bytes: PackedByteArray, to := 0, reliable := false) -> bool:
	if not reliable:
		return _link != null and _link.send_data(to, bytes)
	return _send({"type": "send_data", "to": to, "payload": bytes}) != 0


## Looks from here instead of from our avatar; radius 0: from the avatar again.
func set_view(x: float, y: float, z: float, radius_m: float) -> void:
	_send({"type": "view", "x": x, "y": y, "z": z, "radius_m": radius_m})


## Caps what is sent down to us, headers included; 0: as much as seems to pass.
func set_budget(kbit_s: int) -> void:
	_send({"type": "budget", "kbit_s": kbit_s})


## Sends a command of docs/PROTOCOL.md section 4 and waits for its answer: a message as a dictionary.
func command(message: Dictionary) -> Dictionary:
	var n := _send(message)
	if n == 0:
		return SoireeCommands.refusal(_link.session.failure if _link else "closed", message.get("entity", 0))
	return (await _commands.answers_to(n, 1))[0]


## Sends commands as one message; their answers, one for each, or one only when all were refused at once.
func command_group(messages: Array[Dictionary]) -> Array[Dictionary]:
	var n := _send({"type": "group", "messages": messages})
	if n == 0:
		return [SoireeCommands.refusal(_link.session.failure if _link else "closed")]
	return await _commands.answers_to(n, messages.size())


## The relay's clock in seconds of its ticks, at a local monotonic time.
func relay_s(now: float) -> float:
	return _link.clock.tick_at(now) / 60.0 if _link else 0.0


## Relay time in microseconds, as well as we know it: the same for everybody in the room.
func relay_time_us() -> float:
	return _link.clock.relay_us(SoireeLink.clock_now()) if _link else 0.0


## Figures for a status line. Rates are of the last seconds, without headers of IP, UDP or TCP.
func stats() -> Dictionary:
	if not _link:
		return {}
	var sent := _link.replication.frames_acked + _link.replication.frames_lost
	var expected := _link.received_frames.expected
	return {
		"rung": _link.rung,
		"why": _link.why,
		"rtt_ms": _link.clock.rtt_s * 1000.0,
		"loss_up": float(_link.replication.frames_lost) / sent if sent else 0.0,
		"loss_down": maxf(0.0, 1.0 - float(_link.received_frames.received) / expected) if expected else 0.0,
		"kbit_s_in": _link.down.kbit_s(_link.now),
		"kbit_s_out": _link.up.kbit_s(_link.now),
		"bytes_in": _link.down.bytes,
		"bytes_out": _link.up.bytes,
		"frames_in": _link.down.frames,
		"frames_out": _link.up.frames,
		"commands_waiting": _commands.size(),
		"unapplied": _link.session.waiting(),
		"records_ignored": _world.ignored,
		"malformed": _link.malformed,
	}


## For replicas: has a record of ours sent, [param away_m] from where it was before.
func send_record(record: RefCounted, away_m: float) -> void:
	var now := SoireeLink.clock_now()
	if (
		record.section != SoireeSections.CHILD
		and SoireeSections.SLOTS[record.section] == SoireeRecords.SoireeSlot.TRANSFORM
	):
		var pace: SoireePace = _paces.get(record.entity)
		if not pace:
			pace = SoireePace.new(_world.replicas[record.entity].fence[SoireeRecords.SoireeSlot.TRANSFORM])
			_paces[record.entity] = pace
		# The relay would refuse it, and others would never see where it went.
		if pace.step(away_m, _link.clock.tick_at(now), room.max_speed_m_s):
			record.age |= SoireeSections.TELEPORT
	_link.replication.set_record(record, _link.clock.date(now))
	_pump_soon()


## The command that makes an entity, without its parent; empty for a place that there is no way to tell.
static func spawn_message(
	kind: String, x: float, y: float, z: float, rotation: Quaternion, options: Dictionary, riding: bool
) -> Dictionary:
	var velocity: Vector3 = options.get("velocity", Vector3.ZERO)
	var upright: bool = options.get("upright", false)
	var record := SoireeReplica.transform_record(x, y, z, rotation, velocity, false, upright, riding)
	if not record:
		return {}
	var records: Array[RefCounted] = [record]
	if options.get("pose"):
		records.append(options.pose)
	if options.get("props"):
		var props := SoireeRecords.SoireeProps.new()
		props.bytes = options.props
		records.append(props)
	return {
		"type": "spawn",
		"kind": kind,
		"state": SoireePlaced.encode(records),
		"rule": options.get("rule", "ask"),
		"lifetime": options.get("lifetime", "with-master"),
		"properties": options.get("properties", {}),
		"attach_rule": options.get("attach_rule", "allow"),
		"condition": options.get("condition"),
		"relevance": options.get("relevance", "near"),
	}


func _send(message: Dictionary) -> int:
	var n := _link.send(message) if _link else 0
	_pump_soon()
	return n


func _pump_soon() -> void:
	if not _pump_queued:
		_pump_queued = true
		_pump.call_deferred()


func _pump() -> void:
	_pump_queued = false
	if _link and not _link.is_closed:
		_link.pump()


func _tell(what: String, arguments: Array) -> void:
	if _is_holding:
		_held.append([what, arguments])
	else:
		callv("emit_signal", [what] + arguments)


func _on_welcomed(welcome: Dictionary, was_resumed: bool) -> void:
	room = welcome.room
	is_host = welcome.host
	_world.peer_id = welcome.peer
	identity = str(_gate.admission.get("identity", identity))
	if not was_resumed:
		var me := SoireePeer.new()
		me.id = welcome.peer
		me.name = _name
		me.is_self = true
		_world.peers[welcome.peer] = me
		joined.emit()
		entered.emit("")
	elif _reconnecting:
		resumed.emit()
	_reconnecting = false


func _on_received(message: Dictionary) -> void:
	if message.type != "group":
		_take(message)
		return
	_is_holding = true
	for one: Dictionary in message.messages:
		if one.type != null:
			_take(one)
	_is_holding = false
	var held := _held
	_held = []
	for told: Array in held:
		_tell(told[0], told[1])


func _take(message: Dictionary) -> void:
	_world.apply(message)
	match message.type:
		"ask":
			var replica: SoireeReplica = replicas.get(message.entity)
			var peer: SoireePeer = peers.get(message.peer)
			if replica and peer:
				_tell("asked", [SoireeAsk.new(self, replica, peer, message)])
		"granted":
			if message.owner != peer_id:
				_forget(message.entity)
		"despawned":
			_forget(message.entity)
		"parent_set":
			# What we sent of it before we heard of this, the relay drops, though it acknowledges the frames.
			_link.replication.forget_transform(message.entity)
			_paces.erase(message.entity)
			_link.replication.again(message.entity, SoireeRecords.SoireeSlot.POSE)
			_link.replication.again(message.entity, SoireeRecords.SoireeSlot.PROPS)
		"refused":
			if message.re == 0 and message.reason == "speed":
				_link.replication.again(message.entity, SoireeRecords.SoireeSlot.TRANSFORM)
	_commands.settle(message)


# It is ours no longer.
func _forget(entity: int) -> void:
	_link.replication.forget(entity)
	_paces.erase(entity)


func _on_state_received(frame: SoireeStateFrames.SoireeFrame) -> void:
	_world.relay_s = relay_s(_link.now)
	_world.apply_frame(frame)


func _on_data_received(from: int, bytes: PackedByteArray) -> void:
	data_received.emit(from, bytes, false)


func _on_lost(reason: String) -> void:
	_reconnecting = true
	reconnecting.emit(reason)


func _on_rung_changed(rung: String, why: String) -> void:
	rung_changed.emit(rung, why)


func _on_closed(reason: String, message: String) -> void:
	(Engine.get_main_loop() as SceneTree).process_frame.disconnect(poll)
	_commands.reject_all("closed")
	closed.emit(reason, message)
	if not _gate.entered:
		entered.emit(reason)
	_world.clear()
