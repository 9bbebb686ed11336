class_name Told
extends MultiplayerSynchronizer
## A synchronizer made by code.


## Tells [param on_change] when it changes and [param always] all the time, of its parent.
static func about(on_change: Array, always: Array) -> Told:
	var told := Told.new()
	told.name = "Told"
	told.replication_config = SceneReplicationConfig.new()
	for property: String in on_change + always:
		var path := NodePath(".:" + property)
		var mode := SceneReplicationConfig.REPLICATION_MODE_ALWAYS
		if property in on_change:
			mode = SceneReplicationConfig.REPLICATION_MODE_ON_CHANGE
		told.replication_config.add_property(path)
		told.replication_config.property_set_replication_mode(path, mode)
	return told
