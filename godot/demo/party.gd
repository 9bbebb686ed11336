extends SoireeRoom
## A small party: walk, throw balls, ask for the gun, try for the statue, drive the car.
##
## WASD or arrows walk, the mouse looks (click to catch it, Esc to free it), E takes or lets go, F throws,
## G gets into a car or out, space jumps, Y and N answer who asks.

const REACH_M := 3.0
const THROW_M_S := 9.0
## Kind, and where whoever comes first puts one of it.
const FURNITURE: Array[Array] = [
	["ball", Vector3(-2, 1.2, -4)],
	["ball", Vector3(0, 1.2, -4)],
	["box", Vector3(2, 1.2, -4)],
	["gun", Vector3(1, 1.05, -4)],
	["statue", Vector3(6, 0, -6)],
	["vehicle", Vector3(-6, 0, -3)],
]

var me: CharacterBody3D = null
# Who asks, for what.
var _asking: SoireePeer = null
var _asked_for: SoireeEntity = null

@onready var _spawner: SoireeSpawner = $Spawner
@onready var _hud := $Hud


func _ready() -> void:
	_spawner.spawned.connect(_welcome)
	chat_received.connect(func(from: SoireePeer, text: String) -> void: _hud.say("%s: %s" % [from.name, text]))
	peer_joined.connect(func(peer: SoireePeer) -> void: _hud.say("%s is here." % peer.name))
	peer_left.connect(func(peer: SoireePeer, _why: String) -> void: _hud.say("%s has left." % peer.name))
	reconnecting.connect(func(_why: String) -> void: _hud.say("The connection is gone. Coming back…"))
	closed.connect(func(_why: String, words: String) -> void: _hud.say("It is over: %s" % words))
	_hud.wants_in.connect(enter)
	var code := ""
	if OS.has_feature("web"):
		server = str(JavaScriptBridge.eval("location.origin"))
		code = str(JavaScriptBridge.eval("new URLSearchParams(location.search).get('room') ?? ''"))
		transport = str(JavaScriptBridge.eval("new URLSearchParams(location.search).get('transport') ?? 'auto'"))
	if code:
		enter(code, str(JavaScriptBridge.eval("new URLSearchParams(location.search).get('name') ?? 'Godette'")))
	else:
		_hud.show_door()


## Goes in, brings an avatar, and what is missing.
func enter(link_or_code: String, called: String) -> String:
	var trouble := await join(link_or_code, called)
	if trouble:
		_hud.show_door(trouble)
		return trouble
	_hud.hide_door()
	var at := Vector3(randf_range(-2, 2), 0.1, randf_range(-1, 1))
	me = await _spawner.spawn("avatar", Transform3D(Basis.IDENTITY, at))
	if not me:
		return "refused"
	me.drive()
	follow = me
	await _furnish()
	return ""


## What we can reach, the nearest first: things whose kind is one of these.
func nearest(kinds: Array) -> SoireeEntity:
	var best: SoireeEntity = null
	var best_m := REACH_M
	for entity: SoireeEntity in entities.values():
		var away := _node(entity).global_position.distance_to(me.global_position)
		if entity.kind in kinds and away < best_m:
			best = entity
			best_m = away
	return best


## Takes a thing into the hand, asking for it if its rule says so. Empty, or why not.
func take(thing: SoireeEntity, note := "") -> String:
	if not thing:
		return "nothing here"
	if not thing.is_mine():
		if thing.rule == "ask":
			_hud.say("Asking for it…")
		var why := await thing.request_ownership(note if note else "May I?")
		if why:
			_hud.say(_words(why, thing))
			return why
	let_go()
	me.held = _node(thing)
	if me.held is RigidBody3D:
		me.held.freeze = true
	return ""


## Drops what is in the hand.
func let_go(speed := Vector3.ZERO) -> void:
	var body := me.held as RigidBody3D
	me.held = null
	if body and SoireeSpawner.entity_in(body).is_mine():
		body.freeze = false
		body.linear_velocity = speed


## Throws it, where we look.
func throw() -> void:
	if me.held:
		let_go(-me.head.global_basis.z * THROW_M_S + Vector3.UP * 2.0)


