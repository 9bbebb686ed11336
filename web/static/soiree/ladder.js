/**
 * Which transport to stand on (docs/PROTOCOL.md section 1): WebRTC first; the WebSocket beside it when that takes long, fails, or connects
 * and stays mute; the better one kept; and while it is the WebSocket, WebRTC tried again in the background.
 */

import { SoireeError } from "./errors.js";

/** @typedef {import("./transports/transport.js").Transport} Transport */
/** @typedef {"webrtc" | "websocket"} Kind */

/** Milliseconds that WebRTC has to itself: first to connect, then to bring the welcome. */
export const PATIENCE_MS = 1500;
/** Milliseconds until WebRTC is tried again: soon for some minutes, since networks change, then doubling to the last. */
export const RETRY_MS = Object.freeze({ first: 5000, last: 60000 });
/** How many tries are soon. */
export const SOON_TRIES = 12;

/**
 * @typedef {object} LadderOptions
 * @property {readonly Kind[]} kinds what may be used, of what this place and the relay can do
 * @property {string} [why] why WebRTC is not among them, if it was wanted
 * @property {(kind: Kind) => Transport} make
 * @property {(transport: Transport, why: string) => void} onBetter a transport has opened and is to be used from now; why tells what kept from a better one
 * @property {(error: SoireeError) => void} onFailed nothing can be opened
 * @property {number} [patienceMs]
 */

export class Ladder {
  /** @type {LadderOptions} */
  #options;
  /** @type {Map<Transport, Kind>} */
  #attempts = new Map();
  /** @type {Kind | null} what was last called better */
  #held = null;
  /** Whether that has brought the welcome. */
  #confirmed = false;
  /** Whether it has had its time to. */
  #mute = false;
  /** @type {Transport | null} WebRTC that opened while the WebSocket's hello is unanswered: two at once could overtake each other */
  #waiting = null;
  #stopped = false;
  #fellBack = false;
  /** @type {number} */
  #retryMs = RETRY_MS.first;
  #tries = 0;
  /** Whether WebRTC that opens replaces WebRTC: the network it goes over has changed. */
  #replacing = false;
  #why = "";
  /** @type {SoireeError} */
  #lastError = new SoireeError("unavailable", "the relay offers no transport that works here");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {LadderOptions} options */
  constructor(options) {
    this.#options = options;
  }

