class_name SoireeMultiplayerPeer
extends MultiplayerPeerExtension
## Godot's high-level multiplayer through a room: one of those who are in it is the host, peer 1, and nobody needs to
## reach anybody but the relay.
##
## One line of a game with a server changes:
## [codeblock]
## multiplayer.multiplayer_peer = await SoireeMultiplayerPeer.join("https://party.example/r/abcd")
## [/codeblock]
## Who comes first is the host. What a peer says to several within a frame goes up once, and the relay hands it out.

## With [code]host_migration[/code]: the host has left, and the room has another. Give [param next] to the multiplayer
## API to play on; this peer is disconnected then. Ids stay, but for the new host's, which is 1.
signal host_migrated(next: SoireeMultiplayerPeer)

const SoireeArrivals := preload("arrivals.gd")
const SoireeAudiences := preload("audiences.gd")
const SoireeEnginePackets := preload("engine_packets.gd")
const SoireeGathering := preload("gathering.gd")
const SoireeLimits := preload("../wire/limits.gd")
const SoireePackets := preload("packets.gd")
const SoireeSeat := preload("seat.gd")

## How long one waits for the host to let one in.
const JOIN_TIMEOUT_S := 10.0
## How long one whose connection is gone is waited for.
const AWAY_TIMEOUT_S := 10.0
## Packets that wait for the game to take them; a game that takes none for so long loses its connection.
const MAX_INCOMING := 65536

## Why the last [method join] failed: a reason of docs/PROTOCOL.md section 9 or 1.1.
static var failure := ""

## The stay in the room: statistics, chat, entities. Null once we have left it.
var client: SoireeClient

var _seat: SoireeSeat
var _id := 0
# The host's id in the room.
var _host := 0
var _status := CONNECTION_CONNECTING
# Those connected with us, by their id in the room: of a host its clients, of a client the others that it may reach.
var _others := {}
# When those whose connection is gone are given up, by their id.
var _away := {}
var _waits_until := INF
var _refuses := false
var _target := 0
var _mode := TRANSFER_MODE_RELIABLE
var _channel := 0
# What the engine has not heard of yet: packets, and what happened between them, in order.
var _incoming: Array = []
var _arrivals := {}
var _outgoing := SoireeGathering.new()
var _audiences := SoireeAudiences.new()
var _flush_queued := false
var _seq := 0
var _long_packets := 0
var _sync_count := 0
var _synced_at := -1


## Something that happened to us or to one we know.
class SoireeHappening:
	extends RefCounted
	enum SoireeWhat { CONNECTED, DISCONNECTED, OVER }
	var what: SoireeWhat
	var peer := 0

	func _init(what_happened: SoireeWhat, to_whom := 0) -> void:
		what = what_happened
		peer = to_whom


## A packet for the engine.
class SoireeArrived:
	extends RefCounted
	var from := 0
	var packet: SoireePackets.SoireeStagePacket


## Goes into a room, by its link, or by the server's address and the room's code. Options: [code]name[/code],
## [code]password[/code], [code]transport[/code] (see [member SoireeClient.transport]) and [code]host_migration[/code],
## which counts when one becomes the host. Null when there is no way in: then [member failure] says why.
static func join(link_or_url: String, code := "", options := {}) -> SoireeMultiplayerPeer:
	var stay := SoireeClient.new()
	stay.transport = options.get("transport", "auto")
	failure = await stay.join(link_or_url, options.get("name", "Player"), code, options.get("password", ""))
	if failure:
		return null
	var seat := SoireeSeat.new(stay, options.get("host_migration", false))
	failure = await seat.settle()
	if failure:
		stay.leave()
		return null
	return SoireeMultiplayerPeer.new(stay, seat)


