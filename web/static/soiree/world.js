/**
 * What a client knows of its room: peers and entities, changed by control messages and state frames (docs/PROTOCOL.md sections 4 and 5.3). Pure.
 *
 * Messages come once and in order; frames come late, twice or never, so each is checked against what it may no longer change.
 */

import { Entity } from "./entity.js";
import { CHILD, decodePlaced } from "./sections.js";

/** @typedef {import("./control.js").ControlMessage} ControlMessage */
/** @typedef {import("./sections.js").StateRecord} StateRecord */
/** @typedef {{id: number, name: string, away: boolean, self: boolean}} Peer */
/** @typedef {(type: string, detail: unknown) => void} Emit */
/** @typedef {import("./entity.js").EntityHost} EntityHost */

/** @param {number} a @param {number} b relay ticks, u32 @returns {boolean} whether a is before b */
const before = (a, b) => ((a - b) | 0) < 0;

/** @typedef {"transform" | "pose" | "props"} Slot */

/**
 * @typedef {object} Fence the ticks of the last frames applied to an entity; older ones are not
 * @property {number} transform
 * @property {number} pose
 * @property {number} props
 * @property {Set<Slot>} written slots that we, as its owner, have written: of these the relay has nothing newer
 * @property {Set<Slot>} told slots that the relay has told something of, ever
 */

export class World {
  /** Our own id, 0 before the welcome. */
  peerId = 0;
  /** @type {Map<number, Peer>} */
  peers = new Map();
  /** @type {Map<number, Entity>} */
  entities = new Map();
  /** Records of frames that were too old, or of things unknown or ours. */
  ignored = 0;

  /** @type {Map<number, Fence>} */
  #fences = new Map();
  #emit;
  #host;

  /** @param {Emit} emit @param {EntityHost} host given to each entity */
  constructor(emit, host) {
    this.#emit = emit;
    this.#host = host;
  }

  /** @param {ControlMessage} message numbered, next in order */
  apply(message) {
    switch (message.type) {
      case "peer_joined": return this.#peerJoined(message);
      case "peer_away": return this.#peerAway(message);
      case "peer_left": return this.#peerLeft(message);
      case "spawned": return this.#spawned(message);
      case "despawned": return this.#despawned(message);
      case "event": return this.#event(message);
      case "data": return this.#emit("data", { from: message.peer, bytes: message.payload, reliable: true });
    }
    const entity = this.entities.get(message.entity);
    if (entity) this.#change(message, entity);
  }

  /** We wrote its state ourselves. @param {number} id @param {Slot} slot */
  wrote(id, slot) {
    this.#fences.get(id)?.written.add(slot);
  }

  /** @param {number} id @returns {number} relay tick as of which its transform was told, or it became whose it is; 0 of what is unknown */
  toldAt(id) {
    return this.#fences.get(id)?.transform ?? 0;
  }

  /** @param {import("./state.js").StateFrame} frame */
  applyFrame({ tick, records }) {
    /** @type {Set<Entity>} */
    const changed = new Set();
    for (const record of records) {
      const entity = this.#take(record, tick);
      if (entity) changed.add(entity);
      else this.ignored++;
    }
    if (changed.size) this.#emit("state", { entities: changed, tick });
  }

