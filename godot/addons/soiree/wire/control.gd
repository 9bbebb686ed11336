extends RefCounted
## Control messages (docs/PROTOCOL.md section 4): the table, and bytes to messages and back.
##
## In the program a message is a dictionary: [code]type[/code] is its name in that table,
## [code]n[/code] its number, and the fields bear the document's names.

const SoireeLimits := preload("limits.gd")
const SoireeMsgPack := preload("msgpack.gd")

## Major and minor version of the protocol.
const VERSION: Array[int] = [1, 0]
## Types that belong to a connection and have number 0.
const UNNUMBERED: Array[String] = ["hello", "welcome", "error", "bye"]
## The table of PROTOCOL section 4: code to name, who says it, and fields with the check of each.
const MESSAGES := {
	1: ["hello", "c", "version version", "applied u32", "fresh bool", "agent name", "capabilities capabilities"],
	2:
	[
		"welcome",
		"r",
		"version version",
		"applied u32",
		"fresh bool",
		"peer peer",
		"host bool",
		"room room",
		"tick u32",
		"tick_hz hz",
		"capabilities capabilities"
	],
	3: ["error", "r", "code reason", "message text"],
	4: ["bye", "cr", "reason reason"],
	5: ["peer_joined", "r", "peer peer", "name name", "away bool"],
	6: ["peer_away", "r", "peer peer", "away bool"],
	7: ["peer_left", "r", "peer peer", "reason reason"],
	10:
	[
		"spawn",
		"c",
		"kind kind",
		"state placed",
		"rule rule",
		"lifetime lifetime",
		"properties properties",
		"parent earlier",
		"attach_rule attach_rule",
		"condition condition",
		"relevance relevance"
	],
	11:
	[
		"spawned",
		"r",
		"re u32",
		"entity entity",
		"uuid uuid",
		"kind kind",
		"owner nobody",
		"master nobody",
		"rule rule",
		"epoch u32",
		"lifetime lifetime",
		"attach_rule attach_rule",
		"ask_timeout_ms timeout",
		"fallback fallback",
		"parent none",
		"attach u8",
		"properties properties",
		"tick u32",
		"state placed"
	],
	12: ["despawn", "c", "entity entity", "children children"],
	13: ["despawned", "r", "re u32", "entity entity", "reason reason"],
	14: ["request", "c", "entity entity", "epoch u32", "note note"],
	15: ["ask", "r", "ticket u32", "entity entity", "peer peer", "note note", "timeout_ms timeout"],
	16: ["answer", "c", "ticket u32", "allow bool"],
	17: ["granted", "r", "re u32", "entity entity", "owner nobody", "epoch u32", "tick u32", "cause cause"],
	18: ["refused", "r", "re u32", "entity none", "reason reason", "owner nobody", "epoch u32"],
	19: ["assign", "c", "entity entity", "peer peer", "subtree bool"],
	20: ["release", "c", "entity entity"],
	21: ["set_rule", "c", "entity entity", "rule rule", "ask_timeout_ms timeout", "fallback fallback"],
	22: ["rule_set", "r", "re u32", "entity entity", "rule rule", "ask_timeout_ms timeout", "fallback fallback"],
	23: ["set_master", "c", "entity entity", "peer peer"],
	24: ["master_set", "r", "re u32", "entity entity", "master nobody"],
	25: ["set_lifetime", "c", "entity entity", "lifetime lifetime"],
	26: ["lifetime_set", "r", "re u32", "entity entity", "lifetime lifetime"],
	27: ["set_parent", "c", "entity entity", "parent earlier", "state placed", "condition condition"],
	28: ["parent_set", "r", "re u32", "entity entity", "parent none", "attach u8", "tick u32", "state placed"],
	29: ["set_attach_rule", "c", "entity entity", "attach_rule attach_rule"],
	30: ["attach_rule_set", "r", "re u32", "entity entity", "attach_rule attach_rule"],
	31: ["set_properties", "c", "entity entity", "properties properties"],
	32: ["properties_set", "r", "re u32", "entity entity", "properties properties"],
	33: ["send_event", "c", "name name", "payload anything", "to address", "entity none", "condition condition"],
	34: ["event", "r", "re u32", "peer peer", "name name", "payload anything", "entity none"],
	35: ["send_data", "c", "to address", "payload data"],
	36: ["data", "r", "peer peer", "payload data"],
	37: ["view", "c", "x coordinate", "y coordinate", "z coordinate", "radius_m radius"],
	38: ["budget", "c", "kbit_s budget"],
	39: ["done", "r", "re u32"],
	40: ["group", "cr", "messages messages"],
	42: ["set_audience", "c", "audience audience", "peers audienced"],
}

