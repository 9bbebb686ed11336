import { approach } from "./headings.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */

/** Fastest that a carried thing follows the hand, m/s: rooms refuse what is faster than 100 m/s by default. */
const FASTEST_M_S = 50;

/** One of one's own things that follows the pointer, and keeps to what it can do in the time. */
export class Carrying {
  /** @type {Entity | null} */
  entity = null;
  #target = { x: 0, z: 0 };
  #at = { x: 0, z: 0 };
  #velocity = { x: 0, z: 0 };
  #grip = { x: 0, z: 0 };
  #dropped = false;
  #onMoved;

  /** @param {(entity: Entity) => void} onMoved */
  constructor(onMoved) {
    this.#onMoved = onMoved;
  }

  /** @param {Entity} entity @param {{x: number, z: number}} hand metres */
  take(entity, hand) {
    const [x, , z] = entity.position;
    this.entity = entity;
    this.#at = this.#target = { x, z };
    this.#velocity = { x: 0, z: 0 };
    this.#grip = { x: x - hand.x, z: z - hand.z };
    this.#dropped = false;
  }

  /** @param {{x: number, z: number}} hand metres */
  follow(hand) {
    this.#target = { x: hand.x + this.#grip.x, z: hand.z + this.#grip.z };
  }

  /** It goes on to where the hand was last, and rests there. */
  drop() {
    this.#dropped = true;
  }

  /** @param {number} stepS @returns {boolean} whether it is still carried or on its way */
  step(stepS) {
    const { entity } = this;
    if (!entity) return false;
    if (!entity.isMine) {
      this.entity = null; // taken out of our hands
      return false;
    }
    const next = approach(this.#at, this.#target, FASTEST_M_S * stepS);
    if (stepS > 0) {
      // A mouse moves in jerks: what others foresee from is the motion of the last tenth of a second.
      const share = Math.min(1, stepS / 0.08);
      this.#velocity.x += ((next.x - this.#at.x) / stepS - this.#velocity.x) * share;
      this.#velocity.z += ((next.z - this.#at.z) / stepS - this.#velocity.z) * share;
    }
    this.#at = next;
    const arrived = this.#dropped && next.x === this.#target.x && next.z === this.#target.z;
    const still = arrived || Math.hypot(this.#velocity.x, this.#velocity.z) < 0.05;
    entity.set({ position: [next.x, entity.position[1], next.z], velocity: still ? [0, 0, 0] : [this.#velocity.x, 0, this.#velocity.z] });
    this.#onMoved(entity);
    if (arrived) this.entity = null;
    return this.entity !== null;
  }
}