## Gets into a car, as its driver if nobody is; or out. Empty, or why not.
func board(car: SoireeEntity) -> String:
	if me.car:
		me.car.wheel = Vector2.ZERO
		me.car = null
		return await me.entity.ride(null)
	if not car:
		return "nothing here"
	var drives := not _has_driver(car)
	if drives and not car.is_mine():
		var why := await car.request_ownership()
		if why:
			_hud.say(_words(why, car))
			return why
	var trouble: String = await me.entity.ride(car, _node(car).seat(drives))
	if not trouble:
		me.car = _node(car)
	return trouble


## Answers who asks us.
func answer_ask(yes: bool) -> void:
	if _asking and _asked_for:
		_asked_for.answer(_asking, yes)
	_asking = null
	_hud.show_ask("")


func _physics_process(_delta: float) -> void:
	if not me or not me.is_driven or _hud.is_typing():
		return
	var wish := Vector2(
		Input.get_axis("ui_left", "ui_right") + _axis(KEY_A, KEY_D),
		Input.get_axis("ui_up", "ui_down") + _axis(KEY_W, KEY_S)
	)
	me.stride = wish
	if me.car and SoireeSpawner.entity_in(me.car).is_mine():
		me.car.wheel = Vector2(-wish.y, -wish.x)


func _unhandled_input(event: InputEvent) -> void:
	if event is InputEventMouseMotion and Input.mouse_mode == Input.MOUSE_MODE_CAPTURED and me:
		me.turn(event.relative * 0.003)
	elif event is InputEventMouseButton and event.pressed and me:
		Input.mouse_mode = Input.MOUSE_MODE_CAPTURED
	elif event is InputEventKey and event.pressed and not event.echo and me:
		_press(event.physical_keycode)


func _press(key: Key) -> void:
	match key:
		KEY_E:
			if me.held:
				let_go()
			else:
				take(nearest(["ball", "box", "gun", "statue"]))
		KEY_F:
			throw()
		KEY_G:
			board(nearest(["vehicle"]))
		KEY_SPACE:
			me.jump()
		KEY_Y:
			answer_ask(true)
		KEY_N:
			answer_ask(false)
		KEY_ESCAPE:
			Input.mouse_mode = Input.MOUSE_MODE_VISIBLE


func _axis(less: Key, more: Key) -> float:
	return float(Input.is_physical_key_pressed(more)) - float(Input.is_physical_key_pressed(less))


func _furnish() -> void:
	var ours := {}
	for thing in FURNITURE:
		var kind: String = thing[0]
		var at := Transform3D(Basis.IDENTITY, thing[1])
		if not ours.has(kind):
			ours[kind] = await _spawner.spawn_once(kind, at) != null
		elif ours[kind]:
			await _spawner.spawn(kind, at)


func _welcome(node: Node3D, entity: SoireeEntity) -> void:
	entity.ownership_asked.connect(_on_asked.bind(entity))
	entity.ownership_changed.connect(_on_owner_changed.bind(node))


func _on_owner_changed(owner: int, _previous: int, _cause: String, node: Node3D) -> void:
	if me and me.held == node and owner != peer_id:
		me.held = null
		_hud.say("It is somebody else's now.")


func _on_asked(peer: SoireePeer, note: String, entity: SoireeEntity) -> void:
	_asking = peer
	_asked_for = entity
	_hud.show_ask("%s asks for the %s: %s   Y / N" % [peer.name, entity.kind, note])
	await get_tree().create_timer(entity.replica.ask_timeout_ms / 1000.0).timeout
	if _asking == peer:
		_asking = null
		_hud.show_ask("")


func _has_driver(car: SoireeEntity) -> bool:
	for replica: SoireeReplica in client.replicas.values():
		if replica.kind == "avatar" and replica.parent_id == car.replica.id and replica.owner == car.owner_id:
			return true
	return false


func _node(entity: SoireeEntity) -> Node3D:
	return entity.get_parent()


func _words(why: String, thing: SoireeEntity) -> String:
	match why:
		"rule":
			return "Nobody gets the %s." % thing.kind
		"denied":
			return "They said no."
		"timeout":
			return "They did not answer."
		"stale":
			return "Somebody else was faster."
	return "No: %s" % why
