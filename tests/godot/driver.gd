extends Node
## Lets a test call methods of the scene: each line told is [code][name, arguments…][/code] in JSON,
## answered by [code]said name answer[/code] when the method has returned.


func _process(_delta: float) -> void:
	var told := str(JavaScriptBridge.eval("soiree.told.shift() ?? ''"))
	if told:
		var words: Array = JSON.parse_string(told)
		_do(words[0], words.slice(1))


func _do(what: String, arguments: Array) -> void:
	var answer: Variant = await get_tree().current_scene.callv(what, arguments)
	print("said %s %s" % [what, JSON.stringify(answer)])
