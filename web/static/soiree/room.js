/** A room one is in: peers, entities, commands and events. Made by {@link join} in index.js. */

import { Ask } from "./ask.js";
import { TICK_HZ } from "./clock.js";
import { Commands, refusal } from "./commands.js";
import { Emitter } from "./emitter.js";
import { conditionOf, idOf } from "./entity.js";
import { ClosedError, JoinError, SoireeError } from "./errors.js";
import { Gate } from "./gate.js";
import { Group } from "./group.js";
import { Link } from "./link.js";
import { Pace } from "./pace.js";
import { CHILD } from "./sections.js";
import { spawnMessage } from "./spawning.js";
import { World } from "./world.js";

/** @typedef {import("./control.js").ControlMessage} ControlMessage */
/** @typedef {import("./entity.js").Entity} Entity */
/** @typedef {import("./entity.js").Condition} Condition */
/** @typedef {import("./entity.js").Motion} Motion */
/** @typedef {import("./sections.js").StateRecord} StateRecord */
/** @typedef {import("./transports/transport.js").Rung} Rung */
/** @typedef {import("./world.js").Peer} Peer */

/** @typedef {import("./gate.js").GateOptions & {sendHz?: number}} RoomOptions */

/** How often one's own state goes up at most, by default. */
const SEND_HZ = 20;

export class Room extends Emitter {
  #name;
  /** Whether a page that is loaded again comes back as the same peer. */
  #returns;
  #gate;
  #link;
  #commands = new Commands();
  #world;
  /** Of entities that we move. @type {Map<number, Pace>} */
  #paces = new Map();
  #reconnecting = false;
  #isHost = false;
  /** @type {{id: string, code: string, name: string, max_speed_m_s: number}} */
  #about = { id: "", code: "", name: "", max_speed_m_s: 0 };
  /** Events of the group that is being applied: told when all of it is. @type {[string, unknown][] | null} */
  #held = null;
  /** Settles join(). @type {{resolve: () => void, reject: (error: Error) => void}} */
  #entering = { resolve: () => {}, reject: () => {} };