const _U32 := 0xffffffff
## Integers: lowest and highest.
const _INTEGERS := {
	"u32": [0, _U32],
	"u8": [0, 255],
	"hz": [1, 1000],
	"timeout": [100, 60000],
	"budget": [0, 1000000],
	"entity": [1, 0xffffff],
	"none": [0, 0xffffff],
	# −k: what the k-th message of the same group spawns.
	"earlier": [-SoireeLimits.MAX_GROUP_MESSAGES, 0xffffff],
	"peer": [2, 0x7fffffff],
	"nobody": [0, 0x7fffffff],
	"audience": [0, SoireeLimits.MAX_AUDIENCES - 1],
	"address": [-0x7fffffff, 0x7fffffff],
}
## Texts: fewest and most characters.
const _TEXTS := {
	"name": [1, SoireeLimits.MAX_NAME_CHARS],
	"kind": [1, SoireeLimits.MAX_KIND_CHARS],
	"note": [0, SoireeLimits.MAX_NOTE_CHARS],
	"reason": [0, SoireeLimits.MAX_REASON_CHARS],
	"text": [0, SoireeLimits.MAX_CONTROL_BYTES],
	"capability": [0, 32],
}
## Bytes: fewest and most.
const _BYTES := {
	"placed": [28, SoireeLimits.MAX_PLACED_BYTES],
	"data": [0, SoireeLimits.MAX_RELIABLE_DATA_BYTES],
	"uuid": [16, 16],
}
## One of these words.
const _WORDS := {
	"rule": ["ask", "allow", "deny"],
	"lifetime": ["with-master", "with-room", "persistent"],
	"attach_rule": ["allow", "owner", "deny"],
	"children": ["reparent", "along"],
	"relevance": ["near", "always"],
	"cause": ["request", "answer", "assign", "release", "lapse", "left", "resume", "adopt"],
}
## Real numbers: lowest and highest.
const _REALS := {"coordinate": [-137438953472.0, 137438953472.0], "radius": [0.0, 65536.0]}
## Checks that nil passes.
const _NIL := ["fallback", "condition", "anything"]

static var _codes := {}


## What [method decode] has read.
class SoireeDecoded:
	extends RefCounted
	## With a [code]type[/code] of null if it is of a later minor version: its number counts,
	## nothing else does.
	var message := {}
	## Why it cannot be read.
	var failure := ""


## Whether messages of that type are numbered.
static func is_numbered(type: Variant) -> bool:
	return not UNNUMBERED.has(type)


## A field left out is nil; the [code]messages[/code] of a group are such dictionaries too, with
## number 0. No bytes when a field is not what the table says, or the whole is longer than
## MAX_CONTROL_BYTES; [method why_not] tells.
static func encode(message: Dictionary) -> PackedByteArray:
	var bytes := PackedByteArray() if why_not(message) else SoireeMsgPack.encode(_to_array(message))
	return PackedByteArray() if bytes.size() > SoireeLimits.MAX_CONTROL_BYTES else bytes


## Why a message cannot be sent, empty when it can.
static func why_not(message: Dictionary) -> String:
	var code := _code_of(message.get("type", ""))
	if code == 0:
		return "there is no message %s" % message.get("type", "")
	var row: Array = MESSAGES[code]
	for i in range(2, row.size()):
		var field: PackedStringArray = row[i].split(" ")
		var value: Variant = _value_of(message, field[0])
		if not _holds(field[1], value):
			return "%s.%s cannot be %s" % [row[0], field[0], str(value).left(64)]
		if field[1] == "messages":
			for one: Variant in value:
				if one.type == "group" or not is_numbered(one.type):
					return "%s cannot be in a group" % one.type
				var trouble := why_not(one)
				if trouble:
					return trouble
	return ""


static func _to_array(message: Dictionary) -> Array:
	var code := _code_of(message.type)
	var array := [code, message.get("n", 0)]
	var row: Array = MESSAGES[code]
	for i in range(2, row.size()):
		var name: String = row[i].get_slice(" ", 0)
		var value: Variant = _value_of(message, name)
		array.append(value.map(_to_array) if name == "messages" else value)
	return array


static func _value_of(message: Dictionary, field: String) -> Variant:
	return message.get(field, "near" if field == "relevance" else null)


static func _code_of(type: String) -> int:
	if _codes.is_empty():
		for code: int in MESSAGES:
			_codes[MESSAGES[code][0]] = code
	return _codes.get(type, 0)


