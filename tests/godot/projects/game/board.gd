class_name Board
extends Node
## A node with calls of every kind, which notes what it hears: from whom, which call, which words.

var heard: Array = []

@rpc("any_peer", "call_remote", "reliable")
func reliable(words: Variant) -> void:
	_note("reliable", words)


@rpc("any_peer", "call_remote", "unreliable")
func unreliable(words: Variant) -> void:
	_note("unreliable", words)


@rpc("any_peer", "call_remote", "unreliable_ordered")
func ordered(words: Variant) -> void:
	_note("ordered", words)


@rpc("any_peer", "call_local", "reliable")
func local(words: Variant) -> void:
	_note("local", words)


@rpc("any_peer", "call_remote", "reliable", 1)
func first_channel(words: Variant) -> void:
	_note("first_channel", words)


@rpc("any_peer", "call_local", "unreliable", 2)
func second_channel(words: Variant) -> void:
	_note("second_channel", words)


@rpc("authority", "call_remote", "reliable")
func decree(words: Variant) -> void:
	_note("decree", words)


@rpc("any_peer", "call_remote", "reliable")
func whisper(words: Variant) -> void:
	_note("whisper", words)


@rpc("any_peer", "call_remote", "reliable")
func bytes(data: PackedByteArray) -> void:
	_note("bytes", "%d %s" % [data.size(), data.slice(-4)])


@rpc("any_peer", "call_remote", "unreliable")
func quick_bytes(data: PackedByteArray) -> void:
	_note("quick_bytes", "%d" % data.size())


func _note(what: String, words: Variant) -> void:
	heard.append([multiplayer.get_remote_sender_id(), what, words])