func _init(stay: SoireeClient = null, seat: SoireeSeat = null) -> void:
	if not stay:
		return
	client = stay
	_seat = seat
	_host = seat.host
	client.data_received.connect(_on_data)
	client.peer_left.connect(_on_left)
	client.peer_away.connect(_on_away)
	client.closed.connect(_on_closed)
	seat.host_changed.connect(_on_host_changed)
	if _host == client.peer_id:
		_id = 1
		_status = CONNECTION_CONNECTED
	else:
		_id = client.peer_id
		_waits_until = _now() + JOIN_TIMEOUT_S
		_tell(_host, SoireePackets.SoireeKind.JOIN)


## Whether we are peer 1.
func is_host() -> bool:
	return _id == 1


func _now() -> float:
	return Time.get_ticks_msec() / 1000.0


# The engine's side


func _get_unique_id() -> int:
	return _id


func _get_connection_status() -> ConnectionStatus:
	return _status


func _is_server() -> bool:
	return _id == 1


func _is_server_relay_supported() -> bool:
	return true


func _is_refusing_new_connections() -> bool:
	return _refuses


func _set_refuse_new_connections(enable: bool) -> void:
	_refuses = enable


func _get_max_packet_size() -> int:
	return SoireePackets.MAX_PACKET_BYTES


func _set_target_peer(peer: int) -> void:
	_target = peer


func _set_transfer_mode(mode: TransferMode) -> void:
	_mode = mode


func _get_transfer_mode() -> TransferMode:
	return _mode


func _set_transfer_channel(channel: int) -> void:
	_channel = channel


func _get_transfer_channel() -> int:
	return _channel


func _get_available_packet_count() -> int:
	var count := 0
	while count < _incoming.size() and _incoming[count] is SoireeArrived:
		count += 1
	return count


func _get_packet_peer() -> int:
	return (_incoming[0] as SoireeArrived).from if _get_available_packet_count() else 0


func _get_packet_mode() -> TransferMode:
	return (_incoming[0] as SoireeArrived).packet.mode if _get_available_packet_count() else TRANSFER_MODE_RELIABLE


func _get_packet_channel() -> int:
	return (_incoming[0] as SoireeArrived).packet.channel if _get_available_packet_count() else 0


func _get_packet_script() -> PackedByteArray:
	return (_incoming.pop_front() as SoireeArrived).packet.bytes if _get_available_packet_count() else PackedByteArray()


func _put_packet_script(bytes: PackedByteArray) -> Error:
	if _status != CONNECTION_CONNECTED:
		return ERR_UNCONFIGURED
	if bytes.is_empty() or bytes.size() > SoireePackets.MAX_PACKET_BYTES or _channel > SoireePackets.MAX_CHANNEL:
		push_error("Soiree: a packet of %d bytes on channel %d" % [bytes.size(), _channel])
		return ERR_INVALID_PARAMETER
	var packet := SoireePackets.SoireeStagePacket.new()
	packet.mode = _mode
	packet.channel = _channel
	packet.bytes = bytes
	var to := _target
	if _id != 1 and SoireeEnginePackets.is_relay(bytes):
		to = SoireeEnginePackets.destination(bytes)
		packet.bytes = SoireeEnginePackets.inner(bytes)
	elif _id != 1:
		to = 1
	packet.bytes = SoireeEnginePackets.with_count(packet.bytes, _count_of_frame(packet.bytes))
	var targets := _targets(to)
	if targets:
		_outgoing.add(packet, targets)
		_flush_soon()
	return OK


func _poll() -> void:
	if client:
		_give_up()
	while _incoming and _incoming[0] is SoireeHappening:
		var event: SoireeHappening = _incoming.pop_front()
		match event.what:
			SoireeHappening.SoireeWhat.CONNECTED:
				if event.peer == 1:
					_status = CONNECTION_CONNECTED
				peer_connected.emit(event.peer)
			SoireeHappening.SoireeWhat.DISCONNECTED:
				peer_disconnected.emit(event.peer)
			SoireeHappening.SoireeWhat.OVER:
				_status = CONNECTION_DISCONNECTED


