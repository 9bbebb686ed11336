/** Rotations as unit quaternions x, y, z, w, and vectors turned by them. Pure. */

/** @typedef {import("./quantise.js").Vector3} Vector3 */
/** @typedef {import("./quantise.js").Quaternion} Quaternion */

/** Cosine of half the angle between two rotations from which on the straight line between them is as good as the arc. */
const NEARLY_ALIKE = 0.9995;

export const IDENTITY = /** @type {Quaternion} */ ([0, 0, 0, 1]);

/** @param {Quaternion} a @param {Quaternion} b @returns {Quaternion} first b, then a */
export function multiply([ax, ay, az, aw], [bx, by, bz, bw]) {
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** @param {Quaternion} rotation @returns {Quaternion} the turn back */
export function inverse([x, y, z, w]) {
  return [-x, -y, -z, w];
}

/** v + w t + q × t, where t = 2 q × v. @param {Quaternion} rotation @param {Vector3} vector @returns {Vector3} */
export function rotate([x, y, z, w], [vx, vy, vz]) {
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  return [vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx];
}

/** On the shorter arc, at an even pace. @param {Quaternion} a @param {Quaternion} b @param {number} share of the way from a @returns {Quaternion} */
export function slerp(a, b, share) {
  const dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = dot < 0 ? -1 : 1;
  let ofA = 1 - share;
  let ofB = share;
  if (sign * dot <= NEARLY_ALIKE) {
    const angle = Math.acos(sign * dot);
    ofA = Math.sin((1 - share) * angle);
    ofB = Math.sin(share * angle);
  }
  ofB *= sign;
  const x = ofA * a[0] + ofB * b[0];
  const y = ofA * a[1] + ofB * b[1];
  const z = ofA * a[2] + ofB * b[2];
  const w = ofA * a[3] + ofB * b[3];
  const norm = Math.sqrt(x * x + y * y + z * z + w * w);
  return [x / norm, y / norm, z / norm, w / norm];
}
