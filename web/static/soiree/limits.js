/** The bounds of docs/PROTOCOL.md section 8 that a client can meet, by the names that the document gives them. */

export const MAX_CONTROL_BYTES = 16384;
export const MAX_FRAME_BYTES = 1152;
export const MAX_NAME_CHARS = 64;
export const MAX_KIND_CHARS = 32;
export const MAX_NOTE_CHARS = 200;
export const MAX_REASON_CHARS = 100;
export const MAX_PROPERTIES = 32;
export const MAX_DATA_BYTES = 1024;
export const MAX_RELIABLE_DATA_BYTES = 12288;
export const MAX_AUDIENCES = 32;
export const MAX_AUDIENCE_PEERS = 256;
export const MAX_PROPS_RECORD_BYTES = 255;
export const MAX_PLACED_BYTES = 400;
export const MAX_GROUP_MESSAGES = 256;
export const MAX_UNAPPLIED_MESSAGES = 8192;
export const MAX_UNAPPLIED_BYTES = 1048576;
