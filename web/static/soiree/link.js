/**
 * One session's way to the relay, kept up by itself: transports are climbed, changed and replaced, the control stream goes on, state is
 * sent, acknowledged and repeated, pings are answered. What comes is handed up; what it means is the room's affair.
 */

import { ReceivedFrames } from "./acks.js";
import { RelayClock } from "./clock.js";
import { decodeControl, encodeControl, isNumbered, VERSION } from "./control.js";
import { SoireeError } from "./errors.js";
import { Ladder } from "./ladder.js";
import { NetworkWatch } from "./network.js";
import { Replication } from "./replication.js";
import { ControlSession } from "./session.js";
import { DATA, decodeFrame, encodeData, encodePong, PING, STATE as STATE_FRAME } from "./state.js";
import { Traffic } from "./traffic.js";
import { CONTROL, STATE } from "./transports/transport.js";

/** @typedef {import("./control.js").ControlMessage} ControlMessage */
/** @typedef {import("./transports/transport.js").Transport} Transport */
/** @typedef {import("./transports/transport.js").Rung} Rung */

const AGENT = "soiree-js/0.1.0";
/** At least this often a frame goes up, seconds: it carries the acknowledgements. */
const ACK_EVERY_S = 0.2;
/** The same while control messages have been applied that the relay does not know of: a snapshot is paced by this. */
const ACK_SOON_S = 0.02;
/** Silence after which the connection is given up, seconds: the relay pings each second. */
const SILENCE_S = 5;
/** Seconds for the welcome to come, where nothing else is there to take over. */
const WELCOME_S = 4;
/** A connection that lived this long ends the backing off, seconds. */
const STABLE_S = 10;
/** Seconds in which a hello that was given up may still reach the relay, which then takes it for the newer one. */
const DOUBT_S = 10;
const BACKOFF_MS = Object.freeze([0, 500, 1000, 2000, 4000, 8000]);
/** Attempts to get in for the first time; later ones go on until the session is gone. */
const FIRST_ATTEMPTS = 3;
/** How long one who leaves without a connection waits for the next, to say goodbye on it, milliseconds. */
const NEXT_MS = 1000;
/** How long the relay has to hang up when it is told goodbye, milliseconds. */
const HANG_UP_MS = 1000;
/** Reasons after which coming back is of no use. */
const FINAL = new Set(["kicked", "closed", "session-gone", "superseded", "version", "backlog", "malformed", "bye"]);

/**
 * @typedef {object} Hooks
 * @property {() => Promise<import("./gate.js").Way>} admit
 *   asks the server to let us in, or in again; its errors say `final` when it is of no use to ask again
 * @property {(welcome: ControlMessage, resumed: boolean) => void} onWelcome
 * @property {(message: ControlMessage) => void} onMessage numbered, each once and in order
 * @property {(frame: import("./state.js").StateFrame) => void} onState
 * @property {(frame: import("./state.js").DataFrame) => void} onData
 * @property {(reason: string) => void} onLost the connection is gone; it is being replaced
 * @property {(reason: string, message: string) => void} onClosed the session is over
 * @property {(rung: Rung | null, why: string) => void} onRung
 */

export class Link {
  session = new ControlSession();
  replication = new Replication();
  received = new ReceivedFrames();
  clock = new RelayClock();
  up = new Traffic();
  down = new Traffic();
  /** Messages of the relay that could not be read. */
  malformed = 0;
  connected = false;
  /** @type {Rung | null} */
  rung = null;
  /** What keeps from a better one. */
  why = "";
  /** @type {Transport | null} */
  transport = null;

  /** @type {Hooks} */
  #hooks;
  /** @type {Ladder | null} */
  #ladder = null;
  /** @type {Transport | null} the last that was welcomed, until a newer one is */
  #former = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticker;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {NetworkWatch | undefined} */
  #network;
  #flushEveryS;
  #closed = false;
  /** Whether the room was last told that it is connected. */
  #up = false;
  #attempt = 0;
  /** Whether the next attempt waits for its time. */
  #waiting = false;
  #pumpQueued = false;
  #onConnected = () => {};
  #helloAt = 0;
  /** Until then "superseded" may be the work of a hello of our own. */
  #doubtUntil = 0;
  #lastHeard = 0;
  #lastTick = 0;
  #excused = false;
  #lastFrame = -1;
  #lastFlush = -1;
  #lastAppliedTold = 0;

