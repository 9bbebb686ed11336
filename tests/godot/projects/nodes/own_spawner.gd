extends SoireeSpawner
## As games write them, with callbacks of their own: what a spawner does by itself goes on.


func _enter_tree() -> void:
	pass


func _ready() -> void:
	pass


func _exit_tree() -> void:
	pass