  /** @param {StateRecord} record @param {number} tick @returns {Entity | null} null when it is not to be applied */
  #take(record, tick) {
    const entity = this.entities.get(record.entity);
    const fence = this.#fences.get(record.entity);
    if (!entity || !fence || before(tick, fence[record.slot])) return null;
    if (fence.written.has(record.slot) && entity.owner === this.peerId) return null;
    if (record.slot === "transform") {
      const riding = record.section === CHILD;
      if (riding !== (entity.parentId !== 0) || (riding && record.attach !== entity.attach)) return null;
      entity.heard(record, (tick - record.age) >>> 0, { paced: true });
    } else if (record.slot === "pose") entity.pose = record.pose;
    else entity.props = record.bytes;
    fence[record.slot] = tick;
    fence.told.add(record.slot);
    return entity;
  }

  /** @param {ControlMessage} message */
  #peerJoined({ peer, name, away }) {
    const known = this.peers.get(peer);
    const joined = Object.assign(known ?? { id: peer, name, away, self: peer === this.peerId }, { name, away });
    this.peers.set(peer, joined);
    if (!known) this.#emit("peer-joined", { peer: joined });
  }

  /** @param {ControlMessage} message */
  #peerAway({ peer: id, away }) {
    const peer = this.peers.get(id);
    if (!peer) return;
    peer.away = away;
    this.#emit("peer-away", { peer });
  }

  /** @param {ControlMessage} message */
  #peerLeft({ peer: id, reason }) {
    const peer = this.peers.get(id);
    if (!peer) return;
    this.peers.delete(id);
    this.#emit("peer-left", { peer, reason });
  }

  /** @param {ControlMessage} message */
  #spawned(message) {
    const { entity: id, tick } = message;
    const entity = this.entities.get(id) ?? new Entity(this.#host, id);
    entity.kind = message.kind;
    entity.uuid = uuidText(message.uuid);
    entity.owner = message.owner;
    entity.master = message.master;
    entity.rule = message.rule;
    entity.epoch = message.epoch;
    entity.lifetime = message.lifetime;
    entity.attachRule = message.attach_rule;
    entity.askTimeoutMs = message.ask_timeout_ms;
    entity.fallback = message.fallback;
    entity.properties = message.properties;
    entity.pose = null;
    entity.props = new Uint8Array();
    /** @type {Fence} */
    const fence = { transform: tick, pose: tick, props: tick, written: new Set(), told: new Set() };
    this.#place(entity, fence, message);
    this.#fences.set(id, fence);
    this.entities.set(id, entity);
    this.#emit("spawned", { entity });
  }

  /** Pose and props that we wrote ourselves stay as they are. @param {Entity} entity @param {Fence} fence @param {ControlMessage} message */
  #place(entity, fence, { state, tick, parent, attach }) {
    const { transform, pose, props } = decodePlaced(state);
    entity.heard(transform, tick, { parentId: parent, attach });
    fence.written.delete("transform");
    if (pose) fence.told.add("pose");
    if (props) fence.told.add("props");
    if (pose && !fence.written.has("pose")) entity.pose = pose;
    if (props && !fence.written.has("props")) entity.props = props;
  }

  /** @param {ControlMessage} message */
  #despawned({ entity: id, reason }) {
    const entity = this.entities.get(id);
    if (!entity) return;
    this.entities.delete(id);
    this.#fences.delete(id);
    this.#emit("despawned", { entity, reason });
  }

  /** @param {ControlMessage} message */
  #event({ peer, name, payload, entity }) {
    this.#emit("event", { from: peer, name, payload, entity: this.entities.get(entity) ?? null });
  }

  /** @param {ControlMessage} message @param {Entity} entity that it is about */
  #change(message, entity) {
    switch (message.type) {
      case "granted": return this.#granted(message, entity);
      case "parent_set": return this.#parentSet(message, entity);
      case "refused": return void (message.re === 0 && this.#emit("refused", { entity, reason: message.reason }));
      case "rule_set":
        entity.askTimeoutMs = message.ask_timeout_ms;
        entity.fallback = message.fallback;
        return this.#set(entity, "rule", message.rule);
      case "master_set": return this.#set(entity, "master", message.master);
      case "lifetime_set": return this.#set(entity, "lifetime", message.lifetime);
      case "attach_rule_set": return this.#set(entity, "attachRule", message.attach_rule, "attach-rule");
      case "properties_set": return this.#set(entity, "properties", merged(entity.properties, message.properties));
    }
  }

  /**
   * @template {"rule" | "master" | "lifetime" | "attachRule" | "properties"} Field
   * @param {Entity} entity @param {Field} field @param {Entity[Field]} value @param {string} [what]
   */
  #set(entity, field, value, what = field) {
    const previous = entity[field];
    entity[field] = value;
    this.#emit("changed", { entity, what, previous });
  }

  /** @param {ControlMessage} message @param {Entity} entity */
  #granted({ owner, epoch, tick, cause }, entity) {
    const previous = entity.owner;
    const fence = this.#fences.get(entity.id);
    // With the same epoch it only answers who assigned a thing to its owner.
    if (fence && entity.epoch !== epoch) {
      // What the relay never told of may never have reached it; if it did, it is told now.
      if (fence.written.has("pose") && !fence.told.has("pose")) entity.pose = null;
      if (fence.written.has("props") && !fence.told.has("props")) entity.props = new Uint8Array();
      fence.written.clear();
      for (const slot of /** @type {const} */ (["transform", "pose", "props"])) if (before(fence[slot], tick)) fence[slot] = tick;
      if (previous === this.peerId) entity.handedOver(tick);
    }
    entity.owner = owner;
    entity.epoch = epoch;
    this.#emit("changed", { entity, what: "owner", cause, previous });
  }

  /** @param {ControlMessage} message @param {Entity} entity */
  #parentSet(message, entity) {
    const previous = entity.parent;
    const fence = this.#fences.get(entity.id);
    if (fence) {
      this.#place(entity, fence, message);
      if (before(fence.transform, message.tick)) fence.transform = message.tick;
    }
    this.#emit("changed", { entity, what: "parent", previous });
  }
}

/** @param {Record<string, import("./entity.js").Property>} properties @param {Record<string, import("./entity.js").Property>} changes */
function merged(properties, changes) {
  return Object.fromEntries(Object.entries({ ...properties, ...changes }).filter(([, value]) => value !== null));
}

/** @param {Uint8Array} bytes 16 @returns {string} */
function uuidText(bytes) {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
