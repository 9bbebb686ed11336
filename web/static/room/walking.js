import { rotationOf, yawTowards } from "./headings.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */

export const WALK_M_S = 5;

/** Directions by key, as seen on the map. @type {Readonly<Record<string, readonly [number, number]>>} */
export const DIRECTIONS = Object.freeze({
  KeyW: [0, -1], ArrowUp: [0, -1],
  KeyS: [0, 1], ArrowDown: [0, 1],
  KeyA: [-1, 0], ArrowLeft: [-1, 0],
  KeyD: [1, 0], ArrowRight: [1, 0],
});

/** One's avatar on its feet: held keys are a direction, and the direction a velocity. */
export class Walking {
  /** @type {Entity | null} one's avatar */
  avatar = null;
  /** @type {Set<string>} */
  #held = new Set();
  #moving = false;
  #onMoved;

  /** @param {(avatar: Entity) => void} onMoved */
  constructor(onMoved) {
    this.#onMoved = onMoved;
  }

  /** @param {string} code of a key in DIRECTIONS */
  press(code) {
    this.#held.add(code);
  }

  /** @param {string} code */
  release(code) {
    this.#held.delete(code);
  }

  /** Stands still at once: keys that were held are forgotten. */
  stop() {
    this.#held.clear();
    this.step(0);
  }

  /** @returns {[number, number]} of length 1, or 0, 0 */
  get direction() {
    let x = 0;
    let z = 0;
    for (const code of this.#held) {
      x += DIRECTIONS[code]?.[0] ?? 0;
      z += DIRECTIONS[code]?.[1] ?? 0;
    }
    const length = Math.hypot(Math.sign(x), Math.sign(z));
    return length === 0 ? [0, 0] : [Math.sign(x) / length, Math.sign(z) / length];
  }

  /** @param {number} stepS @returns {boolean} whether it walks */
  step(stepS) {
    const { avatar } = this;
    const [dx, dz] = this.direction;
    const walks = dx !== 0 || dz !== 0;
    if (!avatar?.isMine || avatar.parentId !== 0 || (!walks && !this.#moving)) return false;
    const [x, y, z] = avatar.position;
    const lengthM = WALK_M_S * stepS;
    avatar.set({
      position: [x + dx * lengthM, y, z + dz * lengthM],
      velocity: [dx * WALK_M_S, 0, dz * WALK_M_S],
      upright: true,
      ...(walks ? { rotation: rotationOf(yawTowards(dx, dz)) } : {}),
    });
    this.#onMoved(avatar);
    this.#moving = walks;
    return walks;
  }
}
