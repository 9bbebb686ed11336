extends RefCounted
## Playback of somebody else's entity: what is shown of it between the samples that come, a little in
## the past. Pure: samples and [code]now[/code] (local monotonic seconds) in, poses out.
##
## The Python and JavaScript SDKs have the same; all run tests/vectors/interpolation.json.

const SoireeMotion := preload("motion.gd")
const SoireeRecords := preload("../wire/records.gd")
const SoireeSections := preload("../wire/sections.gd")

## Samples kept of one entity.
const MAX_SAMPLES := 32
## How far behind it is played before anything was measured, and within what bounds then, seconds.
const FIRST_DELAY_S := 0.1
const MIN_DELAY_S := 0.05
const MAX_DELAY_S := 1.0
## The delay is the mean gap and so many mean deviations of it.
const DEVIATIONS := 2.0
const GAP_GAIN := 1.0 / 8.0
const DEVIATION_GAIN := 1.0 / 4.0
## A gap counts as at most so much longer than the mean, seconds: one outage is no new pace.
const OUTLIER_S := 0.25
const FIRST_INTERVAL_S := 0.05
## The turn of a course is measured over so long at least, seconds: velocities are rounded.
const COURSE_S := 0.2
## Dead reckoning goes on at full speed for so many of the usual intervals at least.
const COAST_INTERVALS := 1.5
## A thing at rest that is heard of again after more than so many intervals moved only during the last.
const LONG_REST := 2.0
## Playback runs at most so much faster or slower than time, to come to where it should be.
const SLEW := 0.1
## It comes nearer to where it should be by as large a share of the way as the time passed is of this.
const SETTLE_S := 0.5
## Farther away than this from where it should be it goes there at once, seconds.
const RESYNC_S := 1.0
## In so long a difference between what was shown and what is now known is made up, seconds.
const BRIDGE_S := 0.3
## Farther away than this the thing is shown where it is at once, metres.
const BRIDGE_MAX_M := 32.0
## Who has not looked for so long sees no jump, seconds.
const SEEN_S := 0.5

## How far behind the relay's clock it should be played, seconds.
var delay_s := FIRST_DELAY_S
## The time on the relay's clock that was played last, seconds.
var played_s := -INF

# Oldest first.
var _samples: Array[SoireeMotion.SoireeSample] = []
# One that is kept no longer, to be filled anew.
var _spare: SoireeMotion.SoireeSample = null
var _gap_s := -1.0
var _deviation_s := 0.0
var _interval_s := FIRST_INTERVAL_S
# What was shown last: when, relative to which parent, there and in the world.
var _shown_now := -INF
var _shown_parent := 0
var _shown_local: SoireeMotion.SoireePose = null
var _shown_world: SoireeMotion.SoireePose = null
# What is shown next need not follow from what was shown last.
var _broken := false
# From what is known to what was shown, relative to the parent of the moment; since −INF there is none.
var _bridge_since := -INF
var _bridge_away := Vector3.ZERO
var _bridge_turn := Quaternion.IDENTITY
# Whether it was shown where it certainly is, as what is our own.
var _owned := false
# The way that it was on last, in the world: null if it is on none, or in a vehicle.
var _course: SoireeMotion.SoireeCourse = null


func _init(first: SoireeMotion.SoireeSample) -> void:
	_samples = [first]


## Whether there is nothing to play: one sample of a thing at rest, shown as it is.
func is_still(now: float) -> bool:
	var last := _samples[-1]
	return (
		last.is_resting()
		and played_s >= last.at
		and not _broken
		and not _owned
		and _bridge_since == -INF
		and now - _shown_now < SEEN_S
	)


## A transform came, sampled at this second of the relay's clock, in the frame of this parent; as [method add].
func hear(record: SoireeRecords.SoireeTransform, at: float, parent: int, arrived_s: float) -> void:
	var last := _samples[-1]
	var sample := _spare if _spare else SoireeMotion.SoireeSample.new()
	_spare = null
	sample.x = record.x
	sample.y = record.y
	sample.z = record.z
	sample.rotation = record.rotation
	sample.velocity = record.velocity
	sample.at = at
	sample.parent = parent
	sample.jump = record.age >= SoireeSections.TELEPORT
	var last_at := last.at
	if sample.jump or at <= last_at or parent != last.parent or last.velocity == Vector3.ZERO:
		add(sample, arrived_s)
		return
	# The usual case, of which a crowd makes thousands a second: it has gone on in the same frame of reference.
	if played_s >= last_at:
		_broken = true
	if not is_nan(arrived_s):
		_measure(arrived_s - last_at, at - last_at)
	_append(sample)


