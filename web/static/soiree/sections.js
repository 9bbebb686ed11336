/** Records of state and the sections they travel in (docs/PROTOCOL.md section 5.2). */

import { WireError } from "./errors.js";
import { MAX_PLACED_BYTES, MAX_PROPS_RECORD_BYTES } from "./limits.js";
import * as q from "./quantise.js";

/** @typedef {import("./quantise.js").Vector3} Vector3 */
/** @typedef {import("./quantise.js").Quaternion} Quaternion */

/**
 * @typedef {object} Base where the cells of a frame are counted from
 * @property {number} cx cell index in x
 * @property {number} cz cell index in z
 * @property {number} y 1/256 m
 */

/**
 * @typedef {object} Transform
 * @property {"transform"} slot
 * @property {number} section MOVE, REST, CHILD, FAR or UPRIGHT
 * @property {number} entity id, 0 in a placed record from a client
 * @property {Vector3} position metres; for CHILD relative to the parent
 * @property {Quaternion} rotation
 * @property {Vector3} velocity m/s
 * @property {number} attach attach count (CHILD), else 0
 * @property {number} age ticks that the sample is older than the frame, 0…127
 * @property {boolean} teleport do not interpolate
 */

/** @typedef {{position: Vector3, rotation: Quaternion}} Joint metres relative to the entity */
/** @typedef {{head: Joint | null, left: Joint | null, right: Joint | null}} PoseJoints null: not tracked */
/** @typedef {{slot: "pose", section: number, entity: number, pose: PoseJoints}} Pose */
/** @typedef {{slot: "props", section: number, entity: number, bytes: Uint8Array}} Props */
/** @typedef {Transform | Pose | Props} StateRecord */

export const MOVE = 1;
export const REST = 2;
export const CHILD = 3;
export const POSE = 4;
export const PROPS = 5;
export const FAR = 6;
export const UPRIGHT = 7;

/** Name and size in bytes of each section's record, as in the table of PROTOCOL 5.2; PROPS is followed by its bytes. */
export const SECTIONS = Object.freeze({
  [MOVE]: { name: "MOVE", bytes: 18, slot: "transform" },
  [REST]: { name: "REST", bytes: 14, slot: "transform" },
  [CHILD]: { name: "CHILD", bytes: 18, slot: "transform" },
  [POSE]: { name: "POSE", bytes: 34, slot: "pose" },
  [PROPS]: { name: "PROPS", bytes: 4, slot: "props" },
  [FAR]: { name: "FAR", bytes: 18, slot: "transform" },
  [UPRIGHT]: { name: "UPRIGHT", bytes: 15, slot: "transform" },
});

/** @type {ReadonlyMap<number, number>} */
const RECORD_BYTES = new Map(Object.entries(SECTIONS).map(([kind, { bytes }]) => [Number(kind), bytes]));

const BASE_BYTES = 12;
const TELEPORT = 0x80;
const AGE = 0x7f;
const JOINTS = /** @type {const} */ (["head", "left", "right"]);
/** @type {Joint} */
const UNTRACKED = { position: [0, 0, 0], rotation: [0, 0, 0, 1] };
/** @type {Vector3} */
const STILL = [0, 0, 0];

/** @param {StateRecord} record @returns {number} bytes of its record, without the section's two */
export function recordBytes(record) {
  const bytes = /** @type {number} */ (RECORD_BYTES.get(record.section));
  return record.slot === "props" ? bytes + record.bytes.length : bytes;
}

/** @param {Vector3} position @returns {Base} the base that suits a frame around it */
export function baseAt([x, y, z]) {
  return { cx: q.cellOf(x), cz: q.cellOf(z), y: q.heightUnits(y) };
}

