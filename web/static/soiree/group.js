/** Several commands as one (docs/PROTOCOL.md section 4.1): nobody sees what lies between them. Made by {@link Room.group}. */

import { conditionOf, heldTransform, idOf } from "./entity.js";
import { RefusedError, SoireeError } from "./errors.js";
import { MAX_GROUP_MESSAGES } from "./limits.js";
import { encodePlaced } from "./sections.js";
import { spawnMessage } from "./spawning.js";

/** @typedef {import("./control.js").ControlMessage} ControlMessage */
/** @typedef {import("./entity.js").Entity} Entity */
/** @typedef {import("./entity.js").Motion} Motion */
/** @typedef {import("./entity.js").Condition} Condition */
/** @typedef {import("./spawning.js").SpawnOptions} SpawnOptions */
/** @typedef {{type: string} & Record<string, unknown>} Command */
/** @typedef {Entity | null | RefusedError} Outcome of one command: what was spawned, null for anything else, or why it was refused */

/** A thing that a group is to spawn: a parent for what comes later in the same group, and the entity once the group is committed. */
export class Unborn {
  /** @type {Entity | null} null before, or when it was refused */
  entity = null;

  /** @param {Group} group @param {number} place of its spawn in the group, from 1 */
  constructor(group, place) {
    this.group = group;
    this.place = place;
  }
}

/** Collects commands; {@link commit} sends them. The methods are those of Room and Entity, the entity first. */
export class Group {
  /** @type {Command[]} */
  #commands = [];
  /** @type {Map<number, Unborn>} by place */
  #unborn = new Map();
  #committed = false;
  #send;

  /** @param {(commands: Command[]) => Promise<Outcome[]>} send */
  constructor(send) {
    this.#send = send;
  }

  /** How many commands it holds, 256 at most. */
  get size() {
    return this.#commands.length;
  }

  /**
   * @param {string} kind
   * @param {Omit<SpawnOptions, "parent"> & {parent?: Entity | Unborn | null}} options
   * @returns {Unborn} its `entity` is there once the group is committed
   */
  spawn(kind, { parent = null, ...options }) {
    this.#add({ ...spawnMessage(kind, options, parent !== null), parent: this.#idOf(parent) });
    const unborn = new Unborn(this, this.size);
    this.#unborn.set(this.size, unborn);
    return unborn;
  }

  /** @param {Entity} entity @param {{children?: "reparent" | "along"}} [options] */
  despawn(entity, { children = "reparent" } = {}) {
    this.#add({ type: "despawn", entity: idOf(entity), children });
  }

  /** @param {Entity} entity @param {number} peerId @param {{subtree?: boolean}} [options] */
  assign(entity, peerId, { subtree = false } = {}) {
    this.#add({ type: "assign", entity: idOf(entity), peer: peerId, subtree });
  }

  /** @param {Entity} entity */
  release(entity) {
    this.#add({ type: "release", entity: idOf(entity) });
  }

  /** @param {Entity} entity @param {import("./entity.js").Rule} rule @param {{askTimeoutMs?: number, fallback?: import("./entity.js").Rule | null}} [options] */
  setRule(entity, rule, { askTimeoutMs = entity.askTimeoutMs, fallback = entity.fallback } = {}) {
    this.#add({ type: "set_rule", entity: idOf(entity), rule, ask_timeout_ms: askTimeoutMs, fallback });
  }

  /** @param {Entity} entity @param {number} peerId */
  setMaster(entity, peerId) {
    this.#add({ type: "set_master", entity: idOf(entity), peer: peerId });
  }

  /** @param {Entity} entity @param {import("./entity.js").Lifetime} lifetime */
  setLifetime(entity, lifetime) {
    this.#add({ type: "set_lifetime", entity: idOf(entity), lifetime });
  }

  /** @param {Entity} entity @param {import("./entity.js").AttachRule} attachRule */
  setAttachRule(entity, attachRule) {
    this.#add({ type: "set_attach_rule", entity: idOf(entity), attach_rule: attachRule });
  }

  /** @param {Entity} entity @param {Record<string, import("./entity.js").Property>} properties */
  setProperties(entity, properties) {
    this.#add({ type: "set_properties", entity: idOf(entity), properties });
  }

  /**
   * @param {Entity} entity
   * @param {Entity | Unborn | null} parent
   * @param {Motion & {condition?: Condition}} [motion] as of Entity.setParent; into what is not spawned yet, it needs a position
   */
  setParent(entity, parent, { condition, ...motion } = {}) {
    if (parent instanceof Unborn && !motion.position) throw new SoireeError("state", "where in it? nobody knows where a thing is that is not there yet");
    const state = encodePlaced([heldTransform(entity, parent instanceof Unborn ? undefined : parent, motion)]);
    this.#add({ type: "set_parent", entity: idOf(entity), parent: this.#idOf(parent), state, condition: conditionOf(condition) });
  }

  /** @param {string} name @param {unknown} [payload] @param {{to?: number, entity?: Entity | number | null, condition?: Condition}} [options] */
  sendEvent(name, payload = null, { to = 0, entity = null, condition } = {}) {
    this.#add({ type: "send_event", name, payload, to, entity: idOf(entity), condition: conditionOf(condition) });
  }

  /**
   * Sends them as one message.
   * @returns {Promise<(Entity | null)[]>} for each command what it spawned, else null; rejects with the RefusedError of the first that
   *   was refused, whose `outcomes` tell of all: what was not refused is done nevertheless
   */
  async commit() {
    if (this.#committed) throw new SoireeError("closed", "this group is committed already");
    if (this.size === 0) return [];
    const sent = this.#send(this.#commands);
    this.#committed = true;
    const outcomes = await sent;
    for (const [place, unborn] of this.#unborn) {
      const spawned = outcomes[place - 1] ?? null;
      if (!(spawned instanceof RefusedError)) unborn.entity = spawned;
    }
    const refused = outcomes.find((outcome) => outcome instanceof RefusedError);
    if (refused) throw Object.assign(refused, { outcomes });
    return /** @type {(Entity | null)[]} */ (outcomes);
  }

  /** @param {Command} command */
  #add(command) {
    if (this.#committed) throw new SoireeError("closed", "this group is committed already");
    if (this.size >= MAX_GROUP_MESSAGES) throw new SoireeError("too-large", `a group holds ${MAX_GROUP_MESSAGES} commands at most`);
    this.#commands.push(command);
  }

  /** @param {Entity | Unborn | null} parent @returns {number} as the wire names it */
  #idOf(parent) {
    if (!(parent instanceof Unborn)) return idOf(parent);
    if (parent.group !== this) throw new SoireeError("unknown-entity", "that is of another group");
    return -parent.place;
  }
}
