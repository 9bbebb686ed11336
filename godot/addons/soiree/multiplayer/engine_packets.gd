extends RefCounted
## The little that must be read of the engine's own packets: those by which a server passes on what its clients say to
## each other, and tells them of each other. Here the relay passes it on, so they are unwrapped on the way up and
## wrapped again on the way down, and the engine notices nothing. Pure.

const SYNC := 6
const SYS := 7
const ADD_PEER := 1
const DEL_PEER := 2
const RELAY := 3
const HEADER_BYTES := 6
const COMMAND_MASK := 7


static func is_sys(bytes: PackedByteArray) -> bool:
	return not bytes.is_empty() and bytes[0] & COMMAND_MASK == SYS


## Whether a client wants a server to pass it on.
static func is_relay(bytes: PackedByteArray) -> bool:
	return bytes.size() > HEADER_BYTES and is_sys(bytes) and bytes[1] == RELAY


## To whom: 0 everybody, a peer, or −n for all but peer n.
static func destination(bytes: PackedByteArray) -> int:
	return bytes.decode_s32(2)


static func inner(bytes: PackedByteArray) -> PackedByteArray:
	return bytes.slice(HEADER_BYTES)


## As a server passes it on.
static func relayed(source: int, bytes: PackedByteArray) -> PackedByteArray:
	var wrapped := PackedByteArray([SYS, RELAY, 0, 0, 0, 0])
	wrapped.encode_s32(2, source)
	wrapped.append_array(bytes)
	return wrapped


## Of whom a server tells that it is there (or with [param sub] DEL_PEER, gone); 0 for none.
static func told_of(bytes: PackedByteArray, sub: int) -> int:
	return bytes.decode_s32(2) if bytes.size() == HEADER_BYTES and is_sys(bytes) and bytes[1] == sub else 0


## The engine counts the state that it has sent to each peer by itself; with one count for all, what is the same for all
## is the same in bytes. State that is older than the newest is dropped by whoever gets it, so it only has to rise.
static func with_count(bytes: PackedByteArray, count: int) -> PackedByteArray:
	if bytes.size() < 3 or bytes[0] != SYNC:
		return bytes
	var counted := bytes.duplicate()
	counted.encode_u16(1, count & 0xffff)
	return counted