  start() {
    const { kinds } = this.#options;
    if (kinds.includes("webrtc")) {
      this.#attempt("webrtc");
      if (kinds.includes("websocket")) {
        this.#timer = setTimeout(() => this.#fallBack(`WebRTC did not connect within ${this.#patienceMs / 1000} s`), this.#patienceMs);
      }
    } else if (kinds.includes("websocket")) this.#fallBack(this.#options.why ?? "");
    else queueMicrotask(() => this.#fail());
  }

  /** The transport last called better has brought the welcome. */
  confirm() {
    this.#confirmed = true;
    if (this.#held === "webrtc") {
      clearTimeout(this.#timer);
      this.#closeAttempts();
    } else if (this.#waiting) queueMicrotask(() => this.#useWaiting() || this.#stopped || this.#retryLater());
  }

  /**
   * The transport last called better is gone, without a welcome.
   * @param {SoireeError} error
   * @returns {boolean} whether another is on its way; if not, nothing will be told any more
   */
  lost(error) {
    this.#lastError = error;
    this.#held = null;
    this.#mute = false;
    clearTimeout(this.#timer);
    if (this.#useWaiting()) return true;
    if (this.#stopped || this.#attempts.size === 0) return false;
    this.#fellBack = this.#trying("websocket");
    this.#timer = setTimeout(() => this.#fallBack(this.#why), this.#patienceMs);
    return true;
  }

  /** This machine is on another network, or its network has become another: what did not work may, what works may be on its last legs. */
  networkChanged() {
    if (this.#stopped || !this.#confirmed || !this.#options.kinds.includes("webrtc") || this.#trying("webrtc")) return;
    this.#replacing = this.#held === "webrtc";
    this.#retryMs = RETRY_MS.first;
    this.#tries = 0;
    clearTimeout(this.#timer);
    this.#attempt("webrtc");
  }

  /** Gives up everything that is not in use. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#closeAttempts();
    this.#waiting?.close();
    this.#waiting = null;
  }

  get #patienceMs() {
    return this.#options.patienceMs ?? PATIENCE_MS;
  }

  #closeAttempts() {
    for (const transport of this.#attempts.keys()) transport.close();
    this.#attempts.clear();
  }

  /** @param {Kind} kind @returns {boolean} */
  #trying(kind) {
    return [...this.#attempts.values()].includes(kind);
  }

  /** @param {string} why */
  #fallBack(why) {
    clearTimeout(this.#timer);
    if (this.#stopped || (this.#held && !this.#mute) || this.#fellBack || !this.#options.kinds.includes("websocket")) return;
    this.#why = why;
    this.#fellBack = true;
    this.#attempt("websocket");
  }

  /** @param {Kind} kind */
  #attempt(kind) {
    const transport = this.#options.make(kind);
    this.#attempts.set(transport, kind);
    transport.opened.then(() => this.#opened(transport, kind), (error) => this.#failedToOpen(transport, kind, error));
  }

  /** @param {Transport} transport @param {Kind} kind */
  #opened(transport, kind) {
    this.#attempts.delete(transport);
    const better = kind === "webrtc" ? this.#held !== "webrtc" || this.#replacing : !this.#held || (this.#mute && !this.#confirmed);
    if (this.#stopped || !better) transport.close();
    else if (this.#held === "websocket" && !this.#confirmed) this.#waiting = transport;
    else this.#use(transport, kind);
  }

  /** @returns {boolean} whether there was one, still open */
  #useWaiting() {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (this.#stopped || waiting?.state !== "open") return false;
    this.#use(waiting, "webrtc");
    return true;
  }

  /** @param {Transport} transport @param {Kind} kind */
  #use(transport, kind) {
    this.#held = kind;
    this.#confirmed = this.#mute = this.#replacing = false;
    clearTimeout(this.#timer);
    if (kind === "webrtc") {
      this.#closeAttempts();
      this.#listenFor();
    } else if (!this.#trying("webrtc")) this.#retryLater();
    this.#options.onBetter(transport, kind === "webrtc" ? "" : this.#why);
  }

  /** Gives the WebRTC connection its time to be confirmed. */
  #listenFor() {
    if (!this.#options.kinds.includes("websocket")) return;
    this.#timer = setTimeout(() => {
      this.#mute = true;
      this.#fellBack = false;
      this.#fallBack("WebRTC connected, and stayed mute");
    }, this.#patienceMs);
  }

  /** @param {Transport} transport @param {Kind} kind @param {SoireeError} error */
  #failedToOpen(transport, kind, error) {
    if (!this.#attempts.delete(transport) || this.#stopped) return;
    this.#lastError = error;
    if (this.#held) {
      // What is held may have outlived the change of network: then there is nothing to better.
      if (kind === "webrtc" && this.#held === "websocket") this.#retryLater();
      return;
    }
    if (kind === "webrtc") this.#fallBack(`WebRTC failed: ${error.message}`);
    if (this.#attempts.size === 0) this.#fail();
    else if (kind === "websocket") {
      // WebRTC may go on trying for half a minute, to no avail: that is no reason to wait for it alone.
      this.#timer = setTimeout(() => {
        this.#fellBack = false;
        this.#fallBack(this.#why);
      }, this.#patienceMs);
    }
  }

  #retryLater() {
    if (!this.#options.kinds.includes("webrtc")) return;
    const delayMs = this.#retryMs * (0.8 + 0.4 * Math.random());
    this.#tries++;
    if (this.#tries >= SOON_TRIES) this.#retryMs = Math.min(RETRY_MS.last, 2 * this.#retryMs);
    this.#timer = setTimeout(() => this.#attempt("webrtc"), delayMs);
  }

  #fail() {
    if (this.#stopped) return;
    this.stop();
    this.#options.onFailed(this.#lastError);
  }
}
