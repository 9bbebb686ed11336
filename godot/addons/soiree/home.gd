class_name SoireeHome
extends RefCounted
## The party server that this addon came from: a copy that a server gave out names that server.

const ADDRESS := "http://localhost:8080"
