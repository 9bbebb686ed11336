"""The embedded STUN and TURN server, and the credentials for it."""
