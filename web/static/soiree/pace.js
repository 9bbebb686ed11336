/** How far an entity of ours is ahead of the room's speed limit, reckoned as the relay does but stricter. Pure: ticks are passed in. */

import { TICK_HZ } from "./clock.js";

/** Half of what the relay lets pass: numbers are rounded and clocks differ. */
const SLACK_M = 0.5;
const SLACK_S = 0.05;

export class Pace {
  /** Metres ahead of what the limit would have allowed so far. */
  ahead = 0;

  /** @param {number} tick relay tick of the position before the first step */
  constructor(tick) {
    this.tick = tick;
  }

  /**
   * @param {readonly number[]} from metres
   * @param {readonly number[]} to metres
   * @param {number} tick relay tick of the step
   * @param {number} maxSpeed m/s
   * @returns {boolean} whether that is too fast to be told as anything but a teleport
   */
  step(from, to, tick, maxSpeed) {
    const away = Math.hypot(...to.map((metres, axis) => metres - /** @type {number} */ (from[axis])));
    const elapsedS = Math.max(0, tick - this.tick) / TICK_HZ;
    this.tick = tick;
    this.ahead = Math.max(0, this.ahead + away - elapsedS * maxSpeed);
    if (this.ahead <= SLACK_M + SLACK_S * maxSpeed) return false;
    this.ahead = 0;
    return true;
  }
}
