/** Frames of the state stream (docs/PROTOCOL.md section 5.1): STATE, DATA, PING, PONG. */

import { WireError } from "./errors.js";
import { MAX_DATA_BYTES, MAX_FRAME_BYTES } from "./limits.js";
import { PROPS, readBase, readSections, recordBytes, writeBase, writeRecord } from "./sections.js";

/** @typedef {import("./sections.js").StateRecord} StateRecord */
/** @typedef {import("./sections.js").Base} Base */

export const STATE = 1;
export const DATA = 2;
export const PING = 3;
export const PONG = 4;
export const STATE_HEADER_BYTES = 28;
/** Flag of STATE: ack_seq and ack_mask are valid. */
export const ACKS = 1;

const DATA_HEADER_BYTES = 6;
const PING_BYTES = 20;
const PONG_BYTES = 20;
const MAX_RECORDS = 255;
const TWO_32 = 2 ** 32;

/**
 * @typedef {object} StateHeader
 * @property {number} seq of the sender's STATE frames, modulo 2¹⁶
 * @property {number} tick relay ticks of 1/60 s, u32
 * @property {Base} base
 * @property {{seq: number, mask: number} | null} ack newest frame received, and which of the 32 before it
 * @property {number} controlApplied last control message applied, modulo 2¹⁶
 */

/** @typedef {{type: 1, records: StateRecord[]} & StateHeader} StateFrame */
/** @typedef {{type: 2, peer: number, bytes: Uint8Array}} DataFrame peer: up, whom it is for; down, who sent it */
/** @typedef {{type: 3, seq: number, tick: number, relayUs: number, rttUs: number}} PingFrame microseconds */
/** @typedef {{type: 4, seq: number, relayUs: number, clientUs: number}} PongFrame microseconds */
/** @typedef {StateFrame | DataFrame | PingFrame | PongFrame} Frame */

