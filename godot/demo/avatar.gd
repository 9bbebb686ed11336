extends CharacterBody3D
## A person: walks by keys if it is ours, holds what it has in its right hand, looks where it turns.

const SPEED_M_S := 4.0
const JUMP_M_S := 4.5
const GRAVITY := 9.8

## Keys and mouse are its.
var is_driven := false
## What is in the hand, or the car that it sits in; null for nothing.
var held: Node3D = null
var car: Node3D = null
## Wish to walk: to the right and backwards, −1 to 1.
var stride := Vector2.ZERO

var _bob := 0.0

@onready var entity := SoireeSpawner.entity_in(self)
@onready var head: Node3D = $Head
@onready var hand: Node3D = $Right


func _ready() -> void:
	entity.shared_now.connect(_on_shared)
	if entity.replica:
		_on_shared()


func _on_shared() -> void:
	var peer: SoireePeer = entity.room.peers.get(entity.owner_id)
	$Plate.text = peer.name if peer else "?"
	var paint: StandardMaterial3D = $Body.mesh.material
	paint.albedo_color = Color.from_hsv(fmod(entity.owner_id * 0.618034, 1.0), 0.5, 0.9)


## Lets keys and mouse have it, and looks out of its eyes.
func drive() -> void:
	is_driven = true
	head.get_node("Mesh").visible = false
	$Plate.visible = false
	var camera := Camera3D.new()
	camera.near = 0.1
	head.add_child(camera)
	camera.current = true


func turn(by: Vector2) -> void:
	rotate_y(-by.x)
	head.rotation.x = clampf(head.rotation.x - by.y, -1.4, 1.4)


func _physics_process(delta: float) -> void:
	if not entity.is_mine():
		return
	if car:
		velocity = Vector3.ZERO
	else:
		var to := basis * Vector3(stride.x, 0, stride.y).limit_length() * SPEED_M_S
		velocity = Vector3(to.x, velocity.y - GRAVITY * delta, to.z)
		move_and_slide()
		_bob += Vector2(velocity.x, velocity.z).length() * delta
	$Left.position.y = 1.05 + 0.05 * sin(_bob * 3.0)
	hand.position.y = 1.05 - 0.05 * sin(_bob * 3.0)
	if held:
		held.global_transform = Transform3D(basis, hand.global_position - basis.z * 0.3)


func jump() -> void:
	if is_on_floor():
		velocity.y = JUMP_M_S
