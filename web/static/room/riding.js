import { rotationOf, turn, yawOf, yawTowards } from "./headings.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */

/** How near one must stand to get in, metres from the middle of a vehicle. */
export const REACH_M = 4;
/** What may be got into, and where one sits in it. @type {Readonly<Record<string, [number, number, number]>>} */
const SEATS = { cabin: [-0.4, 0.3, -0.4], vehicle: [0, 0.6, 0] };
/** Beside the vehicle, where one gets out, metres to its left. */
const STEP_OUT_M = 1.8;
export const TOP_SPEED_M_S = 14;
const SPEED_UP_M_S2 = 7;
const BRAKE_M_S2 = 14;
/** Fastest turn, rad/s. */
const TURN_RAD_S = 2.2;

/** Getting into vehicles and out again, and driving what one owns. */
export class Riding {
  /** @type {Entity | null} one's own */
  avatar = null;
  #speed = 0;

  /** The vehicle that one sits in, whatever in it. @returns {Entity | null} */
  get vehicle() {
    let entity = this.avatar?.parent ?? null;
    for (let depth = 0; entity && entity.kind !== "vehicle" && depth < 8; depth++) entity = entity.parent;
    return entity;
  }

  /**
   * What one could get into from where one stands: the nearest, a cabin rather than the vehicle that it is in.
   * @param {Iterable<Entity>} entities
   * @returns {Entity | null}
   */
  nearby(entities) {
    const { avatar } = this;
    if (!avatar || avatar.parentId) return null;
    const [x, , z] = avatar.position;
    let found = null;
    let least = REACH_M;
    for (const entity of entities) {
      if (!(entity.kind in SEATS) || !mayEnter(entity, avatar)) continue;
      const [ex, , ez] = entity.worldPosition();
      const away = Math.hypot(ex - x, ez - z) - (entity.kind === "cabin" ? 0.5 : 0);
      if (away < least) [found, least] = [entity, away];
    }
    return found;
  }

  /** Gets in, and takes the wheel where anybody may. @param {Entity} seat a cabin or a vehicle; rejects with RefusedError */
  async board(seat) {
    const { avatar } = this;
    if (!avatar) return;
    await avatar.setParent(seat, { position: SEATS[seat.kind] ?? [0, 0, 0], rotation: [0, 0, 0, 1], upright: true });
    this.#speed = 0;
    const { vehicle } = this;
    if (vehicle && !vehicle.isMine && (vehicle.isMastered || (vehicle.rule === "allow" && vehicle.owner === vehicle.master))) await vehicle.request("to drive it");
  }

  /** Gets out, beside it, and leaves it standing. */
  async alight() {
    const { avatar, vehicle } = this;
    if (!avatar?.parent) return;
    if (vehicle?.isMine) vehicle.set({ velocity: [0, 0, 0] });
    const { position: [x, y, z], rotation } = (vehicle ?? avatar.parent).smooth();
    const yaw = yawOf(rotation);
    await avatar.setParent(null, { position: [x - Math.cos(yaw) * STEP_OUT_M, y, z + Math.sin(yaw) * STEP_OUT_M], rotation: rotationOf(yaw), upright: true });
  }

  /**
   * Drives the way that the keys say, turning towards it.
   * @param {number} stepS
   * @param {[number, number]} direction x and z, of length 1, or 0, 0
   * @returns {boolean} whether it moves
   */
  step(stepS, [dx, dz]) {
    const { vehicle } = this;
    const wants = dx !== 0 || dz !== 0;
    if (!vehicle?.isMine || vehicle.parentId || (!wants && this.#speed === 0)) return false;
    const yaw = yawOf(vehicle.rotation);
    const off = wants ? turn(yawTowards(dx, dz) - yaw) : 0;
    // Round a sharp bend one brakes.
    const wanted = wants ? TOP_SPEED_M_S * Math.max(0.25, Math.cos(off)) : 0;
    const change = wanted > this.#speed ? SPEED_UP_M_S2 : BRAKE_M_S2;
    this.#speed += Math.max(-change * stepS, Math.min(change * stepS, wanted - this.#speed));
    const most = TURN_RAD_S * stepS;
    const heading = yaw + Math.max(-most, Math.min(most, off));
    const vx = -Math.sin(heading) * this.#speed;
    const vz = -Math.cos(heading) * this.#speed;
    const [x, y, z] = vehicle.position;
    vehicle.set({ position: [x + vx * stepS, y, z + vz * stepS], velocity: [vx, 0, vz], rotation: rotationOf(heading), upright: true });
    return this.#speed > 0;
  }
}

/** @param {Entity} seat @param {Entity} avatar @returns {boolean} */
function mayEnter(seat, avatar) {
  return seat.attachRule === "allow" || (seat.attachRule === "owner" && seat.owner === avatar.owner);
}