/** @param {Uint8Array} bytes @returns {Frame} @throws {WireError} */
export function decodeFrame(bytes) {
  if (bytes.length > MAX_FRAME_BYTES) throw new WireError(`a frame of ${bytes.length} bytes, ${MAX_FRAME_BYTES} at most`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (bytes[0]) {
    case STATE: return decodeState(view);
    case DATA: return decodeData(view, bytes);
    case PING: return decodePing(view);
    case PONG: return decodePong(view);
    default: throw new WireError(bytes.length ? `there is no frame of type ${bytes[0]}` : "an empty frame");
  }
}

/** @param {DataView} view @returns {StateFrame} */
function decodeState(view) {
  if (view.byteLength < STATE_HEADER_BYTES) throw new WireError("a STATE frame is cut off");
  const base = readBase(view, 8);
  const acks = view.getUint8(1) & ACKS;
  return {
    type: STATE,
    seq: view.getUint16(2, true),
    tick: view.getUint32(4, true),
    base,
    ack: acks ? { seq: view.getUint16(20, true), mask: view.getUint32(22, true) } : null,
    controlApplied: view.getUint16(26, true),
    records: readSections(view, STATE_HEADER_BYTES, base),
  };
}

/** @param {DataView} view @param {Uint8Array} bytes @returns {DataFrame} */
function decodeData(view, bytes) {
  const length = bytes.length - DATA_HEADER_BYTES;
  if (length < 0 || length > MAX_DATA_BYTES) throw new WireError(`a DATA frame of ${bytes.length} bytes`);
  return { type: DATA, peer: view.getInt32(2, true), bytes: bytes.slice(DATA_HEADER_BYTES) };
}

/** @param {DataView} view @returns {PingFrame} */
function decodePing(view) {
  if (view.byteLength !== PING_BYTES) throw new WireError(`a PING of ${view.byteLength} bytes`);
  return {
    type: PING, seq: view.getUint16(2, true), tick: view.getUint32(4, true), relayUs: getMicros(view, 8), rttUs: view.getUint32(16, true),
  };
}

/** @param {DataView} view @returns {PongFrame} */
function decodePong(view) {
  if (view.byteLength !== PONG_BYTES) throw new WireError(`a PONG of ${view.byteLength} bytes`);
  return { type: PONG, seq: view.getUint16(2, true), relayUs: getMicros(view, 4), clientUs: getMicros(view, 12) };
}

/** Microseconds as a double: exact for the first 285 years. @param {DataView} view @param {number} at @returns {number} */
const getMicros = (view, at) => view.getUint32(at, true) + TWO_32 * view.getUint32(at + 4, true);

/** @param {DataView} view @param {number} at @param {number} micros */
function setMicros(view, at, micros) {
  view.setUint32(at, micros % TWO_32, true);
  view.setUint32(at + 4, Math.floor(micros / TWO_32), true);
}

/**
 * @param {StateHeader} header
 * @param {StateRecord[]} records within reach of the base and of the frame's size
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {WireError} when they do not fit
 */
export function encodeState(header, records) {
  const sections = bySection(records);
  const size = records.reduce((sum, record) => sum + recordBytes(record), STATE_HEADER_BYTES + 2 * sections.length);
  if (size > MAX_FRAME_BYTES) throw new WireError(`a STATE frame of ${size} bytes, ${MAX_FRAME_BYTES} at most`);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes[0] = STATE;
  bytes[1] = header.ack ? ACKS : 0;
  view.setUint16(2, header.seq, true);
  view.setUint32(4, header.tick, true);
  writeBase(view, 8, header.base);
  view.setUint16(20, header.ack?.seq ?? 0, true);
  view.setUint32(22, header.ack?.mask ?? 0, true);
  view.setUint16(26, header.controlApplied & 0xffff, true);
  let at = STATE_HEADER_BYTES;
  for (const section of sections) {
    view.setUint8(at, /** @type {StateRecord} */ (section[0]).section);
    view.setUint8(at + 1, section.length);
    at += 2;
    for (const record of section) at = writeRecord(view, at, record);
  }
  return bytes;
}

/** @param {StateRecord[]} records @returns {StateRecord[][]} of one kind each, in order of appearance, PROPS last */
function bySection(records) {
  /** @type {Map<number, StateRecord[]>} */
  const sections = new Map();
  for (const record of records) {
    const section = sections.get(record.section);
    if (section) section.push(record);
    else sections.set(record.section, [record]);
  }
  const props = sections.get(PROPS);
  if (props && sections.delete(PROPS)) sections.set(PROPS, props);
  const full = [...sections.values()].some((section) => section.length > MAX_RECORDS);
  if (full) throw new WireError(`more than ${MAX_RECORDS} records in a section`);
  return [...sections.values()];
}

/** @param {number} peer 0 all others, a peer, −n all but n @param {Uint8Array} payload @returns {Uint8Array<ArrayBuffer>} */
export function encodeData(peer, payload) {
  if (payload.length > MAX_DATA_BYTES) throw new WireError(`data of ${payload.length} bytes, ${MAX_DATA_BYTES} at most`);
  const bytes = new Uint8Array(DATA_HEADER_BYTES + payload.length);
  bytes[0] = DATA;
  new DataView(bytes.buffer).setInt32(2, peer, true);
  bytes.set(payload, DATA_HEADER_BYTES);
  return bytes;
}

/** @param {Omit<PingFrame, "type">} ping @returns {Uint8Array<ArrayBuffer>} */
export function encodePing({ seq, tick, relayUs, rttUs }) {
  const bytes = new Uint8Array(PING_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = PING;
  view.setUint16(2, seq, true);
  view.setUint32(4, tick, true);
  setMicros(view, 8, relayUs);
  view.setUint32(16, rttUs, true);
  return bytes;
}

/** @param {Omit<PongFrame, "type">} pong @returns {Uint8Array<ArrayBuffer>} */
export function encodePong({ seq, relayUs, clientUs }) {
  const bytes = new Uint8Array(PONG_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = PONG;
  view.setUint16(2, seq, true);
  setMicros(view, 4, relayUs);
  setMicros(view, 12, Math.floor(clientUs));
  return bytes;
}
