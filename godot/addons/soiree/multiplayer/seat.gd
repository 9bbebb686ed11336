extends RefCounted
## Who is the host of a game in a room: the master of the one entity of its kind. Who comes first makes it; where
## the host may change, it outlives him and goes to whoever has been there longest.

## Another is the host now; 0: nobody.
signal host_changed(host: int)

const KIND := "multiplayer.host"
const TRIES := 10
## How long one who was not first waits to be told who was.
const TOLD_WITHIN_S := 2.0

## The host's id in the room.
var host := 0
## Whether the room has another host when this one leaves.
var migrates := false

var _client: SoireeClient
var _wants_migration: bool


func _init(client: SoireeClient, host_migration: bool) -> void:
	_client = client
	_wants_migration = host_migration


## Take the seat, or see who has it. Empty when that is known, else why not.
func settle() -> String:
	for _try in TRIES:
		var seat := _found()
		if not seat:
			var lifetime := "with-room" if _wants_migration else "with-master"
			var options := {"condition": [0, 0], "rule": "deny", "lifetime": lifetime, "relevance": "always"}
			var made: Variant = await _client.spawn(KIND, 0.0, 0.0, 0.0, Quaternion.IDENTITY, options)
			if made is String and made != "stale":
				return made
			seat = await _told()
		if seat and seat.master:
			_watch(seat)
			return ""
	return "timeout"


func _found() -> SoireeReplica:
	for replica: SoireeReplica in _client.replicas.values():
		if replica.kind == KIND:
			return replica
	return null


func _told() -> SoireeReplica:
	var tree := Engine.get_main_loop() as SceneTree
	var until := Time.get_ticks_msec() + TOLD_WITHIN_S * 1000
	while not _found() and Time.get_ticks_msec() < until:
		await tree.process_frame
	return _found()


func _watch(seat: SoireeReplica) -> void:
	host = seat.master
	migrates = seat.lifetime == "with-room"
	_client.despawned.connect(_on_despawned)
	_client.changed.connect(_on_changed)
	_client.owner_changed.connect(_on_owner_changed)


func _on_despawned(replica: SoireeReplica, _reason: String) -> void:
	_pass_to(replica, 0)


func _on_changed(replica: SoireeReplica, _what: String, _previous: Variant) -> void:
	_pass_to(replica, replica.master)


func _on_owner_changed(replica: SoireeReplica, _previous: int, _cause: String) -> void:
	_pass_to(replica, replica.master)


func _pass_to(replica: SoireeReplica, whom: int) -> void:
	if replica.kind == KIND and whom != host:
		host = whom
		host_changed.emit(whom)
