class_name Baton
extends Node
## Goes from hand to hand: whoever has it is its authority, and alone says what is written on it.

var words := ""

@rpc("any_peer", "call_local", "reliable")
func hand_over(to: int) -> void:
	set_multiplayer_authority(to)
