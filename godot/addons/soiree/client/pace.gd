extends RefCounted
## How far an entity of ours is ahead of the room's speed limit, reckoned as the relay does but
## stricter. Pure: ticks are passed in.

const SoireeRelayClock := preload("relay_clock.gd")
## Half of what the relay lets pass: numbers are rounded and clocks differ.
const SLACK_M := 0.5
const SLACK_S := 0.05

var _ahead_m := 0.0
var _tick := 0.0


## [param tick]: of the position before the first step.
func _init(tick: float) -> void:
	_tick = tick


## Whether a step of so many metres is too fast to be told as anything but a teleport.
func step(away_m: float, tick: float, max_speed_m_s: float) -> bool:
	var elapsed_s := maxf(0.0, tick - _tick) / SoireeRelayClock.TICK_HZ
	_tick = tick
	_ahead_m = maxf(0.0, _ahead_m + away_m - elapsed_s * max_speed_m_s)
	if _ahead_m <= SLACK_M + SLACK_S * max_speed_m_s:
		return false
	_ahead_m = 0.0
	return true
