extends RefCounted
## Bytes and frames of one direction, and their rate over the last seconds. Pure.

## Seconds over which the rate is taken; one bucket each.
const WINDOW_S := 4

var bytes := 0
var frames := 0
# Second and bytes of the newest WINDOW_S + 1 seconds in which something passed.
var _buckets: Array[Vector2i] = []
var _since := -1.0


func add(size: int, now: float) -> void:
	bytes += size
	frames += 1
	if _since < 0.0:
		_since = now
	var second := int(now)
	if _buckets and _buckets[-1].x == second:
		_buckets[-1].y += size
		return
	_buckets.append(Vector2i(second, size))
	if _buckets.size() > WINDOW_S + 1:
		_buckets.pop_front()


## kbit/s, without headers of IP, UDP or TCP.
func kbit_s(now: float) -> float:
	var from := int(now) - WINDOW_S
	var sum := 0
	for bucket in _buckets:
		if bucket.x >= from:
			sum += bucket.y
	return sum * 0.008 / maxf(1.0, minf(now - from, now - _since)) if _since >= 0.0 else 0.0
