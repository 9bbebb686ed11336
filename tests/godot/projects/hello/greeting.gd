class_name Greeting
extends RefCounted
## What the class list of a pack must name.


static func words(name: String) -> String:
	return "hello %s" % name
