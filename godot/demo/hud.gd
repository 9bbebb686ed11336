extends CanvasLayer
## What is said on the screen: news, who asks, how the connection is; and the door, for who has no room yet.

signal wants_in(link_or_code: String, called: String)

const NEWS_S := 6.0
const HELP := "WASD walk · mouse look · E take · F throw · G car · space jump"

var _news := Label.new()
var _ask := Label.new()
var _strip := Label.new()
var _door := VBoxContainer.new()
var _code := LineEdit.new()
var _name := LineEdit.new()
var _trouble := Label.new()
var _said_at := 0.0


func _ready() -> void:
	for label: Label in [_news, _ask, _strip]:
		label.add_theme_constant_override("outline_size", 6)
		label.add_theme_color_override("font_outline_color", Color(0, 0, 0, 0.6))
		add_child(label)
	_news.set_anchors_and_offsets_preset(Control.PRESET_BOTTOM_LEFT, Control.PRESET_MODE_MINSIZE, 16)
	_news.grow_vertical = Control.GROW_DIRECTION_BEGIN
	_ask.set_anchors_and_offsets_preset(Control.PRESET_CENTER_TOP, Control.PRESET_MODE_MINSIZE, 48)
	_ask.grow_horizontal = Control.GROW_DIRECTION_BOTH
	_strip.set_anchors_and_offsets_preset(Control.PRESET_TOP_LEFT, Control.PRESET_MODE_MINSIZE, 16)
	_news.text = HELP
	_make_door()


func _make_door() -> void:
	_code.placeholder_text = "Room code or link"
	_name.placeholder_text = "Your name"
	_code.custom_minimum_size.x = 280
	var enter := Button.new()
	enter.text = "Go in"
	enter.pressed.connect(_knock)
	_code.text_submitted.connect(func(_text: String) -> void: _knock())
	for part: Control in [_name, _code, enter, _trouble]:
		_door.add_child(part)
	_door.set_anchors_and_offsets_preset(Control.PRESET_CENTER, Control.PRESET_MODE_MINSIZE)
	_door.grow_horizontal = Control.GROW_DIRECTION_BOTH
	_door.visible = false
	add_child(_door)


func _process(_delta: float) -> void:
	var room: SoireeRoom = get_parent()
	var stats := room.stats()
	if stats:
		_strip.text = (
			"%s · %d here · %d ms · %.0f kbit/s in"
			% [stats.rung if stats.rung else "…", room.peers.size(), stats.rtt_ms, stats.kbit_s_in]
		)
	if _said_at and Time.get_ticks_msec() / 1000.0 - _said_at > NEWS_S:
		_news.text = HELP
		_said_at = 0.0


## Tells something for a while.
func say(text: String) -> void:
	_news.text = text
	_said_at = Time.get_ticks_msec() / 1000.0


## Who asks; empty for nobody.
func show_ask(text: String) -> void:
	_ask.text = text


func show_door(trouble := "") -> void:
	_trouble.text = trouble
	_door.visible = true
	_code.grab_focus()


func hide_door() -> void:
	_door.visible = false


## Whether keys are letters now.
func is_typing() -> bool:
	return _door.visible


func _knock() -> void:
	var called := _name.text.strip_edges()
	wants_in.emit(_code.text.strip_edges(), called if called else "Godette")
