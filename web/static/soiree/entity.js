/** A thing in the room: what is known of it, and what may be done to it (docs/PROTOCOL.md sections 4 and 7). */

import { TICK_HZ } from "./clock.js";
import { RefusedError, SoireeError } from "./errors.js";
import { alike, Playback } from "./interpolation.js";
import { outward } from "./motion.js";
import { IDENTITY, inverse, multiply, rotate } from "./rotation.js";
import { CHILD, encodePlaced, FAR, MOVE, POSE, PROPS, REST, UPRIGHT } from "./sections.js";

/** @typedef {import("./quantise.js").Vector3} Vector3 */
/** @typedef {import("./quantise.js").Quaternion} Quaternion */
/** @typedef {import("./sections.js").PoseJoints} PoseJoints */
/** @typedef {import("./sections.js").StateRecord} StateRecord */
/** @typedef {import("./sections.js").Transform} Transform */
/** @typedef {import("./control.js").ControlMessage} ControlMessage */
/** @typedef {"ask" | "allow" | "deny"} Rule */
/** @typedef {"with-master" | "with-room" | "persistent"} Lifetime */
/** @typedef {"allow" | "owner" | "deny"} AttachRule */
/** @typedef {null | boolean | number | string | Uint8Array} Property */
/** @typedef {{entity: Entity | number, epoch: number}} Condition */
/** @typedef {import("./motion.js").Pose} Placement position, rotation and velocity in the world */

/**
 * @typedef {object} Motion
 * @property {Vector3} [position] metres: world, or with a parent relative to it
 * @property {Quaternion} [rotation] x, y, z, w
 * @property {Vector3} [velocity] m/s
 * @property {boolean} [teleport] a jump: others are not to interpolate it
 * @property {boolean} [upright] turns about +Y only: fewer bytes
 */

/**
 * @typedef {object} EntityHost what an entity needs of its room
 * @property {number} peerId
 * @property {Map<number, Entity>} entities
 * @property {(message: {type: string} & Record<string, unknown>) => Promise<ControlMessage>} command
 * @property {(record: StateRecord, from?: Vector3) => void} setState from: where it was before
 * @property {(now?: number) => number} relaySecondsAt the relay's clock, seconds, at a local time, by default now
 */

/** Of a child: its position is a 16-bit number of 1/1024 m. */
export const CHILD_REACH_M = 32;
/** Parents above a thing that are followed at most (docs/PROTOCOL.md section 8). */
const MAX_DEPTH = 8;

export class Entity {
  kind = "";
  /** Lower-case hexadecimal with dashes. */
  uuid = "";
  /** Peer that may write its state, 0 for nobody. */
  owner = 0;
  /** Peer that may change its owner and rule, 0 for nobody. */
  master = 0;
  /** @type {Rule} what happens when another peer asks for it */
  rule = "ask";
  /** Rises with each change of owner. */
  epoch = 0;
  /** @type {Lifetime} */
  lifetime = "with-master";
  /** @type {AttachRule} */
  attachRule = "allow";
  askTimeoutMs = 2000;
  /** @type {Rule | null} what `ask` becomes while the master is away */
  fallback = null;
  /** @type {Record<string, Property>} set by the owner, reliable */
  properties = {};
  /** Id of its parent, 0 for none. */
  parentId = 0;
  /** How often it changed parents, modulo 256. */
  attach = 0;
  /** @type {Vector3} metres; with a parent relative to it */
  position = [0, 0, 0];
  /** @type {Quaternion} x, y, z, w; with a parent relative to it */
  rotation = IDENTITY;
  /** @type {Vector3} m/s */
  velocity = [0, 0, 0];
  /** @type {PoseJoints | null} head and hands, relative to it */
  pose = null;
  /** @type {Uint8Array} small fast state of one's own making */
  props = new Uint8Array();
  /** Relay tick (1/60 s) at which the transform was sampled. */
  tick = 0;
  /** Whether the newest transform was a jump. */
  teleported = false;
  /** Whether it turns about +Y only. */
  upright = false;

  /** @type {EntityHost} */
  #room;
  /** There is none of what has never moved. @type {Playback | null} */
  #playback = null;
  /** Whether its place was ever told. */
  #told = false;
  /** @type {Placement | null} what {@link smooth} said last, */
  #shown = null;
  /** and of when, seconds. */
  #shownAt = NaN;

