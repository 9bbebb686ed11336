"""Games with Godot's own `WebRTCMultiplayerPeer`, carried as they are (docs/PROTOCOL.md section 11).

They are another kind of peer on the same WebRTC engines: their bytes are Godot's, and stand for nothing here beyond what `packets` reads.
"""
