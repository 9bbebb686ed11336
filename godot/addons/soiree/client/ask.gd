class_name SoireeAsk
extends RefCounted
## Somebody asks for an entity of which we are the master, and whose rule is [code]ask[/code]. Say
## [method allow] or [method deny] before [member timeout_ms] have passed; silence denies.

var replica: SoireeReplica
var peer: SoireePeer
## What they say to it.
var note := ""
## How long the relay waits for the answer.
var timeout_ms := 0

var _ticket := 0
var _client: WeakRef
var _answered := false


func _init(client: SoireeClient, about: SoireeReplica, from: SoireePeer, message: Dictionary) -> void:
	replica = about
	peer = from
	note = message.note
	timeout_ms = message.timeout_ms
	_ticket = message.ticket
	_client = weakref(client)


## Gives it to them.
func allow() -> void:
	_answer(true)


## Keeps it from them.
func deny() -> void:
	_answer(false)


func _answer(allowed: bool) -> void:
	var client: SoireeClient = _client.get_ref()
	if client and not _answered:
		_answered = true
		client.command({"type": "answer", "ticket": _ticket, "allow": allowed})