  /** @param {EntityHost} room @param {number} id */
  constructor(room, id) {
    this.#room = room;
    /** @type {number} */
    this.id = id;
  }

  /** Whether it is in sight: what is gone stays gone, and its number may be another thing's by now. */
  get isHere() {
    return this.#room.entities.get(this.id) === this;
  }

  /** Whether we may write its state. */
  get isMine() {
    return this.owner === this.#room.peerId && this.isHere;
  }

  /** Whether we may change its owner, rule and master. */
  get isMastered() {
    return this.master === this.#room.peerId && this.isHere;
  }

  /** @returns {Entity | null} */
  get parent() {
    return this.#room.entities.get(this.parentId) ?? null;
  }

  /** @returns {Vector3} metres */
  worldPosition() {
    const parent = this.parent;
    if (!parent) return [...this.position];
    const at = parent.worldPosition();
    const offset = rotate(parent.worldRotation(), this.position);
    return [at[0] + offset[0], at[1] + offset[1], at[2] + offset[2]];
  }

  /** @returns {Quaternion} */
  worldRotation() {
    const parent = this.parent;
    return parent ? multiply(parent.worldRotation(), this.rotation) : [...this.rotation];
  }

  /**
   * Where to draw it: between the samples that have come, a little in the past, or what is ours where it is now. Ask once for every picture
   * that you draw; what was said before is not changed by it.
   * @param {number} [timestamp] of the picture, milliseconds as requestAnimationFrame and performance.now() count them
   * @returns {Readonly<Placement>} in the world, whatever it rides in
   */
  smooth(timestamp = performance.now()) {
    return this.#smooth(timestamp / 1000, MAX_DEPTH);
  }

