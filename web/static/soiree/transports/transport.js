/** What both transports are to the rest of the SDK. */

import { SoireeError } from "../errors.js";

export const CONTROL = 1;
export const STATE = 3;
/** Unsent bytes past which a state frame is dropped instead of queued: stale state helps nobody. */
export const MAX_BUFFERED_STATE_BYTES = 4096;
/** Milliseconds in which a transport has to open. */
export const OPEN_TIMEOUT_MS = 10000;

/** @typedef {"direct" | "stun" | "turn-udp" | "turn-tcp" | "websocket"} Rung */

/** @abstract */
export class Transport {
  /** @type {(stream: number, bytes: Uint8Array) => void} */
  onMessage = () => {};
  /** @type {(reason: string, message: string) => void} once, only after it has opened */
  onClose = () => {};
  /** @type {"new" | "open" | "closed"} */
  state = "new";
  /** @type {(error: SoireeError) => void} */
  #rejectOpened = () => {};
  #resolveOpened = () => {};
  /** @type {ReturnType<typeof setTimeout>} */
  #timer;

  /** @param {"webrtc" | "websocket"} kind */
  constructor(kind) {
    this.kind = kind;
    /** Settles once: open, or a SoireeError that says why not. @type {Promise<void>} */
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    this.opened.catch(() => {});
    this.#timer = setTimeout(() => this.ended("timeout", `${kind} did not open within ${OPEN_TIMEOUT_MS / 1000} s`), OPEN_TIMEOUT_MS);
  }

  /** @protected */
  begun() {
    if (this.state !== "new") return;
    this.state = "open";
    clearTimeout(this.#timer);
    this.#resolveOpened();
  }

  /** @protected @param {string} reason @param {string} message */
  ended(reason, message) {
    if (this.state === "closed") return;
    const wasOpen = this.state === "open";
    this.state = "closed";
    clearTimeout(this.#timer);
    this.release();
    if (wasOpen) this.onClose(reason, message);
    else this.#rejectOpened(new SoireeError(reason, message));
  }

  /** Closes it without telling anybody here. */
  close() {
    this.onClose = () => {};
    this.onMessage = () => {};
    this.ended("bye", "closed");
  }

  /**
   * @abstract
   * @param {number} stream CONTROL or STATE
   * @param {Uint8Array<ArrayBuffer>} _bytes
   * @param {boolean} [_urgent] however much state waits
   * @returns {boolean} false when it was not taken: closed, or too much state waits already
   */
  send(stream, _bytes, _urgent = false) {
    throw new SoireeError("abstract", `no way to send on stream ${stream}`);
  }

  /** @abstract @returns {boolean} whether a state frame would be taken now */
  get ready() {
    return false;
  }

  /** @abstract @returns {Promise<Rung | null>} the way the packets go */
  async rung() {
    return null;
  }

  /** @abstract @protected */
  release() {}
}