## Reads a message of the relay ([code]r[/code]) or of a client ([code]c[/code]).
static func decode(bytes: PackedByteArray, from := "r") -> SoireeDecoded:
	var decoded := SoireeDecoded.new()
	if bytes.size() > SoireeLimits.MAX_CONTROL_BYTES:
		decoded.failure = "a message of %d bytes" % bytes.size()
		return decoded
	var reader := SoireeMsgPack.decode(bytes)
	decoded.failure = reader.failure
	if not decoded.failure:
		decoded.failure = _from_array(reader.value, from, decoded.message)
	return decoded


# Fills the message; why it cannot be read.
static func _from_array(array: Variant, from: String, message: Dictionary) -> String:
	if not array is Array or array.size() < 2:
		return "a control message is an array [type, n, …]"
	if not _integer(array[0], 0, _U32) or not _integer(array[1], 0, _U32):
		return "a control message begins with its type and its number"
	message.n = array[1]
	message.type = null
	if not MESSAGES.has(array[0]):
		return ""
	var row: Array = MESSAGES[array[0]]
	message.type = row[0]
	if not row[1].contains(from):
		return "%s comes from the other side" % row[0]
	for i in range(2, row.size()):
		var failure := _read_field(row[i], array, i, from, message)
		if failure:
			return "%s: %s" % [row[0], failure]
	return ""


static func _read_field(field: String, array: Array, i: int, from: String, into: Dictionary) -> String:
	var name := field.get_slice(" ", 0)
	var check := field.get_slice(" ", 1)
	if i >= array.size() and name != "relevance":
		return "lacks fields"
	var value: Variant = array[i] if i < array.size() else "near"
	if not _holds(check, value):
		return "%s is out of range" % name
	into[name] = float(value) if check in _REALS else value
	return _read_group(into, value, from) if check == "messages" else ""


static func _read_group(into: Dictionary, arrays: Array, from: String) -> String:
	var messages: Array[Dictionary] = []
	for array: Variant in arrays:
		var message := {}
		var failure := _from_array(array, from, message)
		if failure:
			return failure
		if message.n != 0:
			return "a message in a group has number 0"
		if message.type == "group" or not is_numbered(message.type):
			return "%s cannot be in a group" % message.type
		messages.append(message)
	into.messages = messages
	return ""


static func _integer(value: Variant, low: int, high: int) -> bool:
	return value is int and value >= low and value <= high


static func _text(value: Variant, low: int, high: int) -> bool:
	return (value is String or value is StringName) and value.length() >= low and value.length() <= high


static func _holds(check: String, value: Variant) -> bool:
	if value == null:
		return check in _NIL
	if check in _INTEGERS:
		return _integer(value, _INTEGERS[check][0], _INTEGERS[check][1])
	if check in _TEXTS:
		return _text(value, _TEXTS[check][0], _TEXTS[check][1])
	if check in _WORDS:
		return value in _WORDS[check]
	if check in _BYTES:
		return value is PackedByteArray and value.size() >= _BYTES[check][0] and value.size() <= _BYTES[check][1]
	if check in _REALS:
		return (value is float or value is int) and value >= _REALS[check][0] and value <= _REALS[check][1]
	return _holds_more(check, value)


static func _holds_more(check: String, value: Variant) -> bool:
	match check:
		"bool":
			return value is bool
		"fallback":
			return value in _WORDS.rule
		"condition":
			return (
				value is Array and value.size() >= 2 and _integer(value[0], 0, 0xffffff) and _integer(value[1], 0, _U32)
			)
		"version":
			return value is Array and value.size() >= 2 and value.all(_integer.bind(0, 65535))
		"capabilities":
			return value is Array and value.size() <= 32 and value.all(_text.bind(0, 32))
		"audienced":
			return (
				value is Array
				and value.size() <= SoireeLimits.MAX_AUDIENCE_PEERS
				and value.all(_integer.bind(2, 0x7fffffff))
			)
		"messages":
			return value is Array and value.size() >= 1 and value.size() <= SoireeLimits.MAX_GROUP_MESSAGES
		"properties":
			return (
				value is Dictionary
				and value.size() <= SoireeLimits.MAX_PROPERTIES
				and value.keys().all(_property.bind(value))
			)
		"room":
			return (
				value is Dictionary
				and value.get("id") is String
				and value.get("code") is String
				and value.get("name") is String
				and _holds("coordinate", value.get("max_speed_m_s"))
			)
	return check == "anything"


static func _property(key: Variant, properties: Dictionary) -> bool:
	var value: Variant = properties[key]
	return (
		_text(key, 1, SoireeLimits.MAX_KIND_CHARS)
		and (value == null or value is bool or value is int or value is float or value is String)
	)
