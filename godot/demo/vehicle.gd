extends Node3D
## A car: whoever owns it drives it, whoever sits in it goes along.

const SPEED_M_S := 9.0
const TURN_RAD_S := 1.4

## Forward (−1 to 1), and to the left.
var wheel := Vector2.ZERO

@onready var _entity := SoireeSpawner.entity_in(self)


func _physics_process(delta: float) -> void:
	if not _entity.is_mine() or wheel == Vector2.ZERO:
		return
	rotate_y(wheel.y * TURN_RAD_S * delta * signf(wheel.x if wheel.x else 1.0))
	position -= basis.z * wheel.x * SPEED_M_S * delta


## Where one sits, in the car: the driver's seat, or the other one.
func seat(driving: bool) -> Transform3D:
	return ($Driver if driving else $Passenger).transform
