extends RefCounted
## Commands under way: each is answered by the message that names its number as [code]re[/code]
## (docs/PROTOCOL.md section 3, "Answers").

## Why a group is refused as a whole, by one answer.
const WHOLE := ["malformed", "rate"]

# Bounded by the session: what is unanswered was at some time unapplied, and answers follow.
var _waiting := {}


class SoireeWaiting:
	extends RefCounted
	signal answered(answers: Array[Dictionary])
	var missing := 1
	var answers: Array[Dictionary] = []


## How a command is refused that never came to the relay.
static func refusal(reason: String, entity := 0) -> Dictionary:
	return {"type": "refused", "n": 0, "re": 0, "entity": entity, "reason": reason, "owner": 0, "epoch": 0}


func size() -> int:
	return _waiting.size()


## Waits for an answer to each of so many messages of the command with this number; one answer only
## when all were refused at once.
func answers_to(n: int, count: int) -> Array[Dictionary]:
	var waiting := SoireeWaiting.new()
	waiting.missing = count
	_waiting[n] = waiting
	return await waiting.answered


## Call it when the message has had its effect, so that who waits sees that.
func settle(message: Dictionary) -> void:
	var re: int = message.get("re", 0)
	if not re or not _waiting.has(re):
		return
	var waiting: SoireeWaiting = _waiting[re]
	var whole: bool = (
		waiting.missing > 1 and waiting.answers.is_empty() and message.type == "refused" and message.reason in WHOLE
	)
	waiting.answers.append(message)
	waiting.missing -= 1
	if whole or waiting.missing == 0:
		_waiting.erase(re)
		waiting.answered.emit(waiting.answers)


## None will be answered any more.
func reject_all(reason: String) -> void:
	var rejected := _waiting
	_waiting = {}
	for waiting: SoireeWaiting in rejected.values():
		waiting.answered.emit([refusal(reason)] as Array[Dictionary])
