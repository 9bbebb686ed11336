extends RefCounted
## The bounds of docs/PROTOCOL.md section 8 that a client can meet, by the names they have there.

const MAX_CONTROL_BYTES := 16384
const MAX_FRAME_BYTES := 1152
const MAX_NAME_CHARS := 64
const MAX_KIND_CHARS := 32
const MAX_NOTE_CHARS := 200
const MAX_REASON_CHARS := 100
const MAX_PROPERTIES := 32
const MAX_DATA_BYTES := 1024
const MAX_RELIABLE_DATA_BYTES := 12288
const MAX_AUDIENCES := 32
const MAX_AUDIENCE_PEERS := 256
const MAX_PROPS_RECORD_BYTES := 255
const MAX_PLACED_BYTES := 400
const MAX_GROUP_MESSAGES := 256
const MAX_UNAPPLIED_MESSAGES := 8192
const MAX_UNAPPLIED_BYTES := 1048576
