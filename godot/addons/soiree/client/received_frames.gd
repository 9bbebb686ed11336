extends RefCounted
## Which STATE frames of the other side have come: the newest number and a mask of the 32 before it
## (docs/PROTOCOL.md section 5.1).

const WINDOW := 32

## Number of the newest, −1 before any has come.
var newest := -1
var mask := 0
## Frames that came.
var received := 0
## Frames that were sent, as far as the numbers tell.
var expected := 0


## How far a is ahead of b, both modulo 2¹⁶: −32768…32767.
static func ahead16(a: int, b: int) -> int:
	return ((a - b + 0x8000) & 0xffff) - 0x8000


## The numbers that an acknowledgement says have come, newest first.
static func acknowledged(ack_seq: int, ack_mask: int) -> PackedInt32Array:
	var numbers := PackedInt32Array([ack_seq])
	for bit in WINDOW:
		if (ack_mask >> bit) & 1:
			numbers.append((ack_seq - 1 - bit) & 0xffff)
	return numbers


## False for a number that came before, or is too old to tell.
func add(seq: int) -> bool:
	if newest < 0:
		newest = seq
		expected = 1
		received = 1
		return true
	var ahead := ahead16(seq, newest)
	if ahead > 0:
		mask = 0 if ahead > WINDOW else ((mask << ahead) | (1 << (ahead - 1))) & 0xffffffff
		newest = seq
		expected += ahead
		received += 1
		return true
	var bit := -ahead - 1
	if ahead == 0 or bit >= WINDOW or (mask >> bit) & 1:
		return false
	mask |= 1 << bit
	received += 1
	return true
