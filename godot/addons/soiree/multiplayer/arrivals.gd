extends RefCounted
## What one player's messages become: packets, in an order that holds what their transfer mode promises. Pure.

const SoireePackets := preload("packets.gd")

## Long packets of one sender that may be incomplete at a time; of more the oldest is given up.
const MAX_OPEN := 4

# Channel to the count of the newest message of which an ordered packet was taken.
var _newest := {}
# Id to {count, parts: index to bytes, size}.
var _open := {}


## The packets that a message completes.
func take(message: PackedByteArray) -> Array[SoireePackets.SoireeStagePacket]:
	var packets: Array[SoireePackets.SoireeStagePacket] = []
	if SoireePackets.kind_of(message) == SoireePackets.SoireeKind.PACKETS:
		packets = SoireePackets.unpack(message)
	elif SoireePackets.kind_of(message) == SoireePackets.SoireeKind.PART:
		var whole := _complete(SoireePackets.unpack_part(message))
		if whole:
			packets.append(whole)
	var seq := SoireePackets.seq_of(message)
	return packets.filter(func(packet: SoireePackets.SoireeStagePacket) -> bool: return _is_in_order(packet, seq))


func _is_in_order(packet: SoireePackets.SoireeStagePacket, seq: int) -> bool:
	if packet.mode != MultiplayerPeer.TRANSFER_MODE_UNRELIABLE_ORDERED:
		return true
	var behind: int = (_newest.get(packet.channel, seq) - seq) & 0xffff
	if behind != 0 and behind < 0x8000:
		return false
	_newest[packet.channel] = seq
	return true


func _complete(part: SoireePackets.SoireeStagePart) -> SoireePackets.SoireeStagePacket:
	if not part:
		return null
	if not _open.has(part.id) or _open[part.id].count != part.count:
		_open.erase(part.id)
		if _open.size() >= MAX_OPEN:
			_open.erase(_open.keys()[0])
		_open[part.id] = {"count": part.count, "parts": {}, "size": 0}
	var open: Dictionary = _open[part.id]
	if not open.parts.has(part.index):
		open.parts[part.index] = part.packet.bytes
		open.size += part.packet.bytes.size()
	if open.size > SoireePackets.MAX_PACKET_BYTES:
		_open.erase(part.id)
		return null
	if open.parts.size() < part.count:
		return null
	_open.erase(part.id)
	var whole := PackedByteArray()
	for index: int in part.count:
		whole.append_array(open.parts[index])
	part.packet.bytes = whole
	return part.packet
