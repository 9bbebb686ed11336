extends RefCounted
## Exactly once, in order, over one connection after another (docs/PROTOCOL.md section 3). Pure:
## bytes in, bytes out.
##
## It numbers what is sent, keeps it until the relay has applied it, says what to send again on a new
## connection, and tells for each number received whether to apply it.

enum SoireeReceipt { APPLY, REPEATED, GAP }

const SoireeLimits := preload("../wire/limits.gd")
const SoireeMessages := preload("../wire/control.gd")
const SoireeReceivedFrames := preload("received_frames.gd")

## Number of the last message of the relay that was applied.
var applied := 0
## Number of the last message that was numbered.
var last_sent := 0
## Number of the last message that the relay is known to have applied.
var last_applied := 0
## Whether a hello and welcome have ever met: until then a hello is fresh.
var established := false
## Whether a connection is there that carries the session.
var carried := false
## Numbers that came again.
var repeated := 0
## Why [method send] took nothing.
var failure := ""

# Messages last_applied + 1 … last_sent.
var _unapplied: Array[PackedByteArray] = []
var _unapplied_bytes := 0
var _outgoing: Array[PackedByteArray] = []


## Messages that the relay is not known to have applied.
func waiting() -> int:
	return _unapplied.size()


## Numbers a message and has it sent, at once or on the next connection. 0 when it cannot be: then
## [member failure] is [code]malformed[/code] or [code]backlog[/code].
func send(message: Dictionary) -> int:
	var numbered := message.merged({"n": last_sent + 1}, true)
	var bytes := SoireeMessages.encode(numbered)
	failure = ""
	if bytes.is_empty():
		failure = "malformed"
		push_warning(
			"Soiree: ", SoireeMessages.why_not(numbered) if SoireeMessages.why_not(numbered) else "too large to be sent"
		)
	elif (
		_unapplied.size() >= SoireeLimits.MAX_UNAPPLIED_MESSAGES
		or _unapplied_bytes + bytes.size() > SoireeLimits.MAX_UNAPPLIED_BYTES
	):
		failure = "backlog"
	if failure:
		return 0
	last_sent += 1
	_unapplied.append(bytes)
	_unapplied_bytes += bytes.size()
	if carried:
		_outgoing.append(bytes)
	return last_sent


## What to put on the connection now, in order.
func take_outgoing() -> Array[PackedByteArray]:
	var taken := _outgoing
	_outgoing = []
	return taken


## The relay said in its welcome how far it has come: what it lacks is sent again, before anything
## new. False when it claims what was never sent, or has forgotten what it had applied.
func carry(relay_applied: int) -> bool:
	if relay_applied > last_sent or relay_applied < last_applied:
		return false
	_forget(relay_applied)
	_outgoing = _unapplied.duplicate()
	carried = true
	established = true
	return true


## The connection is gone; what waited for it waits for the next.
func detach() -> void:
	carried = false
	_outgoing = []


## A numbered message has come: whether to apply it.
func receive(n: int) -> SoireeReceipt:
	if n <= applied:
		repeated += 1
		return SoireeReceipt.REPEATED
	if n != applied + 1:
		return SoireeReceipt.GAP
	applied = n
	return SoireeReceipt.APPLY


## [code]control_applied[/code] of a frame; frames come in any order, so it may be an old one.
func acknowledge(low: int) -> void:
	var number := last_applied + SoireeReceivedFrames.ahead16(low, last_applied & 0xffff)
	if number > last_applied and number <= last_sent:
		_forget(number)


func _forget(number: int) -> void:
	var count := number - last_applied
	for i in count:
		_unapplied_bytes -= _unapplied[i].size()
	_unapplied = _unapplied.slice(count)
	last_applied = number