## Samples kept that are not older than [param sample] were not true, and are dropped.
## [param arrived_s]: the relay's clock when it came; NAN for what says nothing of the pace.
func add(sample: SoireeMotion.SoireeSample, arrived_s: float) -> void:
	var last := _samples[-1]
	if sample.is_alike(last) and (sample.is_resting() or sample.at <= last.at):
		return
	if played_s >= minf(last.at, sample.at):
		_broken = true
	if last.at >= sample.at:
		_course = null
	while _samples and _samples[-1].at >= sample.at:
		_samples.pop_back()
	if _samples and _samples[-1].parent == sample.parent:
		_follow(_samples[-1], sample, arrived_s)
	else:
		sample.jump = false
		_append(sample)


## Somebody else goes on with it from here: what came before says nothing of what comes.
func restart(sample: SoireeMotion.SoireeSample) -> void:
	_samples = [sample]
	_course = null
	_broken = true


# It goes on in the same frame of reference.
func _follow(last: SoireeMotion.SoireeSample, sample: SoireeMotion.SoireeSample, arrived_s: float) -> void:
	var spacing := sample.at - last.at
	var last_rests := last.is_resting()
	var dragged := last_rests and sample.is_resting() and spacing <= MAX_DELAY_S
	sample.jump = SoireeMotion.leaps(last, sample)
	if not is_nan(arrived_s) and (dragged or not last_rests):
		_measure(arrived_s - last.at, spacing)
	if last_rests and spacing > LONG_REST * _interval_s and not sample.jump:
		var held := last.copy()
		held.at = sample.at - _interval_s
		_append(held)
	if sample.jump and played_s >= sample.at:
		_broken = false
		_bridge_since = -INF
	_append(sample)


func _append(sample: SoireeMotion.SoireeSample) -> void:
	if _samples.size() == MAX_SAMPLES:
		if played_s < _samples[1].at:
			played_s = _samples[1].at
			_broken = true
		_spare = _samples.pop_front()
	_samples.append(sample)


# A sample came: seconds from the time of the one before it to its arrival, and from time to time.
func _measure(gap: float, spacing: float) -> void:
	if _gap_s < 0.0:
		_gap_s = gap
		_deviation_s = gap / 4.0
		_interval_s = spacing
	else:
		var off := minf(gap - _gap_s, OUTLIER_S)
		_gap_s += GAP_GAIN * off
		_deviation_s += DEVIATION_GAIN * (absf(off) - _deviation_s)
		_interval_s += GAP_GAIN * (spacing - _interval_s)
	_interval_s = minf(_interval_s, MAX_DELAY_S)
	delay_s = clampf(_gap_s + DEVIATIONS * _deviation_s, MIN_DELAY_S, MAX_DELAY_S)


## Where in the world to show it. [param relay_s]: the relay's clock, as estimated for [param now].
## [param pose_of]: gives where the entity of an id is shown now, null if it is not here.
func play(now: float, relay_s: float, pose_of: Callable) -> SoireeMotion.SoireePose:
	var passed := maxf(0.0, now - _shown_now) if _shown_world else 0.0
	var since := played_s
	played_s = _time(relay_s - delay_s, passed)
	if _course and since >= _course.from_s and played_s < _course.until_s and not (_broken or _owned):
		return _show(now, 0, _course.pose_at(played_s), null)
	if _owned:
		_broken = true
	_owned = false
	return _at(since, passed, now, pose_of)


## Where in the world it certainly is, as what is our own.
func place(now: float, parent: int, local: SoireeMotion.SoireePose, pose_of: Callable) -> SoireeMotion.SoireePose:
	var passed := maxf(0.0, now - _shown_now) if _shown_world else 0.0
	var frame: SoireeMotion.SoireePose = pose_of.call(parent) if parent else null
	if _shown_world and (not _owned or _shown_parent != parent):
		_build_bridge(passed, now, parent, local, frame)
	_owned = true
	return _show(now, parent, local, frame)


# Near the target, without running noticeably faster or slower than time itself.
func _time(target: float, passed: float) -> float:
	var on := played_s + passed
	if not absf(target - on) <= RESYNC_S:
		_broken = true
		return target
	var nearer := (target - on) * minf(passed / SETTLE_S, 1.0)
	return on + clampf(nearer, -SLEW * passed, SLEW * passed)