/** @param {Base} base @param {StateRecord} record @returns {boolean} whether a frame of that base can carry it */
export function reaches(base, record) {
  if (record.slot !== "transform" || record.section === CHILD) return true;
  const [x, y, z] = record.position;
  const halfCell = q.CELL_M / 2;
  return Math.abs(x - base.cx * q.CELL_M - halfCell) <= q.REACH_XZ_M
    && Math.abs(z - base.cz * q.CELL_M - halfCell) <= q.REACH_XZ_M
    && Math.abs(y - base.y / q.Y_PER_M) <= q.REACH_Y_M;
}

/** @param {DataView} view @param {number} at @returns {Base} */
export function readBase(view, at) {
  return { cx: view.getInt32(at, true), cz: view.getInt32(at + 4, true), y: view.getInt32(at + 8, true) };
}

/** @param {DataView} view @param {number} at @param {Base} base @throws {WireError} when it is beyond the world */
export function writeBase(view, at, base) {
  for (const value of [base.cx, base.cz, base.y]) if ((value | 0) !== value) throw new WireError("a position outside of the world");
  view.setInt32(at, base.cx, true);
  view.setInt32(at + 4, base.cz, true);
  view.setInt32(at + 8, base.y, true);
}

/** @param {DataView} view @param {number} at @param {StateRecord} record @returns {number} where it ends */
export function writeRecord(view, at, record) {
  if (record.slot === "pose") return writePose(view, at, record);
  if (record.slot === "props") return writeProps(view, at, record);
  return writeTransform(view, at, record);
}

/** @param {DataView} view @param {number} at @param {Transform} record @returns {number} */
function writeTransform(view, at, record) {
  let end = record.section === CHILD ? writeLocal(view, at, record) : writePlace(view, at, record);
  if (record.section === UPRIGHT) {
    view.setUint16(end, q.packYaw(record.rotation), true);
    end += 2;
  } else {
    view.setUint32(end, q.packRotation(record.rotation), true);
    end += 4;
  }
  if (record.section === REST) return end;
  for (const axis of record.section === UPRIGHT ? [0, 2] : [0, 1, 2]) {
    view.setInt8(end++, q.packVelocity(/** @type {number} */ (record.velocity[axis])));
  }
  view.setUint8(end++, Math.min(AGE, Math.max(0, record.age)) | (record.teleport ? TELEPORT : 0));
  return end;
}

/** @param {DataView} view @param {number} at @param {Transform} record @returns {number} */
function writePlace(view, at, { entity, position: [x, y, z] }) {
  const cx = q.cellOf(x);
  const cz = q.cellOf(z);
  view.setUint32(at, (entity | ((cx & 15) << 24) | ((cz & 15) << 28)) >>> 0, true);
  view.setUint16(at + 4, q.withinCell(x), true);
  view.setUint16(at + 6, q.withinCell(z), true);
  view.setUint16(at + 8, q.heightUnits(y) & 0xffff, true);
  return at + 10;
}

/** @param {DataView} view @param {number} at @param {Transform} record @returns {number} */
function writeLocal(view, at, { entity, attach, position }) {
  view.setUint32(at, (entity | (attach << 24)) >>> 0, true);
  position.forEach((metres, axis) => view.setInt16(at + 4 + 2 * axis, q.local16(metres, q.CHILD_PER_M), true));
  return at + 10;
}

/** @param {DataView} view @param {number} at @param {Pose} record @returns {number} */
function writePose(view, at, { entity, pose }) {
  let mask = 0;
  JOINTS.forEach((name, bit) => {
    const joint = pose[name] ?? UNTRACKED;
    if (pose[name]) mask |= 1 << bit;
    const start = at + 4 + 10 * bit;
    joint.position.forEach((metres, axis) => view.setInt16(start + 2 * axis, q.local16(metres, q.POSE_PER_M), true));
    view.setUint32(start + 6, q.packRotation(joint.rotation), true);
  });
  view.setUint32(at, (entity | (mask << 24)) >>> 0, true);
  return at + 34;
}

