class_name SoireePeer
extends RefCounted
## Somebody in a room.

## Unique in the room.
var id := 0
## As they call themselves.
var name := ""
## Whether their connection is gone, and they may come back.
var away := false
## Whether it is ourselves.
var is_self := false
