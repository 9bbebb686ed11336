extends RefCounted
## Floating point to wire integers and back (docs/PROTOCOL.md section 5.2).

const CELL_M := 64
const XZ_PER_M := 1024.0
const Y_PER_M := 256.0
const CHILD_PER_M := 1024.0
const POSE_PER_M := 4096.0
## How far from the centre of the base cell, or from base_y, a record may lie, in metres.
const REACH_XZ_M := 448.0
const REACH_Y_M := 127.0

const UNITS_PER_CELL := 65536
const ROTATION_SCALE := 722.6631303726516
const VELOCITY_SCALE := 14.0

## What the 10 bits of a component of a rotation stand for.
static var components := _components()
## What the byte of a velocity stands for, m/s.
static var velocities := _velocities()


## The one rounding of the protocol.
static func rounded(value: float) -> int:
	return floori(value + 0.5)


## The low 16 bits as a signed number.
static func signed16(value: int) -> int:
	return ((value + 0x8000) & 0xffff) - 0x8000


## The whole cell index nearest to [param base] with these low 4 bits.
static func unwrap_cell(low4: int, base: int) -> int:
	return base + ((low4 - base + 8) & 15) - 8


## An offset held to 16 bits.
static func local16(metres: float, per_metre: float) -> int:
	return clampi(rounded(metres * per_metre), -32768, 32767)


## A rotation as the smallest three of its components, u32.
static func pack_rotation(x: float, y: float, z: float, w: float) -> int:
	var length := sqrt(x * x + y * y + z * z + w * w)
	if not (length > 0.0 and is_finite(length)):
		return pack_rotation(0.0, 0.0, 0.0, 1.0)
	var q := PackedFloat64Array([x / length, y / length, z / length, w / length])
	var largest := 0
	for i in range(1, 4):
		if absf(q[i]) > absf(q[largest]):
			largest = i
	var scale := -ROTATION_SCALE if q[largest] < 0.0 else ROTATION_SCALE
	var packed := largest
	for i in 4:
		if i != largest:
			packed = (packed << 10) | (rounded(q[i] * scale) + 512)
	return packed


static func unpack_rotation(packed: int) -> Quaternion:
	var a := components[(packed >> 20) & 1023]
	var b := components[(packed >> 10) & 1023]
	var c := components[packed & 1023]
	var d := sqrt(maxf(0.0, 1.0 - a * a - b * b - c * c))
	match packed >> 30:
		0:
			return Quaternion(d, a, b, c)
		1:
			return Quaternion(a, d, b, c)
		2:
			return Quaternion(a, b, d, c)
	return Quaternion(a, b, c, d)


## A speed along one axis, square-root companded, −127…127.
static func pack_velocity(metres_per_second: float) -> int:
	var magnitude := mini(127, rounded(sqrt(absf(metres_per_second)) * VELOCITY_SCALE))
	return -magnitude if metres_per_second < 0.0 else magnitude


## The angle about +Y, u16.
static func pack_yaw(y: float, w: float) -> int:
	return rounded(atan2(y, w) / PI * 65536.0) & 0xffff


static func unpack_yaw(packed: int) -> Quaternion:
	var half := packed * (PI / 65536.0)
	return Quaternion(0.0, sin(half), 0.0, cos(half))


static func _components() -> PackedFloat64Array:
	var values := PackedFloat64Array()
	values.resize(1024)
	for i in 1024:
		values[i] = (i - 512) / ROTATION_SCALE
	return values


static func _velocities() -> PackedFloat64Array:
	var values := PackedFloat64Array()
	values.resize(256)
	for i in 256:
		var byte := i - 256 if i >= 128 else i
		values[i] = signf(byte) * (byte / VELOCITY_SCALE) ** 2
	return values
