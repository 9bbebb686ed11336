"""The wire format: control messages and state frames, to bytes and back (docs/PROTOCOL.md).

Pure core: bytes in, messages out; whatever a peer sends either decodes or raises one class of error.
"""
