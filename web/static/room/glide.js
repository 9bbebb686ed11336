/** Smooth motion between the updates of an entity: dead reckoning ahead, the error of the last guess decaying. Pure: `now` in seconds. */

/** Time constant of the decay, seconds: 86 % of an error is gone after twice this. */
export const DECAY_S = 0.05;
/** A velocity is believed for so long after it was told, seconds. */
export const BELIEVED_S = 0.25;
/** Errors above this are jumps and not smoothed, metres. */
export const JUMP_M = 10;

/** @typedef {readonly [number, number, number]} Vector x, y, z: metres, or metres per second */

export class Glide {
  #position;
  /** @type {Vector} */
  #velocity = [0, 0, 0];
  #yaw;
  #told;
  #errorX = 0;
  #errorZ = 0;
  #errorYaw = 0;

  /** @param {Vector} position @param {number} yaw radians @param {number} now */
  constructor(position, yaw, now) {
    this.#position = position;
    this.#yaw = yaw;
    this.#told = now;
  }

  /** What was told just now. @param {Vector} position @param {Vector} velocity @param {number} yaw radians @param {number} now */
  tell(position, velocity, yaw, now) {
    const shown = this.at(now);
    this.#errorX = shown.x - position[0];
    this.#errorZ = shown.z - position[2];
    this.#errorYaw = turn(shown.yaw - yaw);
    if (Math.hypot(this.#errorX, this.#errorZ) > JUMP_M) this.#errorX = this.#errorZ = 0;
    this.#position = copy(position);
    this.#velocity = copy(velocity);
    this.#yaw = yaw;
    this.#told = now;
  }

  /** Where it certainly is, as one's own things are. @param {Vector} position @param {number} yaw radians @param {number} now */
  place(position, yaw, now) {
    this.#position = copy(position);
    this.#velocity = [0, 0, 0];
    this.#yaw = yaw;
    this.#told = now;
    this.#errorX = this.#errorZ = this.#errorYaw = 0;
  }

  /** @param {number} now @returns {{x: number, z: number, yaw: number}} metres, radians */
  at(now) {
    const age = Math.max(0, now - this.#told);
    const ahead = Math.min(age, BELIEVED_S);
    const left = Math.exp(-age / DECAY_S);
    return {
      x: this.#position[0] + this.#velocity[0] * ahead + this.#errorX * left,
      z: this.#position[2] + this.#velocity[2] * ahead + this.#errorZ * left,
      yaw: this.#yaw + this.#errorYaw * left,
    };
  }
}

/** @param {Vector} vector @returns {Vector} one that does not change when the entity does */
function copy([x, y, z]) {
  return [x, y, z];
}

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