func _disconnect_peer(peer: int, force: bool) -> void:
	if _id != 1:
		if peer == 1:
			_close()
		return
	if _others.has(peer):
		_flush()
		_tell(peer, SoireePackets.SoireeKind.BYE)
		_forget(peer)
		if not force:
			_incoming.append(SoireeHappening.new(SoireeHappening.SoireeWhat.DISCONNECTED, peer))


func _close() -> void:
	if not client:
		return
	_flush()
	for peer: int in _others.keys() if _id == 1 else [_host]:
		_tell(peer, SoireePackets.SoireeKind.BYE)
	_status = CONNECTION_DISCONNECTED
	_incoming.clear()
	_others.clear()
	_let_go(true)


# Going up


# What a client counts as everybody is what the host has told it of, and the host.
func _targets(to: int) -> PackedInt32Array:
	var all: Array = _others.keys() if _id == 1 else [_host] + _others.keys()
	if to == 0:
		return PackedInt32Array(all)
	var peer := _host if absi(to) == 1 else absi(to)
	if to > 0:
		return PackedInt32Array([peer] if peer in all else [])
	return PackedInt32Array(all.filter(func(one: int) -> bool: return one != peer))


func _count_of_frame(bytes: PackedByteArray) -> int:
	var frame := Engine.get_process_frames()
	if bytes[0] == SoireeEnginePackets.SYNC and frame != _synced_at:
		_synced_at = frame
		_sync_count += 1
	return _sync_count


func _flush_soon() -> void:
	if not _flush_queued:
		_flush_queued = true
		_flush.call_deferred()


# What goes to the same targets, next to each other, goes in one message.
func _flush() -> void:
	_flush_queued = false
	if not client:
		return
	var run: Array[SoireePackets.SoireeStagePacket] = []
	var targets: PackedInt32Array = []
	var reliable := true
	for entry: SoireeGathering.SoireeGathered in _outgoing.drain():
		var is_reliable := SoireePackets.is_reliable(entry.packet)
		if run and (entry.targets != targets or is_reliable != reliable):
			_send(run, targets, reliable)
			run = []
		targets = entry.targets
		reliable = is_reliable
		run.append(entry.packet)
	if run:
		_send(run, targets, reliable)


func _send(packets: Array[SoireePackets.SoireeStagePacket], targets: PackedInt32Array, reliable: bool) -> void:
	var most := SoireeLimits.MAX_RELIABLE_DATA_BYTES if reliable else SoireeLimits.MAX_DATA_BYTES
	_seq += 1
	var messages := SoireePackets.pack(packets, most, _seq, _long_packets)
	_long_packets += packets.size()
	for address in _addresses(targets, reliable):
		for message in messages:
			client.send(message, address, reliable)


func _addresses(targets: PackedInt32Array, reliable: bool) -> PackedInt32Array:
	if targets.size() == 1:
		return targets
	var audience := _audiences.of(targets, Engine.get_process_frames())
	if not audience:
		return targets
	if not audience.is_told:
		audience.is_told = true
		_name(audience)
	# What is unreliable could come before the name of the list.
	return PackedInt32Array([audience.address()]) if reliable or audience.is_known else targets


func _name(audience: SoireeAudiences.SoireeNamedAudience) -> void:
	var answer := await client.command(
		{"type": "set_audience", "audience": audience.number, "peers": Array(audience.peers)}
	)
	audience.is_known = answer.type == "done"


func _tell(peer: int, kind: SoireePackets.SoireeKind) -> void:
	client.send(SoireePackets.plain(kind), peer, true)


# Coming down


func _on_data(from: int, message: PackedByteArray, reliable: bool) -> void:
	match SoireePackets.kind_of(message):
		SoireePackets.SoireeKind.JOIN:
			if reliable and _id == 1:
				_let_in(from, message[1])
		SoireePackets.SoireeKind.WELCOME:
			if reliable and from == _host and _status == CONNECTION_CONNECTING:
				_others.clear()
				_waits_until = INF
				_status = CONNECTION_CONNECTED
				_incoming.append(SoireeHappening.new(SoireeHappening.SoireeWhat.CONNECTED, 1))
		SoireePackets.SoireeKind.REFUSED, SoireePackets.SoireeKind.BYE:
			if reliable and (from == _host or _id == 1):
				_lose(from)
		SoireePackets.SoireeKind.PACKETS, SoireePackets.SoireeKind.PART:
			_take(from, message, reliable)


