/** Floating point to wire integers and back (docs/PROTOCOL.md section 5.2). Metres, metres per second, radians, quaternions x y z w. */

/** @typedef {[number, number, number]} Vector3 metres, or metres per second */
/** @typedef {[number, number, number, number]} Quaternion x, y, z, w */

export const CELL_M = 64;
export const XZ_PER_M = 1024;
export const Y_PER_M = 256;
export const CHILD_PER_M = 1024;
export const POSE_PER_M = 4096;
/** How far from the centre of the base cell, or from base_y, a record may lie. */
export const REACH_XZ_M = 448;
export const REACH_Y_M = 127;

const ROTATION_SCALE = Math.SQRT2 * 511;
const VELOCITY_SCALE = 14;

const UNITS_PER_CELL = CELL_M * XZ_PER_M;

/** The one rounding of the protocol: Math.round differs from it next to ½. @param {number} value @returns {number} */
const round = (value) => Math.floor(value + 0.5);

/** @param {number} metres x or z @returns {number} the cell that it lies in, once rounded */
export const cellOf = (metres) => Math.floor(round(metres * XZ_PER_M) / UNITS_PER_CELL);

/** @param {number} metres x or z @returns {number} u16 within its cell */
export const withinCell = (metres) => round(metres * XZ_PER_M) - cellOf(metres) * UNITS_PER_CELL;

/** @param {number} metres height @returns {number} 1/256 m */
export const heightUnits = (metres) => round(metres * Y_PER_M);

/** @param {number} value @returns {number} the low 16 bits as a signed number */
export const signed16 = (value) => (value << 16) >> 16;

/** @param {number} low4 @param {number} base @returns {number} the whole cell index nearest to base with these low 4 bits */
export const unwrapCell = (low4, base) => base + ((low4 - base + 8) & 15) - 8;

/** @param {number} metres @param {number} perMetre @returns {number} i16, held to its range */
export const local16 = (metres, perMetre) => Math.max(-32768, Math.min(32767, round(metres * perMetre)));

/** @param {Quaternion} rotation of any length but 0 @returns {number} u32, smallest three */
export function packRotation(rotation) {
  const length = Math.hypot(...rotation);
  const q = length > 0 && Number.isFinite(length) ? rotation.map((c) => c / length) : [0, 0, 0, 1];
  let largest = 0;
  for (let i = 1; i < 4; i++) if (Math.abs(/** @type {number} */ (q[i])) > Math.abs(/** @type {number} */ (q[largest]))) largest = i;
  const sign = /** @type {number} */ (q[largest]) < 0 ? -1 : 1;
  let packed = largest;
  for (let i = 0; i < 4; i++) {
    if (i !== largest) packed = packed * 1024 + Math.round(sign * /** @type {number} */ (q[i]) * ROTATION_SCALE) + 512;
  }
  return packed;
}

/** @param {number} packed u32 @returns {Quaternion} of length 1 */
export function unpackRotation(packed) {
  const largest = packed >>> 30;
  /** @type {Quaternion} */
  const q = [0, 0, 0, 0];
  let shift = 20;
  let squares = 0;
  for (let i = 0; i < 4; i++) {
    if (i === largest) continue;
    const c = (((packed >>> shift) & 1023) - 512) / ROTATION_SCALE;
    q[i] = c;
    squares += c * c;
    shift -= 10;
  }
  q[largest] = Math.sqrt(Math.max(0, 1 - squares));
  return q;
}

/** @param {number} metresPerSecond @returns {number} i8, square-root companded */
export function packVelocity(metresPerSecond) {
  const magnitude = Math.min(127, round(Math.sqrt(Math.abs(metresPerSecond)) * VELOCITY_SCALE));
  return metresPerSecond < 0 ? -magnitude : magnitude;
}

/** @param {number} packed i8 @returns {number} metres per second */
export const unpackVelocity = (packed) => Math.sign(packed) * (packed / VELOCITY_SCALE) ** 2 || 0;

/** @param {Quaternion} rotation @returns {number} u16, its angle about +Y */
export function packYaw([, y, , w]) {
  const turns = Math.atan2(y, w) / Math.PI;
  return round(turns * 65536) & 0xffff;
}

/** @param {number} packed u16 @returns {Quaternion} */
export function unpackYaw(packed) {
  const half = (packed / 65536) * Math.PI;
  return [0, Math.sin(half), 0, Math.cos(half)];
}