  /** @param {number} now @param {number} depth of parents still followed @returns {Placement} */
  #smooth(now, depth) {
    if (this.#shown && this.#shownAt === now) return this.#shown;
    const poseOf = (/** @type {number} */ id) => {
      const parent = depth > 0 ? this.#room.entities.get(id) : undefined;
      return parent ? parent.#smooth(now, depth - 1) : null;
    };
    this.#shownAt = now;
    return (this.#shown = this.#play(now, poseOf));
  }

  /** @param {number} now @param {(id: number) => Placement | null} poseOf @returns {Placement} */
  #play(now, poseOf) {
    if (this.#playback && this.isMine) return this.#playback.place(now, this.parentId, this.#local(), poseOf);
    if (this.#playback) return this.#playback.play(now, this.#room.relaySecondsAt(now), poseOf);
    const frame = this.parentId ? poseOf(this.parentId) : null;
    if (frame) return outward(frame, this.#local());
    const shown = this.#shown;
    const same = shown?.position === this.position && shown.rotation === this.rotation && shown.velocity === this.velocity;
    return same ? shown : this.#local();
  }

  /**
   * Moves it. What is left out stays as it is. Goes out with the next flush, unreliably, until the relay has the newest.
   * @param {Motion} motion
   * @throws {SoireeError} `not-owner`, or `state` for a position that there is no way to send
   */
  set(motion) {
    this.#mustOwn();
    const from = this.position;
    const transform = transformOf(this, motion);
    this.moved(transform);
    this.#room.setState({ ...transform, entity: this.id }, from);
  }

  /** @param {Partial<PoseJoints>} joints head, left and right hand; what is left out is not tracked @throws {SoireeError} `not-owner` */
  setPose(joints) {
    this.#mustOwn();
    this.pose = { head: joints.head ?? null, left: joints.left ?? null, right: joints.right ?? null };
    this.#room.setState({ slot: "pose", section: POSE, entity: this.id, pose: this.pose });
  }

  /** @param {Uint8Array} bytes up to 255 @throws {SoireeError} `not-owner`, `too-large` */
  setProps(bytes) {
    this.#mustOwn();
    if (bytes.length > 255) throw new SoireeError("too-large", `props of ${bytes.length} bytes, 255 at most`);
    this.props = bytes.slice();
    this.#room.setState({ slot: "props", section: PROPS, entity: this.id, bytes: this.props });
  }

  /** Asks for ownership. @param {string} [note] shown to its master @returns {Promise<Entity>} itself, ours now; rejects with RefusedError */
  async request(note = "") {
    await this.#command("request", { epoch: this.epoch, note });
    return this;
  }

  /** Master: gives it to a peer. @param {number} peerId @param {{subtree?: boolean}} [options] subtree: with all that rides in it */
  async assign(peerId, { subtree = false } = {}) {
    await this.#command("assign", { peer: peerId, subtree });
  }

  /** Owner: hands it back to its master. */
  async release() {
    await this.#command("release", {});
  }

  /** Master: sets what happens when somebody asks for it. @param {Rule} rule @param {{askTimeoutMs?: number, fallback?: Rule | null}} [options] */
  async setRule(rule, { askTimeoutMs = this.askTimeoutMs, fallback = this.fallback } = {}) {
    await this.#command("set_rule", { rule, ask_timeout_ms: askTimeoutMs, fallback });
  }

  /** Master: hands mastership on. @param {number} peerId */
  async setMaster(peerId) {
    await this.#command("set_master", { peer: peerId });
  }

  /** Master. @param {Lifetime} lifetime */
  async setLifetime(lifetime) {
    await this.#command("set_lifetime", { lifetime });
  }

  /** Master: who may ride in it. @param {AttachRule} attachRule */
  async setAttachRule(attachRule) {
    await this.#command("set_attach_rule", { attach_rule: attachRule });
  }

  /** Owner: merges these; null removes a key. @param {Record<string, Property>} properties */
  async setProperties(properties) {
    await this.#command("set_properties", { properties });
  }

  /**
   * Owner: lets it ride in another, or (null) no longer.
   * @param {Entity | null} parent
   * @param {Motion & {condition?: Condition}} [motion] in the new frame of reference; what is left out: where it is now, at rest there
   */
  async setParent(parent, { condition, ...motion } = {}) {
    parent?.mustBeHere();
    const state = encodePlaced([heldTransform(this, parent, motion)]);
    await this.#command("set_parent", { parent: parent?.id ?? 0, state, condition: conditionOf(condition) });
  }

  /** Master: removes it. @param {{children?: "reparent" | "along"}} [options] what happens to those that ride in it */
  async despawn({ children = "reparent" } = {}) {
    await this.#command("despawn", { children });
  }

  /** The room applies a transform. @param {Transform} transform */
  moved({ section, position, rotation, velocity, teleport }) {
    this.position = position;
    this.rotation = rotation;
    this.velocity = velocity;
    this.teleported = teleport;
    // FAR and CHILD tell nothing of it.
    if (section !== FAR && section !== CHILD) this.upright = section === UPRIGHT;
  }

  /**
   * The relay told of a transform.
   * @param {Transform} transform
   * @param {number} tick of the sample
   * @param {{paced?: boolean, parentId?: number, attach?: number}} [more] paced: it came by itself, in the rhythm in which it is told
   */
  heard(transform, tick, { paced = false, parentId = this.parentId, attach = this.attach } = {}) {
    const relayS = this.#room.relaySecondsAt();
    const before = this.#playback || !this.#told ? null : this.#sample(this.tick, relayS, false);
    this.#told = true;
    this.parentId = parentId;
    this.attach = attach;
    this.moved(transform);
    this.tick = tick;
    const sample = this.#sample(tick, relayS, transform.teleport);
    if (before && !alike(before, sample)) this.#playback = new Playback(before);
    this.#playback?.add(sample, paced ? relayS : null);
  }

  /** It was ours, and goes on in other hands. @param {number} tick of the change */
  handedOver(tick) {
    this.tick = tick;
    if (!this.#playback && !this.#shown) return;
    const sample = this.#sample(tick, this.#room.relaySecondsAt(), false);
    if (!this.#playback) {
      // It goes on from where it was drawn as ours.
      this.#playback = new Playback(sample);
      this.#shown = null;
      this.smooth(this.#shownAt * 1000);
    }
    this.#playback.restart(sample);
  }

  /** @param {number} tick @param {number} relayS now @param {boolean} jump @returns {import("./motion.js").Sample} as of now */
  #sample(tick, relayS, jump) {
    const near = Math.floor(relayS * TICK_HZ);
    return { at: (near + ((tick - near) | 0)) / TICK_HZ, parent: this.parentId, ...this.#local(), jump };
  }

  /** @returns {Placement} relative to its parent, if it has one */
  #local() {
    return { position: this.position, rotation: this.rotation, velocity: this.velocity };
  }

  /** @throws {RefusedError} `unknown-entity` when it is gone */
  mustBeHere() {
    if (!this.isHere) throw new RefusedError("unknown-entity", this.id, this.owner, this.epoch);
  }

  #mustOwn() {
    if (!this.isMine) throw new SoireeError("not-owner", `${this.kind} ${this.id} is not ours to move`);
  }

  /** @param {string} type @param {Record<string, unknown>} fields */
  #command(type, fields) {
    this.mustBeHere();
    return this.#room.command({ type, entity: this.id, ...fields });
  }
}

/** @param {Condition | undefined | null} condition @returns {[number, number] | null} for the wire @throws {RefusedError} `stale` when it is gone */
export function conditionOf(condition) {
  if (!condition) return null;
  const { entity, epoch } = condition;
  if (typeof entity === "number") return [entity, epoch];
  if (!entity.isHere) throw new RefusedError("stale", entity.id, entity.owner, entity.epoch);
  return [entity.id, epoch];
}

/** @param {Entity | number | null} entity @returns {number} for the wire, 0 for none @throws {RefusedError} when it is gone */
export function idOf(entity) {
  if (typeof entity === "number") return entity;
  entity?.mustBeHere();
  return entity?.id ?? 0;
}

/**
 * @param {Pick<Entity, "position" | "rotation" | "velocity" | "upright" | "parentId" | "attach">} now
 * @param {Motion} motion
 * @param {boolean} [riding] whether it is, or is to be, relative to a parent
 * @returns {Transform}
 * @throws {SoireeError} `state`
 */
export function transformOf(now, motion, riding = now.parentId !== 0) {
  const { position = now.position, rotation = now.rotation, velocity = now.velocity, teleport = false, upright = now.upright } = motion;
  if (![...position, ...rotation, ...velocity].every(Number.isFinite) || position.length !== 3 || rotation.length !== 4 || velocity.length !== 3) {
    throw new SoireeError("state", "a position and a velocity are three finite numbers, a rotation four");
  }
  if (Math.hypot(...rotation) < 1e-9) throw new SoireeError("state", "a rotation of all zeros has no direction");
  if (riding && position.some((metres) => Math.abs(metres) >= CHILD_REACH_M)) {
    throw new SoireeError("state", `a passenger stays within ${CHILD_REACH_M} m of its parent`);
  }
  const still = velocity.every((v) => v === 0);
  const section = riding ? CHILD : upright ? UPRIGHT : still && !teleport ? REST : MOVE;
  return {
    slot: "transform", section, entity: 0, attach: riding ? now.attach : 0, age: 0, teleport, position: [...position], rotation: [...rotation], velocity: [...velocity],
  };
}

/**
 * Where an entity is to be in a new parent.
 * @param {Entity} entity
 * @param {Entity | null | undefined} parent null: the world; undefined: not there yet
 * @param {Motion} motion as wanted
 * @returns {Transform} for a placed record
 */
export function heldTransform(entity, parent, motion) {
  const now = parent === undefined ? { rotation: IDENTITY } : relativeTo(entity, parent);
  return { ...transformOf(entity, { velocity: [0, 0, 0], ...now, ...motion }, parent !== null), entity: 0, attach: 0 };
}

/** @param {Entity} entity @param {Entity | null} parent @returns {{position: Vector3, rotation: Quaternion}} where it is, seen from there */
function relativeTo(entity, parent) {
  const at = entity.worldPosition();
  const rotation = entity.worldRotation();
  if (!parent) return { position: at, rotation };
  const origin = parent.worldPosition();
  const [x, y, z, w] = parent.worldRotation();
  /** @type {Quaternion} */
  const inverse = [-x, -y, -z, w];
  return { position: rotate(inverse, [at[0] - origin[0], at[1] - origin[1], at[2] - origin[2]]), rotation: multiply(inverse, rotation) };
}
