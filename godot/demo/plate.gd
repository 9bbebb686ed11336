extends Label3D
## Tells of the thing that it hangs over who owns it, and who decides who may have it, by which rule.

const WORDS := {"ask": "ask %s", "allow": "take it", "deny": "not to be had"}

## Over the thing's middle, metres.
@export var height_m := 1.0

@onready var _entity := SoireeSpawner.entity_in(get_parent())


func _ready() -> void:
	billboard = BaseMaterial3D.BILLBOARD_ENABLED
	pixel_size = 0.003
	top_level = true


func _process(_delta: float) -> void:
	var thing: Node3D = get_parent()
	global_position = thing.global_position + Vector3(0, height_m, 0)
	if not _entity or not _entity.replica:
		return
	var said: String = WORDS[_entity.rule]
	if said.contains("%s"):
		said = said % _name_of(_entity.master_id)
	text = "%s: %s\n%s" % [_entity.kind, _name_of(_entity.owner_id), said]


func _name_of(peer: int) -> String:
	var known: SoireePeer = _entity.room.peers.get(peer)
	return "nobody" if not known else "you" if known.is_self else known.name
