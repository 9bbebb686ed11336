extends RefCounted
## Several commands as one (docs/PROTOCOL.md section 4.1): nobody sees what lies between them. Made by
## [method SoireeClient.group].
## [codeblock]
## var group := client.group()
## var car := group.spawn("vehicle", 0, 0, 0, Quaternion.IDENTITY)
## group.spawn("seat", 0, 1, 0, Quaternion.IDENTITY, {}, car)
## var outcomes := await group.commit()
## [/codeblock]

const SoireeLimits := preload("../wire/limits.gd")

var _client: SoireeClient
var _commands: Array[Dictionary] = []


func _init(client: SoireeClient) -> void:
	_client = client


## How many commands it holds, 256 at most.
func size() -> int:
	return _commands.size()


## Any command of docs/PROTOCOL.md section 4.1. False when it is full.
func add(command: Dictionary) -> bool:
	if _commands.size() >= SoireeLimits.MAX_GROUP_MESSAGES:
		return false
	_commands.append(command)
	return true


## What [param kind] is spawned with, as by [method SoireeClient.spawn]. [param parent]: id of an entity,
## or what an earlier spawn of this group has given, 0 for none. Gives what later commands of the group
## may name as a parent; 0 when it cannot be told, or the group is full.
func spawn(kind: String, x: float, y: float, z: float, rotation: Quaternion, options := {}, parent := 0) -> int:
	var message := SoireeClient.spawn_message(kind, x, y, z, rotation, options, parent != 0)
	if message.is_empty():
		return 0
	message.parent = parent
	return -_commands.size() if add(message) else 0


## Sends them as one message. For each command its outcome: a [SoireeReplica] for a spawn, an empty text
## for what else was done, or a text that says why not.
func commit() -> Array:
	var answers := await _client.command_group(_commands)
	var outcomes := []
	for i in _commands.size():
		var answer: Dictionary = answers[i] if i < answers.size() else answers[0]
		if answer.type == "refused":
			outcomes.append(answer.reason)
		elif answer.type == "spawned":
			outcomes.append(_client.replicas.get(answer.entity, "unknown-entity"))
		else:
			outcomes.append("")
	return outcomes
