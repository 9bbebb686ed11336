@tool
extends EditorPlugin
## Nothing needs to be switched on for games: the nodes are classes. Enabled, the addon is listed with its version.
