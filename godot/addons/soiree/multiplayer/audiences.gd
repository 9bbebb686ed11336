extends RefCounted
## Which lists of peers the relay knows by a number (docs/PROTOCOL.md section 4.4). Pure.

const SoireeLimits := preload("../wire/limits.gd")

const FIRST := 0x80000000 - SoireeLimits.MAX_AUDIENCES


## One list that the relay has been told of.
class SoireeNamedAudience:
	extends RefCounted
	var number := 0
	var peers: PackedInt32Array = []
	var is_told := false
	## Whether the relay has said that it knows it: what is unreliable could come before.
	var is_known := false
	var used_at := 0

	func address() -> int:
		return FIRST + number


# By their peers.
var _by_peers := {}


## The audience of these, sorted; null when there are as many in use already.
func of(peers: PackedInt32Array, frame: int) -> SoireeNamedAudience:
	if peers.size() > SoireeLimits.MAX_AUDIENCE_PEERS:
		return null
	var found: SoireeNamedAudience = _by_peers.get(peers)
	if not found:
		found = _make(peers, frame)
	if found:
		found.used_at = frame
	return found


func _make(peers: PackedInt32Array, frame: int) -> SoireeNamedAudience:
	var made := SoireeNamedAudience.new()
	made.peers = peers
	made.number = _by_peers.size()
	if made.number >= SoireeLimits.MAX_AUDIENCES:
		var oldest: SoireeNamedAudience = _by_peers.values().reduce(
			func(a: SoireeNamedAudience, b: SoireeNamedAudience) -> SoireeNamedAudience:
				return a if a.used_at <= b.used_at else b
		)
		if oldest.used_at >= frame - 1:
			return null
		made.number = oldest.number
		_by_peers.erase(oldest.peers)
	_by_peers[peers] = made
	return made
