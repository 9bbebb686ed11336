extends RefCounted
## The relay's clock, as far as a client can tell (docs/PROTOCOL.md section 6). Pure: [code]now[/code]
## is local monotonic time in seconds.

const TICK_HZ := 60.0
const MICROS := 1e6
## Pings, one a second, among which the least delayed is believed.
const SAMPLES := 8
## Samples are taken at least so much of a tick away from where dates change.
const EVEN := 0.25

## Round trip in seconds as the relay measures it, 0 before it has.
var rtt_s := 0.0

# Relay tick of the anchor, and its relay time in microseconds.
var _tick := 0
var _tick_us := 0.0
# Relay time minus local time, microseconds: delay only ever makes it smaller.
var _offsets: Array[float] = []
var _offset := 0.0
# Of a tick: how far dates lie behind.
var _phase := 0.0


## The second of a tick (u32) that is not far from [param relay_s].
static func near(tick: int, relay_s: float) -> float:
	var now := int(relay_s * TICK_HZ)
	return (now + ((tick - now + 0x80000000) & 0xffffffff) - 0x80000000) / TICK_HZ


func on_welcome(tick: int, now: float) -> void:
	if _offsets.is_empty():
		_tick = tick
		_tick_us = now * MICROS


func on_ping(tick: int, relay_micros: int, rtt_us: int, now: float) -> void:
	rtt_s = rtt_us / MICROS
	_tick = tick
	_tick_us = relay_micros
	_offsets.append(relay_micros + rtt_us / 2.0 - now * MICROS)
	if _offsets.size() > SAMPLES:
		_offsets.pop_front()
	_offset = _offsets.max()


## Relay time in microseconds.
func relay_us(now: float) -> float:
	return now * MICROS + _offset


## The relay's tick, with its fraction.
func tick_at(now: float) -> float:
	return maxf(0.0, _tick + (relay_us(now) - _tick_us) * (TICK_HZ / MICROS))


## By which tick to date a sample: whole, never ahead of the relay's, and at an even pace.
func date(now: float) -> int:
	var at := tick_at(now)
	var past := fposmod(at - _phase, 1.0)
	if past < EVEN or past > 1.0 - EVEN:
		_phase = fposmod(at - 0.5, 1.0)
	return maxi(0, floori(at - _phase))
