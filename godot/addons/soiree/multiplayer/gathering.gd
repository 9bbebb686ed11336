extends RefCounted
## What a game hands over within one frame: the same bytes for several are one entry with a list of targets. Pure.
##
## No target gets its packets in another order for it: an entry takes a target in only if nothing for that target came
## after it.

const SoireePackets := preload("packets.gd")


## One packet, and whom it is for.
class SoireeGathered:
	extends RefCounted
	var packet: SoireePackets.SoireeStagePacket
	## Ids in the room.
	var targets: PackedInt32Array = []


var _entries: Array[SoireeGathered] = []
# Packet's mode, channel and bytes to the index of its newest entry.
var _known := {}
# Target to the index of its newest entry.
var _last := {}


func is_empty() -> bool:
	return _entries.is_empty()


func add(packet: SoireePackets.SoireeStagePacket, targets: PackedInt32Array) -> void:
	var key := [packet.mode, packet.channel, packet.bytes]
	var index: int = _known.get(key, -1)
	for target in targets:
		if index < 0 or _last.get(target, -1) >= index:
			index = _entries.size()
			var entry := SoireeGathered.new()
			entry.packet = packet
			_entries.append(entry)
			_known[key] = index
		_entries[index].targets.append(target)
		_last[target] = index


## All entries, in order; it is empty then.
func drain() -> Array[SoireeGathered]:
	var entries := _entries
	for entry in entries:
		entry.targets.sort()
	_entries = []
	_known.clear()
	_last.clear()
	return entries
