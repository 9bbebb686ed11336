extends Node
## Says who it is and what it was given, then answers what it is told.


func _ready() -> void:
	print("engine ", Engine.get_version_info().string)
	print("given ", " ".join(OS.get_cmdline_user_args()))


func _process(_delta: float) -> void:
	var told := str(JavaScriptBridge.eval("soiree.told.shift() ?? ''"))
	if told == "fail":
		push_error("as I was told")
	elif told:
		print(Greeting.words(told))
