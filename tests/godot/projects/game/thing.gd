class_name Thing
extends Node
## What a spawner of the game's own makes of a few words.

var label := ""
var worth := 0


## One as [param data] says, which belongs to [param authority].
static func made(data: Array, authority: int) -> Thing:
	var thing := Thing.new()
	thing.name = data[0]
	thing.label = data[1]
	thing.add_child(Told.about(["worth"], []))
	thing.set_multiplayer_authority(authority)
	return thing
