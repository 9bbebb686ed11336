import { Glide, yawOf } from "./glide.js";

/** @typedef {import("../soiree/entity.js").Entity} Entity */

/** What of an entity is drawn: where it seems to be now, smoothly. */
export class Figure {
  #glide;
  #parent;

  /** @param {Entity} entity @param {number} now seconds */
  constructor(entity, now) {
    this.entity = entity;
    this.#parent = entity.parentId;
    this.#glide = new Glide(entity.position, yawOf(entity.rotation), now);
  }

  /** The entity has changed. @param {number} now seconds */
  tell(now) {
    const { entity } = this;
    const yaw = yawOf(entity.rotation);
    const jumped = entity.teleported || entity.parentId !== this.#parent;
    this.#parent = entity.parentId;
    if (entity.isMine || jumped) this.#glide.place(entity.position, yaw, now);
    else this.#glide.tell(entity.position, entity.velocity, yaw, now);
  }

  /**
   * Where it seems to be in the world; a child rides along with its parent.
   * @param {number} now seconds
   * @param {ReadonlyMap<number, Figure>} figures
   * @param {number} [depth] of parents still followed
   * @returns {{x: number, z: number, yaw: number}} metres, radians
   */
  at(now, figures, depth = 8) {
    const own = this.#glide.at(now);
    const parent = depth > 0 ? figures.get(this.entity.parentId) : undefined;
    if (!parent) return own;
    const base = parent.at(now, figures, depth - 1);
    const cos = Math.cos(base.yaw);
    const sin = Math.sin(base.yaw);
    return { x: base.x + own.x * cos + own.z * sin, z: base.z - own.x * sin + own.z * cos, yaw: base.yaw + own.yaw };
  }
}
