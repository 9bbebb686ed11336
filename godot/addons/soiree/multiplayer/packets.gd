extends RefCounted
## What players say to each other through a room, as bytes (docs/PROTOCOL.md section 12). Pure.

enum SoireeKind { JOIN, WELCOME, REFUSED, BYE, PACKETS, PART }

const VERSION := 1
## Largest packet of a game, bytes.
const MAX_PACKET_BYTES := 256 * 1024
## Highest transfer channel.
const MAX_CHANNEL := 63
const MAX_PARTS := 0xffff
const HEADER_BYTES := 3
const PACKET_HEADER_BYTES := 3
const PART_HEADER_BYTES := 10


## One packet of a game.
class SoireeStagePacket:
	extends RefCounted
	var mode := MultiplayerPeer.TRANSFER_MODE_RELIABLE
	var channel := 0
	var bytes := PackedByteArray()


## One part of a packet that is too long for a message.
class SoireeStagePart:
	extends RefCounted
	## Counts the sender's long packets.
	var id := 0
	var index := 0
	var count := 0
	var packet := SoireeStagePacket.new()


## A message without content.
static func plain(kind: SoireeKind) -> PackedByteArray:
	return PackedByteArray([kind, VERSION])


static func is_reliable(packet: SoireeStagePacket) -> bool:
	return packet.mode == MultiplayerPeer.TRANSFER_MODE_RELIABLE


## Packets as messages of at most [param most] bytes; [param seq] counts messages, [param id] long packets.
static func pack(packets: Array[SoireeStagePacket], most: int, seq: int, id: int) -> Array[PackedByteArray]:
	var messages: Array[PackedByteArray] = []
	var open := PackedByteArray()
	for packet: SoireeStagePacket in packets:
		var size := packet.bytes.size()
		if HEADER_BYTES + PACKET_HEADER_BYTES + size > most:
			if open:
				messages.append(open)
				open = PackedByteArray()
			messages.append_array(_parts(packet, most, seq, id))
			id += 1
			continue
		if open and open.size() + PACKET_HEADER_BYTES + size > most:
			messages.append(open)
			open = PackedByteArray()
		if open.is_empty():
			open = _header(SoireeKind.PACKETS, HEADER_BYTES, seq)
		var at := open.size()
		open.resize(at + PACKET_HEADER_BYTES)
		open[at] = packet.mode | packet.channel << 2
		open.encode_u16(at + 1, size)
		open.append_array(packet.bytes)
	if open:
		messages.append(open)
	return messages


static func _parts(packet: SoireeStagePacket, most: int, seq: int, id: int) -> Array[PackedByteArray]:
	var room := most - PART_HEADER_BYTES
	var count := ceili(packet.bytes.size() / float(room))
	var parts: Array[PackedByteArray] = []
	for index in count:
		var part := _header(SoireeKind.PART, PART_HEADER_BYTES, seq)
		part.encode_u16(3, id & 0xffff)
		part.encode_u16(5, index)
		part.encode_u16(7, count)
		part[9] = packet.mode | packet.channel << 2
		part.append_array(packet.bytes.slice(index * room, (index + 1) * room))
		parts.append(part)
	return parts


static func _header(kind: SoireeKind, size: int, seq: int) -> PackedByteArray:
	var header := PackedByteArray()
	header.resize(size)
	header[0] = kind
	header.encode_u16(1, seq & 0xffff)
	return header


## What kind a message is; −1 for none.
static func kind_of(message: PackedByteArray) -> int:
	return message[0] if message.size() >= 2 and message[0] <= SoireeKind.PART else -1


## The sender's count of messages, modulo 65536.
static func seq_of(message: PackedByteArray) -> int:
	return message.decode_u16(1) if message.size() >= HEADER_BYTES else 0


## The packets of a message; none when it cannot be read to its end.
static func unpack(message: PackedByteArray) -> Array[SoireeStagePacket]:
	var packets: Array[SoireeStagePacket] = []
	var at := HEADER_BYTES
	while at < message.size():
		if at + PACKET_HEADER_BYTES > message.size():
			return []
		var size := message.decode_u16(at + 1)
		var end := at + PACKET_HEADER_BYTES + size
		if size == 0 or end > message.size() or message[at] & 3 > MultiplayerPeer.TRANSFER_MODE_RELIABLE:
			return []
		packets.append(_packet(message[at], message.slice(at + PACKET_HEADER_BYTES, end)))
		at = end
	return packets


## A part; null when it is none.
static func unpack_part(message: PackedByteArray) -> SoireeStagePart:
	if message.size() <= PART_HEADER_BYTES or message[9] & 3 > MultiplayerPeer.TRANSFER_MODE_RELIABLE:
		return null
	var part := SoireeStagePart.new()
	part.id = message.decode_u16(3)
	part.index = message.decode_u16(5)
	part.count = message.decode_u16(7)
	part.packet = _packet(message[9], message.slice(PART_HEADER_BYTES))
	return part if part.index < part.count else null


static func _packet(flags: int, bytes: PackedByteArray) -> SoireeStagePacket:
	var packet := SoireeStagePacket.new()
	packet.mode = (flags & 3) as MultiplayerPeer.TransferMode
	packet.channel = flags >> 2
	packet.bytes = bytes
	return packet