/** @param {DataView} view @param {number} at @param {Props} record @returns {number} */
function writeProps(view, at, { entity, bytes }) {
  if (bytes.length > MAX_PROPS_RECORD_BYTES) throw new WireError(`PROPS of ${bytes.length} bytes, ${MAX_PROPS_RECORD_BYTES} at most`);
  view.setUint32(at, (entity | (bytes.length << 24)) >>> 0, true);
  for (let i = 0; i < bytes.length; i++) view.setUint8(at + 4 + i, /** @type {number} */ (bytes[i]));
  return at + 4 + bytes.length;
}

/**
 * Reads sections up to the end of the view.
 * @param {DataView} view
 * @param {number} at
 * @param {Base} base
 * @returns {StateRecord[]}
 * @throws {WireError}
 */
export function readSections(view, at, base) {
  /** @type {StateRecord[]} */
  const records = [];
  while (at < view.byteLength) {
    if (view.byteLength - at < 2) throw new WireError("a section is cut off");
    const kind = view.getUint8(at);
    const count = view.getUint8(at + 1);
    const bytes = RECORD_BYTES.get(kind);
    if (bytes === undefined) throw new WireError(`there is no section of kind ${kind}`);
    at += 2;
    if (view.byteLength - at < count * bytes) throw new WireError("a section is cut off");
    for (let i = 0; i < count; i++) at = readRecord(view, at, kind, base, records);
    if (kind === PROPS && at !== view.byteLength) throw new WireError("PROPS is not the last section");
  }
  return records;
}

/** @param {DataView} view @param {number} at @param {number} kind @param {Base} base @param {StateRecord[]} into @returns {number} */
function readRecord(view, at, kind, base, into) {
  if (kind === PROPS) {
    const record = readProps(view, at);
    into.push(record);
    return at + 4 + record.bytes.length;
  }
  into.push(kind === POSE ? readPose(view, at) : readTransform(view, at, kind, base));
  return at + /** @type {number} */ (RECORD_BYTES.get(kind));
}

/** @param {DataView} view @param {number} at @param {number} section @param {Base} base @returns {Transform} */
function readTransform(view, at, section, base) {
  const head = view.getUint32(at, true);
  const entity = head & 0xffffff;
  const attach = section === CHILD ? head >>> 24 : 0;
  const position = readPosition(view, at, section, base, head);
  if (section === UPRIGHT) {
    const rotation = q.unpackYaw(view.getUint16(at + 10, true));
    const last = view.getUint8(at + 14);
    /** @type {Vector3} */
    const velocity = [q.unpackVelocity(view.getInt8(at + 12)), 0, q.unpackVelocity(view.getInt8(at + 13))];
    return { slot: "transform", section, entity, position, rotation, velocity, attach, age: last & AGE, teleport: last >= TELEPORT };
  }
  const rotation = q.unpackRotation(view.getUint32(at + 10, true));
  if (section === REST) return { slot: "transform", section, entity, position, rotation, velocity: STILL, attach, age: 0, teleport: false };
  /** @type {Vector3} */
  const velocity = [
    q.unpackVelocity(view.getInt8(at + 14)), q.unpackVelocity(view.getInt8(at + 15)), q.unpackVelocity(view.getInt8(at + 16)),
  ];
  const last = view.getUint8(at + 17);
  return { slot: "transform", section, entity, position, rotation, velocity, attach, age: last & AGE, teleport: last >= TELEPORT };
}

/** @param {DataView} view @param {number} at @param {number} section @param {Base} base @param {number} where @returns {Vector3} */
function readPosition(view, at, section, base, where) {
  if (section === CHILD) {
    const scale = q.CHILD_PER_M;
    return [view.getInt16(at + 4, true) / scale, view.getInt16(at + 6, true) / scale, view.getInt16(at + 8, true) / scale];
  }
  const [shift, cellM, perM, yPerM] = section === FAR ? [4, 1024, 64, 16] : [0, q.CELL_M, q.XZ_PER_M, q.Y_PER_M];
  const cx = q.unwrapCell((where >>> 24) & 15, base.cx >> shift);
  const cz = q.unwrapCell(where >>> 28, base.cz >> shift);
  const baseY = base.y >> shift;
  return [
    cx * cellM + view.getUint16(at + 4, true) / perM,
    (baseY + q.signed16(view.getUint16(at + 8, true) - baseY)) / yPerM,
    cz * cellM + view.getUint16(at + 6, true) / perM,
  ];
}