  /** @param {Hooks} hooks @param {number} sendHz how often state goes up at most */
  constructor(hooks, sendHz) {
    this.#hooks = hooks;
    this.#flushEveryS = 1 / sendHz;
  }

  /** Local monotonic time, seconds. */
  get now() {
    return performance.now() / 1000;
  }

  start() {
    this.#lastTick = this.now;
    this.#ticker = setInterval(() => this.#tick(), Math.max(4, Math.floor(this.#flushEveryS * 1000)));
    this.#network = new NetworkWatch(() => this.networkChanged());
    void this.#connect();
  }

  /** The network is another one: look for a way over it now, rather than when the old one has been silent for long. */
  networkChanged() {
    if (this.#closed) return;
    if (this.#ladder) this.#ladder.networkChanged();
    else if (this.#waiting) {
      this.#attempt = 0;
      this.#again();
    }
  }

  /**
   * @param {{type: string} & Record<string, unknown>} message
   * @returns {number} its number
   */
  send(message) {
    if (this.#closed) throw new SoireeError("closed", "the room is closed");
    const n = this.session.send(message);
    this.#pumpSoon();
    return n;
  }

  /** @param {number} to @param {Uint8Array} payload @returns {boolean} false when it was dropped */
  sendData(to, payload) {
    const frame = encodeData(to, payload);
    return this.connected && this.#put(STATE, frame);
  }

  /** State of one's own things has changed. @param {import("./sections.js").StateRecord} record */
  setState(record) {
    this.replication.set(record, this.clock.date(this.now));
    this.#pumpSoon();
  }

  /** Ends the session in order. @param {string} reason */
  async bye(reason) {
    // Unsaid, it would leave us in the room for 40 s more.
    if (!this.connected && this.session.established && !this.#closed) await this.#nextConnection();
    const transport = this.farewell(reason);
    if (transport) {
      // Nothing is to take its place meanwhile.
      clearInterval(this.#ticker);
      this.#ladder?.stop();
      await hungUp(transport);
    }
    this.#finish("bye", "left");
  }

  /** Until there is a connection again, but not for long. @returns {Promise<void>} */
  #nextConnection() {
    return new Promise((resolve) => {
      this.#onConnected = resolve;
      setTimeout(resolve, NEXT_MS);
    });
  }

  /** Says goodbye and does not wait, as when the page is going. @param {string} reason @returns {Transport | null} which way it was said */
  farewell(reason) {
    const transport = this.connected ? this.transport : null;
    this.#pump();
    transport?.send(CONTROL, encodeControl({ type: "bye", n: 0, reason }));
    return transport;
  }

  async #connect() {
    try {
      const admitted = await this.#hooks.admit();
      if (this.#closed) return;
      this.#ladder = new Ladder({
        ...admitted,
        onBetter: (transport, why) => this.#hello(transport, why),
        onFailed: (error) => {
          this.#drop();
          this.#interrupted(error.code);
          this.#failed(error);
        },
      });
      this.#ladder.start();
    } catch (error) {
      this.#failed(error instanceof SoireeError ? error : new SoireeError("lost", String(error)));
    }
  }

  /** An attempt has come to nothing. @param {SoireeError & {final?: boolean}} error */
  #failed(error) {
    if (this.#closed) return;
    this.#attempt++;
    const hopeless = error.final || (!this.session.established && this.#attempt >= FIRST_ATTEMPTS);
    if (hopeless) this.#finish(error.code, error.message);
    else this.#again();
  }

  #again() {
    const delayMs = /** @type {number} */ (BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)]) * (0.75 + Math.random() / 2);
    clearTimeout(this.#retry);
    this.#waiting = true;
    this.#retry = setTimeout(() => {
      this.#waiting = false;
      void this.#connect();
    }, delayMs);
  }

  /** @param {Transport} transport @param {string} why no better one is used */
  #hello(transport, why) {
    if (this.connected) {
      this.#former?.close();
      this.#former = this.transport;
      if (this.#former) this.#former.onMessage = this.#former.onClose = () => {};
    } else this.#giveUpHello();
    this.session.detach();
    this.connected = false;
    this.transport = transport;
    this.why = why;
    this.#helloAt = this.#lastHeard = this.now;
    transport.onMessage = (stream, bytes) => this.#heard(transport, stream, bytes);
    transport.onClose = (reason, message) => this.#lost(transport, reason, message);
    const { applied, established } = this.session;
    const hello = { type: "hello", n: 0, version: [...VERSION], applied, fresh: !established, agent: AGENT, capabilities: [] };
    this.#put(CONTROL, encodeControl(hello));
  }

  /** @param {Transport} transport @param {string} reason @param {string} message */
  #lost(transport, reason, message) {
    if (this.#closed || transport !== this.transport) return;
    if (this.#isFinal(reason)) {
      this.#finish(reason, message);
      return;
    }
    const error = new SoireeError(reason, message);
    const { connected } = this;
    const stable = connected && this.now - this.#helloAt > STABLE_S;
    if (!connected) {
      this.#giveUpHello();
      this.rung = null;
      if (this.#ladder?.lost(error)) return void this.#interrupted(reason);
    }
    this.#drop();
    this.#interrupted(reason);
    if (stable) {
      this.#attempt = 0;
      this.#again();
    } else this.#failed(error);
  }

  /** @param {string} reason @returns {boolean} whether coming back is of no use */
  #isFinal(reason) {
    if (!this.session.established) return reason === "version";
    if (reason === "superseded") return this.connected && this.now >= this.#doubtUntil;
    return FINAL.has(reason);
  }

  /** @param {string} reason */
  #interrupted(reason) {
    if (!this.#up || this.connected || this.#closed) return;
    this.#up = false;
    this.#hooks.onLost(reason);
  }

  /** Closes a connection whose hello is unanswered; it may be answered yet, where nobody listens. */
  #giveUpHello() {
    if (!this.transport) return;
    this.#doubtUntil = this.now + DOUBT_S;
    this.transport.close();
    this.transport = null;
  }

  /** Lets go of all connections; the session stays. */
  #drop() {
    this.#ladder?.stop();
    this.#ladder = null;
    this.#former?.close();
    this.#former = null;
    if (!this.connected) this.#giveUpHello();
    this.transport?.close();
    this.transport = null;
    this.session.detach();
    this.connected = false;
    this.rung = null;
  }

  /** @param {string} reason @param {string} message */
  #finish(reason, message) {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    this.#network?.stop();
    this.#onConnected();
    this.#drop();
    this.#hooks.onClosed(reason, message);
  }

  /** @param {Transport} transport @param {number} stream @param {Uint8Array} bytes */
  #heard(transport, stream, bytes) {
    if (transport !== this.transport) return;
    this.#lastHeard = this.now;
    this.down.add(bytes.length, this.#lastHeard);
    try {
      if (stream === CONTROL) this.#control(transport, bytes);
      else if (this.connected) this.#frame(bytes);
    } catch (error) {
      this.#unreadable(transport, stream, error);
    }
    // Timers are slowed down in hidden tabs, messages are not: what is due goes out from here too.
    this.#pump();
  }

  /** @param {Transport} transport @param {number} stream @param {unknown} error */
  #unreadable(transport, stream, error) {
    if (!(error instanceof SoireeError)) throw error;
    this.malformed++;
    if (stream === CONTROL) this.#lost(transport, error.code, error.message);
  }

  /** @param {Transport} transport @param {Uint8Array} bytes */
  #control(transport, bytes) {
    const message = decodeControl(bytes);
    if (message.type === "welcome") this.#welcomed(transport, message);
    else if (message.type === "error") this.#lost(transport, message.code, message.message);
    else if (message.type === "bye") this.#finish(message.reason || "bye", "the relay ended the session");
    else if (!this.connected) throw new SoireeError("protocol", `${message.type} before the welcome`);
    else if (isNumbered(message.type) && this.session.receive(message.n) && message.type !== null) this.#hooks.onMessage(message);
  }

  /** @param {Transport} transport @param {ControlMessage} welcome */
  #welcomed(transport, welcome) {
    if (this.connected) throw new SoireeError("protocol", "a second welcome");
    if (welcome.version[0] !== VERSION[0]) {
      this.#lost(transport, "version", `the relay speaks version ${welcome.version.join(".")}`);
      return;
    }
    const resumed = this.session.established;
    if (resumed && welcome.fresh) {
      this.#finish("session-gone", "the relay has forgotten the session");
      return;
    }
    try {
      this.session.carry(welcome.applied);
    } catch (error) {
      // The relay would say the same on every connection.
      this.#finish("protocol", error instanceof Error ? error.message : String(error));
      return;
    }
    this.connected = true;
    this.#up = true;
    this.#ladder?.confirm();
    this.#former?.close();
    this.#former = null;
    this.clock.onWelcome(welcome.tick, this.now);
    this.#onConnected();
    this.#hooks.onWelcome(welcome, resumed);
    void this.#reportRung(transport);
  }

  /** @param {Transport} transport */
  async #reportRung(transport) {
    const rung = await transport.rung().catch(() => null);
    // Not before those who wait for the welcome have had their turn to listen.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (transport !== this.transport || this.#closed) return;
    this.rung = rung ?? "direct";
    this.#hooks.onRung(this.rung, this.why);
  }

  /** @param {Uint8Array} bytes */
  #frame(bytes) {
    const frame = decodeFrame(bytes);
    if (frame.type === PING) {
      this.clock.onPing(frame, this.#lastHeard);
      this.#put(STATE, encodePong({ seq: frame.seq, relayUs: frame.relayUs, clientUs: this.now * 1e6 }), true);
    } else if (frame.type === STATE_FRAME) {
      this.session.acknowledge(frame.controlApplied);
      if (frame.ack) this.replication.acknowledge(frame.ack);
      if (this.received.add(frame.seq) && frame.records.length) this.#hooks.onState(frame);
    } else if (frame.type === DATA) this.#hooks.onData(frame);
  }

  #tick() {
    const now = this.now;
    // After a sleep what has come lies unread in the queue: silence counts only for one who was listening. A hidden tab sleeps from tick to tick.
    this.#excused = now - this.#lastTick > 2 && !this.#excused;
    this.#lastTick = now;
    const { transport } = this;
    if (transport && !this.#excused) {
      if (!this.connected && now - this.#helloAt > WELCOME_S) this.#lost(transport, "timeout", "no welcome came");
      else if (this.connected && now - this.#lastHeard > SILENCE_S) this.#lost(transport, "timeout", "the relay is silent");
    }
    this.#pump();
  }

  #pumpSoon() {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    queueMicrotask(() => {
      this.#pumpQueued = false;
      this.#pump();
    });
  }

  /** Sends what is due. */
  #pump() {
    if (!this.connected) return;
    for (const bytes of this.session.takeOutgoing()) this.#put(CONTROL, bytes);
    const now = this.now;
    if (!this.transport?.ready) return;
    const flush = () => ({
      now, tick: Math.floor(this.clock.tickAt(now)), rttS: this.clock.rttS, ack: this.received.ack(), controlApplied: this.session.applied,
    });
    // Half a period of grace: the timer and the messages that drive this do not beat together.
    if (now - this.#lastFlush >= this.#flushEveryS * 0.9) {
      this.#lastFlush = now;
      for (const frame of this.replication.frames(flush())) this.#putFrame(frame, now);
    }
    const quietS = now - this.#lastFrame;
    const untold = this.session.applied !== this.#lastAppliedTold;
    if (quietS >= ACK_EVERY_S || (untold && quietS >= ACK_SOON_S)) this.#putFrame(this.replication.emptyFrame(flush()), now);
  }

  /** @param {Uint8Array<ArrayBuffer>} frame @param {number} now */
  #putFrame(frame, now) {
    this.#lastFrame = now;
    this.#lastAppliedTold = this.session.applied;
    this.#put(STATE, frame);
  }

  /** @param {number} stream @param {Uint8Array<ArrayBuffer>} bytes @param {boolean} [urgent] @returns {boolean} */
  #put(stream, bytes, urgent = false) {
    if (!this.transport?.send(stream, bytes, urgent)) return false;
    this.up.add(bytes.length, this.now);
    return true;
  }
}

/**
 * Until the relay, told goodbye, has closed the connection: closed from here, what has not gone out yet would be lost, and we would seem to be away.
 * @param {Transport} transport @returns {Promise<void>}
 */
function hungUp(transport) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, HANG_UP_MS);
    transport.onMessage = () => {};
    transport.onClose = () => {
      clearTimeout(timer);
      resolve();
    };
    if (transport.state === "closed") transport.onClose("bye", "closed");
  });
}
