/** Which way somebody faces on the map, and steps across it. Pure: metres, radians about the vertical axis, counted from −Z (north) to the left. */

/** An angle brought between −π and π. @param {number} angle radians */
export function turn(angle) {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

/**
 * The turn about the vertical axis that a rotation does, counted from −Z (north) to the left.
 * @param {readonly [number, number, number, number]} rotation quaternion x, y, z, w
 */
export function yawOf([x, y, z, w]) {
  return Math.atan2(2 * (w * y + x * z), 1 - 2 * (x * x + y * y));
}

/** @param {number} yaw radians @returns {[number, number, number, number]} quaternion */
export function rotationOf(yaw) {
  return [0, Math.sin(yaw / 2), 0, Math.cos(yaw / 2)];
}

/** The yaw of somebody who looks along a direction. @param {number} x @param {number} z */
export function yawTowards(x, z) {
  return Math.atan2(-x, -z);
}

/**
 * One step from a place towards another, not further than a length.
 * @param {{x: number, z: number}} from @param {{x: number, z: number}} to @param {number} most metres
 */
export function approach(from, to, most) {
  const dx = to.x - from.x;
  const dz = to.z - from.z;
  const distance = Math.hypot(dx, dz);
  if (distance <= most) return { x: to.x, z: to.z };
  return { x: from.x + (dx / distance) * most, z: from.z + (dz / distance) * most };
}
