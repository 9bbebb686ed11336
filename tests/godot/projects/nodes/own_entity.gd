extends SoireeEntity
## As games write them, with callbacks of their own: what an entity does by itself goes on.


func _enter_tree() -> void:
	pass


func _process(_delta: float) -> void:
	pass


func _exit_tree() -> void:
	pass