func _at(since: float, passed: float, now: float, pose_of: Callable) -> SoireeMotion.SoireePose:
	var at := played_s
	var index := _samples.size() - 1
	while index > 0 and _samples[index].at > at:
		index -= 1
	var sample := _samples[index]
	var frame: SoireeMotion.SoireePose = pose_of.call(sample.parent) if sample.parent else null
	while not frame and sample.parent and index + 1 < _samples.size():
		# What it rode in is gone before it was seen to get off.
		index += 1
		sample = _samples[index]
		frame = pose_of.call(sample.parent) if sample.parent else null
	var after: SoireeMotion.SoireeSample = _samples[index + 1] if index + 1 < _samples.size() else null
	var local: SoireeMotion.SoireePose
	_course = null
	if not after or after.jump or after.parent != sample.parent or at < sample.at:
		var coast_s := maxf(SoireeMotion.COAST_S, COAST_INTERVALS * _interval_s)
		local = SoireeMotion.onward(sample, at, coast_s, _turning(index, at))
	else:
		var course := SoireeMotion.SoireeCourse.new(sample, after)
		local = course.pose_at(at)
		_course = null if sample.parent else course
	if _jumped(since, at):
		_bridge_since = -INF
	elif _shown_world and (_broken or sample.parent != _shown_parent):
		_build_bridge(passed, now, sample.parent, local, frame)
	_broken = false
	return _show(now, sample.parent, local, frame)


func _show(
	now: float, parent: int, known: SoireeMotion.SoireePose, frame: SoireeMotion.SoireePose
) -> SoireeMotion.SoireePose:
	var local := known if _bridge_since == -INF else _bridged(known, now)
	_shown_now = now
	_shown_parent = parent
	_shown_local = local
	_shown_world = SoireeMotion.outward(frame, local) if frame else local
	return _shown_world


# Whether a jump lies between.
func _jumped(since: float, at: float) -> bool:
	if since >= _samples[-1].at:
		return false
	for i in range(_samples.size() - 1, -1, -1):
		var sample := _samples[i]
		if sample.at <= since:
			break
		if sample.jump and sample.at <= at:
			return true
	return false


# How its course turns at a sample, over a while: between samples close together that is noise. rad/s.
func _turning(index: int, at: float) -> float:
	var last := _samples[index]
	if last.is_resting() or at < last.at:
		return 0.0
	for earlier in range(index - 1, -1, -1):
		var before := _samples[earlier]
		if before.parent != last.parent or _samples[earlier + 1].jump or before.is_resting():
			break
		if last.at - before.at >= COURSE_S:
			return SoireeMotion.turning(before, last)
	return 0.0


# From where it would be by what was shown last, to where it is: in the same frame of reference, or
# else by way of the world. There is none when that is too far, or when nobody has looked.
func _build_bridge(
	passed: float, now: float, parent: int, local: SoireeMotion.SoireePose, frame: SoireeMotion.SoireePose
) -> void:
	_bridge_since = -INF
	if passed >= SEEN_S:
		return
	var riding := parent == _shown_parent
	var expected := _onwards(_shown_local if riding else _shown_world, passed)
	if not riding and frame:
		expected = SoireeMotion.inward(frame, expected)
	_bridge_away = expected.away_from(local)
	if _bridge_away.length() > BRIDGE_MAX_M:
		return
	_bridge_turn = (expected.rotation * local.rotation.inverse()).normalized()
	_bridge_since = now


static func _onwards(pose: SoireeMotion.SoireePose, passed: float) -> SoireeMotion.SoireePose:
	var moved := SoireeMotion.SoireePose.new()
	moved.rotation = pose.rotation
	moved.velocity = pose.velocity
	return moved.beside(pose, passed * pose.velocity)


# Shown nearer to where it was than it is, less and less so.
func _bridged(local: SoireeMotion.SoireePose, now: float) -> SoireeMotion.SoireePose:
	var share := maxf(0.0, now - _bridge_since) / BRIDGE_S
	if share >= 1.0:
		_bridge_since = -INF
		return local
	var left := 1.0 - share * share * (3.0 - 2.0 * share)
	var pose := SoireeMotion.SoireePose.new()
	pose.beside(local, left * _bridge_away)
	pose.rotation = Quaternion.IDENTITY.slerp(_bridge_turn, left) * local.rotation
	pose.velocity = local.velocity
	return pose