  /** @param {RoomOptions} options */
  constructor(options) {
    super();
    this.#name = options.name;
    this.#returns = Boolean(options.storage);
    this.#gate = new Gate(options);
    this.#world = new World((type, detail) => this.#tell(type, detail), this);
    this.#link = new Link({
      admit: () => this.#gate.admit(),
      onWelcome: (welcome, resumed) => this.#welcomed(welcome, resumed),
      onMessage: (message) => this.#received(message),
      onState: (frame) => this.#world.applyFrame(frame),
      onData: ({ peer, bytes }) => this.emit("data", { from: peer, bytes, reliable: false }),
      onLost: (reason) => this.#lost(reason),
      onClosed: (reason, message) => this.#closed(reason, message),
      onRung: (rung, why) => this.emit("rung", { rung, why }),
    }, options.sendHz ?? SEND_HZ);
  }

  get id() { return this.#about.id; }
  /** Short, for links. */
  get code() { return this.#about.code; }
  get name() { return this.#about.name; }
  /** m/s; what moves faster is told as a teleport. */
  get maxSpeed() { return this.#about.max_speed_m_s; }
  /** Our own id in the room. */
  get peerId() { return this.#world.peerId; }
  /** Whether we are the room's host. */
  get isHost() { return this.#isHost; }
  /** @returns {Map<number, Peer>} everybody in the room, ourselves included */
  get peers() { return this.#world.peers; }
  /** @returns {Map<number, Entity>} */
  get entities() { return this.#world.entities; }
  /** @returns {Rung | null} the way the packets go; null while there is none */
  get rung() { return this.#link.rung; }
  get connected() { return this.#link.connected; }
  /** Signed: who keeps it and joins with it gets back what it mastered for good. */
  get identity() { return this.#gate.admission?.identity ?? null; }

  /**
   * The page is going. With a storage it may come back by a reload, which nothing tells from a tab that is closed; without, it never does.
   * @param {{persisted?: boolean}} event persisted: it is only put aside
   */
  #pageHidden = ({ persisted }) => {
    if (!persisted) this.#link.farewell("leave");
  };

  /** Gets in. @returns {Promise<this>} @throws {JoinError} */
  enter() {
    return new Promise((resolve, reject) => {
      this.#entering = { resolve: () => resolve(this), reject };
      if (!this.#returns) globalThis.addEventListener?.("pagehide", this.#pageHidden);
      this.#link.start();
    });
  }

  /**
   * @param {string} kind a name of the application's; `avatar` is what we look from
   * @param {import("./spawning.js").SpawnOptions} options
   * @returns {Promise<Entity>} ours; rejects with RefusedError
   */
  async spawn(kind, { parent = null, ...options }) {
    const spawned = await this.command({ ...spawnMessage(kind, options, parent !== null), parent: idOf(parent) });
    const entity = this.entities.get(spawned.entity);
    if (!entity) throw new SoireeError("unknown-entity", "it was removed before we saw it");
    return entity;
  }

  /**
   * Several commands as one: nobody sees what lies between them.
   *
   *     const group = room.group();
   *     const car = group.spawn("vehicle", { position: [0, 0, 0] });
   *     group.spawn("cabin", { parent: car, position: [0, 1, 0] });
   *     const [vehicle, cabin] = await group.commit();
   *
   * @returns {Group} empty
   */
  group() {
    return new Group(async (commands) => {
      const answers = await this.#commands.answersTo(this.#link.send({ type: "group", messages: commands }), commands.length);
      return answers.map((answer) => (answer.type === "refused" ? refusal(answer) : answer.type === "spawned" ? this.entities.get(answer.entity) ?? null : null));
    });
  }

  /**
   * Tells everybody (ourselves too), one peer, or (−n) all but peer n; reliably, in order.
   * @param {string} name
   * @param {unknown} [payload] anything that MessagePack can say, up to 8 kB
   * @param {{to?: number, entity?: Entity | number | null, condition?: Condition}} [options]
   */
  async sendEvent(name, payload = null, { to = 0, entity = null, condition } = {}) {
    await this.command({ type: "send_event", name, payload, to, entity: idOf(entity), condition: conditionOf(condition) });
  }

  /**
   * Opaque bytes, relayed unread, never to ourselves.
   * @param {Uint8Array} bytes up to 1024, or 12288 reliable ones
   * @param {{to?: number, reliable?: boolean}} [options] to: 0 all others, a peer, −n all others but n
   * @returns {Promise<boolean>} unreliable: false when it could not be sent now; reliable: true once the relay has it
   */
  async send(bytes, { to = 0, reliable = false } = {}) {
    if (!reliable) return this.#link.sendData(to, bytes);
    await this.command({ type: "send_data", to, payload: bytes });
    return true;
  }

  /**
   * Looks from here instead of from our avatar.
   * @param {import("./quantise.js").Vector3} position metres
   * @param {number} radiusM what is nearer is told to us, up to 1000; 0: from the avatar again, 160 m
   */
  async setView([x, y, z], radiusM) {
    await this.command({ type: "view", x, y, z, radius_m: radiusM });
  }

  /** Caps what is sent down to us, headers of IP and UDP included. @param {number} kbitS 0: as much as seems to pass */
  async setBudget(kbitS) {
    await this.command({ type: "budget", kbit_s: kbitS });
  }

  /** Leaves for good; nothing waits for our return. */
  async leave() {
    this.#gate.forget();
    await this.#link.bye("leave");
  }

  /** Figures for a status line. Rates are of the last seconds, without headers of IP, UDP or TCP. */
  stats() {
    const { clock, received, replication, session, up, down, transport, malformed, now, why } = this.#link;
    const sent = replication.framesAcked + replication.framesLost;
    return {
      transport: transport?.kind ?? null,
      rung: this.rung,
      why,
      rttMs: clock.rttS * 1000,
      lossUp: sent ? replication.framesLost / sent : 0,
      lossDown: received.expected ? Math.max(0, 1 - received.received / received.expected) : 0,
      kbitSIn: down.kbitS(now),
      kbitSOut: up.kbitS(now),
      framesIn: down.frames,
      framesOut: up.frames,
      bytesIn: down.bytes,
      bytesOut: up.bytes,
      commandsWaiting: this.#commands.size,
      unapplied: session.unapplied.length,
      controlApplied: session.applied,
      repeated: session.repeated,
      recordsIgnored: this.#world.ignored,
      malformed,
      tick: Math.floor(clock.tickAt(now)),
    };
  }

  /** Relay time in microseconds, as well as we know it: the same for everybody in the room. */
  relayTimeUs() {
    return this.#link.clock.relayUs(this.#link.now);
  }

  /** For entities: the relay's clock in seconds of its ticks. @param {number} [now] local monotonic seconds */
  relaySecondsAt(now = this.#link.now) {
    return this.#link.clock.tickAt(now) / TICK_HZ;
  }

  /**
   * Sends a command of PROTOCOL section 4 and waits for its answer. For entities, and for what has no method here.
   * @param {{type: string} & Record<string, unknown>} message
   * @returns {Promise<ControlMessage>}
   */
  async command(message) {
    return this.#commands.answerTo(this.#link.send(message));
  }

  /** For entities. @param {StateRecord} record @param {import("./quantise.js").Vector3} [from] where it was before */
  setState(record, from) {
    this.#world.wrote(record.entity, record.slot);
    const tooFast = from && record.slot === "transform" && record.section !== CHILD && this.#isTooFast(record, from);
    // The relay would refuse it, and others would never see where it went.
    this.#link.setState(tooFast ? { ...record, teleport: true } : record);
  }

  /** @param {import("./sections.js").Transform} record @param {import("./quantise.js").Vector3} from @returns {boolean} */
  #isTooFast(record, from) {
    const { clock, now } = this.#link;
    let pace = this.#paces.get(record.entity);
    if (!pace) this.#paces.set(record.entity, (pace = new Pace(this.#world.toldAt(record.entity))));
    return pace.step(from, record.position, clock.tickAt(now), this.maxSpeed);
  }

  /** It is ours no longer, or begins anew elsewhere. @param {number} entity @param {string} [slot] only that one */
  #forget(entity, slot) {
    this.#link.replication.forget(entity, slot);
    this.#paces.delete(entity);
  }

  /** @param {ControlMessage} welcome @param {boolean} resumed */
  #welcomed(welcome, resumed) {
    this.#about = welcome.room;
    this.#isHost = welcome.host;
    this.#world.peerId = welcome.peer;
    if (!resumed) {
      this.#gate.entered = true;
      this.peers.set(welcome.peer, { id: welcome.peer, name: this.#name, away: false, self: true });
      this.#entering.resolve();
    }
    if (this.#reconnecting) this.emit("resumed", {});
    this.#reconnecting = false;
  }

  /** @param {ControlMessage} message */
  #received(message) {
    if (message.type !== "group") return this.#take(message);
    this.#held = [];
    try {
      for (const one of message.messages) if (one.type !== null) this.#take(one);
    } finally {
      const events = this.#held;
      this.#held = null;
      for (const [type, detail] of events) this.emit(type, detail);
    }
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    if (this.#held) this.#held.push([type, detail]);
    else this.emit(type, detail);
  }

  /** @param {ControlMessage} message alone, or of a group */
  #take(message) {
    this.#world.apply(message);
    if (message.type === "ask") this.#asked(message);
    else if (message.type === "granted" && message.owner !== this.peerId) this.#forget(message.entity);
    else if (message.type === "despawned") this.#forget(message.entity);
    else if (message.type === "parent_set") this.#parentSet(message.entity);
    else if (message.type === "refused" && message.re === 0 && message.reason === "speed") this.#link.replication.again(message.entity, "transform");
    this.#commands.settle(message);
  }

  /** What we sent of it before we heard of this, the relay drops, though it acknowledges the frames. @param {number} entity */
  #parentSet(entity) {
    this.#forget(entity, "transform");
    this.#link.replication.again(entity, "pose");
    this.#link.replication.again(entity, "props");
  }

  /** @param {ControlMessage} message */
  #asked({ ticket, entity: id, peer: from, note, timeout_ms: timeoutMs }) {
    const entity = this.entities.get(id);
    const peer = this.peers.get(from);
    if (!entity || !peer) return;
    const answer = async (/** @type {boolean} */ allow) => void await this.command({ type: "answer", ticket, allow });
    this.#tell("ask", { ask: new Ask(entity, peer, note, timeoutMs, answer) });
  }

  /** @param {string} reason */
  #lost(reason) {
    this.#reconnecting = true;
    this.emit("reconnecting", { reason });
    this.emit("rung", { rung: null, why: reason });
  }

  /** @param {string} reason @param {string} message */
  #closed(reason, message) {
    globalThis.removeEventListener?.("pagehide", this.#pageHidden);
    if (this.#gate.entered) this.#gate.forget();
    this.#entering.reject(this.#gate.refusal ?? new JoinError(reason, message));
    this.#commands.rejectAll(new ClosedError(reason, message));
    this.emit("closed", { reason, message });
  }
}
