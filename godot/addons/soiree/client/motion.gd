extends RefCounted
## How a thing moves between two samples of it, and past the last one. Pure: metres, m/s, seconds on
## the relay's clock. Places are doubles, what lies between two of them fits the engine's vectors.
##
## The Python and JavaScript SDKs have the same; all run tests/vectors/interpolation.json.

## A tangent is at most so many chords long: with more, a curve that ends at rest runs past its end.
const STEEPEST := 3.0
## So long at least a thing of which nothing new is heard goes on at full speed, seconds,
const COAST_S := 0.25
## and in so long it then slows down to a stop.
const BRAKE_S := 0.5
## A smaller turn is none, radians.
const STRAIGHT_RAD := 1e-6
## A sample marked as a jump is one if it is so much farther away than twice what the speeds explain.
const JUMP_M := 1.0


## Where something is and how it moves: in the world, or relative to a parent.
class SoireePose:
	extends RefCounted
	var x := 0.0
	var y := 0.0
	var z := 0.0
	var rotation := Quaternion.IDENTITY
	var velocity := Vector3.ZERO

	## From there to here, in metres.
	func away_from(other: SoireePose) -> Vector3:
		return Vector3(x - other.x, y - other.y, z - other.z)

	## Takes the place of another, so far away from it.
	func beside(other: SoireePose, offset: Vector3) -> SoireePose:
		x = other.x + offset.x
		y = other.y + offset.y
		z = other.z + offset.z
		return self


## Where a thing was at a time.
class SoireeSample:
	extends SoireePose
	## Seconds: (frame tick − age) / 60.
	var at := 0.0
	## Id of the entity that the rest is relative to, 0 for the world.
	var parent := 0
	## Not to be interpolated to from the sample before it.
	var jump := false

	## Whether its owner says that it stands still.
	func is_resting() -> bool:
		return velocity == Vector3.ZERO

	## Whether both say the same, at whatever time.
	func is_alike(other: SoireeSample) -> bool:
		return (
			parent == other.parent
			and x == other.x
			and y == other.y
			and z == other.z
			and rotation == other.rotation
			and velocity == other.velocity
		)

	func copy() -> SoireeSample:
		var same := SoireeSample.new()
		same.beside(self, Vector3.ZERO)
		same.rotation = rotation
		same.velocity = velocity
		same.at = at
		same.parent = parent
		return same


## The way from one sample to the next: the cubic Hermite curve that has place and velocity of both,
## rotating at an even pace. Where both say that they do not move along an axis, it moves evenly along
## that axis. What can be is worked out once: it is asked for with each picture.
class SoireeCourse:
	extends RefCounted
	## Seconds of the first sample, and of the second.
	var from_s := 0.0
	var until_s := 0.0

	var _x := 0.0
	var _y := 0.0
	var _z := 0.0
	var _rotation := Quaternion.IDENTITY
	var _turned := Quaternion.IDENTITY
	var _pace := 0.0
	# Metres for each power of the share of the way, the first to the third.
	var _first := Vector3.ZERO
	var _second := Vector3.ZERO
	var _third := Vector3.ZERO

	func _init(before: SoireeSample, after: SoireeSample) -> void:
		from_s = before.at
		until_s = after.at
		var span := until_s - from_s
		var chord := after.away_from(before)
		var longest := STEEPEST * chord.length()
		var first := before.velocity * span
		var last := after.velocity * span
		for axis in 3:
			if first[axis] == 0.0 and last[axis] == 0.0:
				first[axis] = chord[axis]
				last[axis] = chord[axis]
		first = first.limit_length(longest)
		last = last.limit_length(longest)
		_x = before.x
		_y = before.y
		_z = before.z
		_rotation = before.rotation
		_turned = after.rotation
		_pace = 1.0 / span
		_first = first
		_second = 3.0 * chord - 2.0 * first - last
		_third = first + last - 2.0 * chord

	func pose_at(at: float) -> SoireePose:
		var s := (at - from_s) * _pace
		var offset := s * (_first + s * (_second + s * _third))
		var pose := SoireePose.new()
		pose.x = _x + offset.x
		pose.y = _y + offset.y
		pose.z = _z + offset.z
		pose.rotation = _rotation.slerp(_turned, s)
		pose.velocity = _pace * (_first + s * (2.0 * _second + 3.0 * s * _third))
		return pose


## Whether the mark of a jump is to be believed: owners also mark what merely follows a jump that may
## have got lost.
static func leaps(before: SoireeSample, after: SoireeSample) -> bool:
	if not after.jump:
		return false
	var explained_m := 2.0 * maxf(before.velocity.length(), after.velocity.length()) * (after.at - before.at)
	return after.away_from(before).length() > explained_m + JUMP_M


## On the way between two samples: see [Course].
static func between(before: SoireeSample, after: SoireeSample, at: float) -> SoireePose:
	return SoireeCourse.new(before, after).pose_at(at)


## How fast its course turns about +Y from sample to sample, rad/s.
static func turning(before: SoireeSample, after: SoireeSample) -> float:
	var a := before.velocity
	var b := after.velocity
	return atan2(a.z * b.x - a.x * b.z, a.x * b.x + a.z * b.z) / (after.at - before.at)


## Dead reckoning: on with its velocity along its turn for so long, then braking. Before the time of
## the sample it stands there.
static func onward(last: SoireeSample, at: float, coast_s: float, turn_rad_s: float) -> SoireePose:
	var pose := SoireePose.new()
	pose.rotation = last.rotation
	var late := at - last.at
	if late < 0.0 or last.is_resting():
		return pose.beside(last, Vector3.ZERO)
	var braking := clampf(late - coast_s, 0.0, BRAKE_S)
	var reach := minf(late, coast_s) + braking - braking * braking / (2.0 * BRAKE_S)
	var v := last.velocity
	var turned := turn_rad_s * reach
	var ahead := reach
	var aside := 0.0
	if absf(turned) >= STRAIGHT_RAD:
		ahead = sin(turned) / turn_rad_s
		aside = (1.0 - cos(turned)) / turn_rad_s
		pose.rotation = Quaternion(0.0, sin(turned / 2.0), 0.0, cos(turned / 2.0)) * last.rotation
	pose.velocity = (
		(1.0 - braking / BRAKE_S)
		* Vector3(cos(turned) * v.x + sin(turned) * v.z, v.y, cos(turned) * v.z - sin(turned) * v.x)
	)
	return pose.beside(last, Vector3(ahead * v.x + aside * v.z, reach * v.y, ahead * v.z - aside * v.x))


## What [param local] in the frame of [param parent] is in the frame that the parent is in.
static func outward(parent: SoireePose, local: SoireePose) -> SoireePose:
	var pose := SoireePose.new()
	pose.beside(parent, parent.rotation * Vector3(local.x, local.y, local.z))
	pose.rotation = (parent.rotation * local.rotation).normalized()
	pose.velocity = parent.velocity + parent.rotation * local.velocity
	return pose


## The reverse: [param outer] seen from [param parent].
static func inward(parent: SoireePose, outer: SoireePose) -> SoireePose:
	var back := parent.rotation.inverse()
	var offset := back * outer.away_from(parent)
	var pose := SoireePose.new()
	pose.x = offset.x
	pose.y = offset.y
	pose.z = offset.z
	pose.rotation = (back * outer.rotation).normalized()
	pose.velocity = back * (outer.velocity - parent.velocity)
	return pose