func _let_in(peer: int, version: int) -> void:
	if _refuses or version != SoireePackets.VERSION:
		_tell(peer, SoireePackets.SoireeKind.REFUSED)
		return
	if _others.has(peer):
		_lose(peer)
	_others[peer] = true
	_tell(peer, SoireePackets.SoireeKind.WELCOME)
	_incoming.append(SoireeHappening.new(SoireeHappening.SoireeWhat.CONNECTED, peer))


func _take(from: int, message: PackedByteArray, reliable: bool) -> void:
	var is_known := _others.has(from) or (from == _host and _id != 1)
	if _status != CONNECTION_CONNECTED or not is_known:
		if reliable and _id == 1 and _status == CONNECTION_CONNECTED:
			_tell(from, SoireePackets.SoireeKind.BYE)
		return
	if _incoming.size() >= MAX_INCOMING:
		_end()
		return
	var arrivals: SoireeArrivals = _arrivals.get_or_add(from, SoireeArrivals.new())
	for packet in arrivals.take(message):
		if _id == 1 or from == _host or not SoireeEnginePackets.is_sys(packet.bytes):
			_hand_over(from, packet)


func _hand_over(from: int, packet: SoireePackets.SoireeStagePacket) -> void:
	var incoming := SoireeArrived.new()
	incoming.from = from if _id == 1 else 1
	incoming.packet = packet
	if _id != 1 and from != _host:
		packet.bytes = SoireeEnginePackets.relayed(from, packet.bytes)
	elif _id != 1:
		var come := SoireeEnginePackets.told_of(packet.bytes, SoireeEnginePackets.ADD_PEER)
		var gone := SoireeEnginePackets.told_of(packet.bytes, SoireeEnginePackets.DEL_PEER)
		if come:
			_others[come] = true
		_forget(gone)
	_incoming.append(incoming)


# Who goes


func _on_away(peer: SoireePeer) -> void:
	if peer.away:
		_away[peer.id] = _now() + AWAY_TIMEOUT_S
	else:
		_away.erase(peer.id)


func _give_up() -> void:
	if _now() > _waits_until:
		_end()
		return
	for peer: int in _away.keys():
		if client and _now() > _away[peer] and (_others.has(peer) or peer == _host):
			_away.erase(peer)
			_tell(peer, SoireePackets.SoireeKind.BYE)
			_lose(peer)


func _lose(peer: int) -> void:
	if peer == _host and _id != 1 and not _seat.migrates:
		_end()
	elif _id == 1 and _others.has(peer):
		_forget(peer)
		_incoming.append(SoireeHappening.new(SoireeHappening.SoireeWhat.DISCONNECTED, peer))


func _forget(peer: int) -> void:
	_others.erase(peer)
	_arrivals.erase(peer)


# The engine is told in order, after what came before.
func _end(leaves := true) -> void:
	_waits_until = INF
	_others.clear()
	_incoming.append(SoireeHappening.new(SoireeHappening.SoireeWhat.OVER))
	_let_go(leaves)


func _let_go(leaves: bool) -> void:
	if not client:
		return
	client.data_received.disconnect(_on_data)
	client.peer_left.disconnect(_on_left)
	client.peer_away.disconnect(_on_away)
	client.closed.disconnect(_on_closed)
	_seat.host_changed.disconnect(_on_host_changed)
	if leaves:
		client.leave()
	client = null


func _on_left(peer: SoireePeer, _reason: String) -> void:
	_lose(peer.id)


func _on_closed(_reason: String, _message: String) -> void:
	_end()


func _on_host_changed(host: int) -> void:
	var stay := client
	_end(host == 0)
	if host:
		host_migrated.emit(SoireeMultiplayerPeer.new(stay, _seat))
