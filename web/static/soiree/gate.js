/** The way in, for the first time and again: asks the server, keeps what it hands out, and makes transports with it. */

import { JoinError } from "./errors.js";
import { requestAdmission } from "./join.js";
import { Keepsake } from "./keepsake.js";
import { canWebRtc, WebRtcTransport } from "./transports/webrtc.js";
import { WebSocketTransport } from "./transports/websocket.js";

/** @typedef {import("./join.js").Admission} Admission */
/** @typedef {import("./ladder.js").Kind} Kind */
/** @typedef {import("./transports/transport.js").Transport} Transport */

/** How old what the server told may be when WebRTC begins, milliseconds: credentials of TURN servers lapse after minutes. */
const FRESH_MS = 60000;

/** HTTP statuses that may be different next time: a 4xx otherwise is an answer. */
const PASSING = new Set([408, 425, 429]);

/**
 * @typedef {object} Way what a ladder climbs
 * @property {readonly Kind[]} kinds transports that may be tried
 * @property {string} why WebRTC is not among them, if it was wanted
 * @property {(kind: Kind) => Transport} make
 */

/**
 * @typedef {object} GateOptions
 * @property {string} url
 * @property {string} room
 * @property {string} name
 * @property {string} [password]
 * @property {string} [identity]
 * @property {string} [hostKey] proves who made the room
 * @property {string} [resume]
 * @property {"auto" | "webrtc" | "websocket"} [transport]
 * @property {Storage | null} [storage]
 * @property {Storage | null} [identityStorage]
 */

export class Gate {
  /** @type {Admission | null} the newest */
  admission = null;
  /** Whether the session has begun: from then on there is no joining anew. */
  entered = false;
  /** Why the server last said no, for join() to say. @type {JoinError | null} */
  refusal = null;

  #options;
  #resumeKept;
  #identityKept;
  /** @type {string | undefined} */
  #resume;
  /** @type {string | undefined} */
  #identity;
  /** @type {string | null} */
  #ticket = null;
  #admittedAt = 0;

  /** @param {GateOptions} options */
  constructor(options) {
    this.#options = options;
    this.#resumeKept = new Keepsake(options.storage, "resume", options.url, options.room);
    this.#identityKept = new Keepsake(options.identityStorage, "identity", options.url);
    this.#resume = options.resume ?? this.#resumeKept.read();
    this.#identity = options.identity ?? this.#identityKept.read();
  }

  /** @returns {Promise<Way>} @throws {JoinError} `final` when asking again is of no use */
  async admit() {
    const admission = await this.#ask().catch((error) => {
      this.refusal = error instanceof JoinError ? error : null;
      throw error;
    });
    this.refusal = null;
    this.admission = admission;
    this.#ticket = admission.ticket;
    this.#resume = admission.resume ?? this.#resume;
    this.#resumeKept.write(this.#resume ?? null);
    this.#identity = admission.identity ?? this.#identity;
    this.#identityKept.write(this.#identity ?? null);
    const { transport = "auto" } = this.#options;
    const kinds = admission.transports.filter((kind) => (transport === "auto" || transport === kind) && (kind !== "webrtc" || canWebRtc()));
    const missing = canWebRtc() ? "this server offers no WebRTC" : "there is no WebRTC in this browser";
    const why = transport === "auto" && !kinds.includes("webrtc") ? missing : "";
    this.#admittedAt = performance.now();
    return { kinds, why, make: (kind) => this.#make(kind, admission) };
  }

  /** The session is over: nothing is to resume it. */
  forget() {
    this.#resumeKept.write(null);
  }

  /** @returns {Promise<Admission>} */
  async #ask() {
    const { url, room, name, password, hostKey } = this.#options;
    const who = { name, ...(this.#identity ? { identity: this.#identity } : {}) };
    try {
      if (this.#resume) return await requestAdmission(url, room, { ...who, resume: this.#resume }, hostKey);
    } catch (error) {
      if (this.entered || !(error instanceof JoinError) || error.status === 0 || error.status >= 500) throw judged(error);
      this.#resume = undefined;
    }
    try {
      return await requestAdmission(url, room, { ...who, ...(password ? { password } : {}) }, hostKey);
    } catch (error) {
      throw judged(error);
    }
  }

  /** @param {Kind} kind @param {Admission} admission @returns {Transport} */
  #make(kind, admission) {
    if (kind === "websocket") return new WebSocketTransport(admission.data_url, this.#token());
    return new WebRtcTransport(admission.signal_url, this.#iceServers(), () => this.#token());
  }

  /** The STUN and TURN servers, asked for anew where credentials may have lapsed. @returns {Promise<RTCIceServer[]>} */
  async #iceServers() {
    const known = this.admission?.ice_servers ?? [];
    if (!known.length || performance.now() - this.#admittedAt < FRESH_MS || !this.#resume) return known;
    const { url, room, name } = this.#options;
    // Without an answer what is known has to do: the way without TURN may work all the same.
    const renewed = await requestAdmission(url, room, { name, resume: this.#resume }).catch(() => null);
    if (!renewed) return known;
    this.#admittedAt = performance.now();
    this.admission = renewed;
    return renewed.ice_servers;
  }

  /** @returns {string} the ticket once, then the resume token */
  #token() {
    const token = this.#ticket ?? this.#resume ?? "";
    this.#ticket = null;
    return token;
  }
}

/** @param {unknown} error @returns {unknown} marked `final` when asking again is of no use */
function judged(error) {
  if (error instanceof JoinError && error.status >= 400 && error.status < 500 && !PASSING.has(error.status)) return Object.assign(error, { final: true });
  return error;
}