/** @param {DataView} view @param {number} at @returns {Pose} */
function readPose(view, at) {
  const ident = view.getUint32(at, true);
  const mask = ident >>> 24;
  /** @type {PoseJoints} */
  const pose = { head: null, left: null, right: null };
  JOINTS.forEach((name, bit) => {
    if (mask & (1 << bit)) pose[name] = readJoint(view, at + 4 + 10 * bit);
  });
  return { slot: "pose", section: POSE, entity: ident & 0xffffff, pose };
}

/** @param {DataView} view @param {number} at @returns {Joint} */
function readJoint(view, at) {
  const scale = q.POSE_PER_M;
  return {
    position: [view.getInt16(at, true) / scale, view.getInt16(at + 2, true) / scale, view.getInt16(at + 4, true) / scale],
    rotation: q.unpackRotation(view.getUint32(at + 6, true)),
  };
}

/** @param {DataView} view @param {number} at @returns {Props} */
function readProps(view, at) {
  if (view.byteLength - at < 4) throw new WireError("a PROPS record is cut off");
  const ident = view.getUint32(at, true);
  const length = ident >>> 24;
  if (view.byteLength - at - 4 < length) throw new WireError("a PROPS record is cut off");
  const start = view.byteOffset + at + 4;
  return { slot: "props", section: PROPS, entity: ident & 0xffffff, bytes: new Uint8Array(view.buffer, start, length).slice() };
}

/**
 * @typedef {object} Placed what a placed record says
 * @property {Transform} transform
 * @property {PoseJoints | null} pose
 * @property {Uint8Array | null} props
 */

/** @param {StateRecord[]} records a transform, then at most one pose and one props @returns {Uint8Array<ArrayBuffer>} */
export function encodePlaced(records) {
  const transform = records[0];
  if (transform?.slot !== "transform") throw new WireError("a placed record needs a transform");
  const bytes = new Uint8Array(BASE_BYTES + records.reduce((sum, record) => sum + 2 + recordBytes(record), 0));
  if (bytes.length > MAX_PLACED_BYTES) throw new WireError(`a placed record of ${bytes.length} bytes, ${MAX_PLACED_BYTES} at most`);
  const view = new DataView(bytes.buffer);
  writeBase(view, 0, transform.section === CHILD ? { cx: 0, cz: 0, y: 0 } : baseAt(transform.position));
  let at = BASE_BYTES;
  for (const record of records) {
    view.setUint8(at, record.section);
    view.setUint8(at + 1, 1);
    at = writeRecord(view, at + 2, record);
  }
  return bytes;
}

/** @param {Uint8Array} bytes @returns {Placed} @throws {WireError} */
export function decodePlaced(bytes) {
  if (bytes.length < BASE_BYTES || bytes.length > MAX_PLACED_BYTES) throw new WireError(`a placed record of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [transform, ...others] = readSections(view, BASE_BYTES, readBase(view, 0));
  if (transform?.slot !== "transform") throw new WireError("a placed record without a transform");
  /** @type {Placed} */
  const placed = { transform, pose: null, props: null };
  for (const record of others) {
    if (record.slot === "pose" && placed.pose === null && placed.props === null) placed.pose = record.pose;
    else if (record.slot === "props" && placed.props === null) placed.props = record.bytes;
    else throw new WireError(`a placed record with its ${record.slot} out of place`);
  }
  return placed;
}
