"""Lobbies as the official Godot demo of WebRTC signalling has them, for games that are not to be changed (docs/PROTOCOL.md section 11)."""
