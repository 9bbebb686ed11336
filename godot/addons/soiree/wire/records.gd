extends RefCounted
## Records of state, one class for each slot of an entity (docs/PROTOCOL.md section 5.2).

enum SoireeSlot { TRANSFORM, POSE, PROPS }


## Where a thing is. Positions are doubles; with a parent they are relative to it.
class SoireeTransform:
	extends RefCounted
	var section := 0
	## Its id, 0 in a placed record from a client.
	var entity := 0
	## Metres.
	var x := 0.0
	var y := 0.0
	var z := 0.0
	var rotation := Quaternion.IDENTITY
	## m/s.
	var velocity := Vector3.ZERO
	## Attach count (CHILD), else 0.
	var attach := 0
	## Bits 0–6: ticks that the sample is older than the frame; bit 7: do not interpolate.
	var age := 0


## Head and hands, relative to the entity.
class SoireePose:
	extends RefCounted
	var section := 4
	var entity := 0
	## Bit 0 head, 1 left hand, 2 right hand: which of them are tracked.
	var mask := 0
	var positions: Array[Vector3] = [Vector3.ZERO, Vector3.ZERO, Vector3.ZERO]
	var rotations: Array[Quaternion] = [Quaternion.IDENTITY, Quaternion.IDENTITY, Quaternion.IDENTITY]


## Small fast state of the application's own making.
class SoireeProps:
	extends RefCounted
	var section := 5
	var entity := 0
	var bytes := PackedByteArray()
