/** The data WebSocket (docs/PROTOCOL.md section 1.3): for networks that let no UDP through. */

import { closeReason } from "./close_codes.js";
import { CONTROL, MAX_BUFFERED_STATE_BYTES, STATE, Transport } from "./transport.js";

export class WebSocketTransport extends Transport {
  /** @type {WebSocket} */
  #socket;

  /** @param {string} dataUrl @param {string} token ticket or resume token */
  constructor(dataUrl, token) {
    super("websocket");
    const url = new URL(dataUrl);
    url.searchParams.set("token", token);
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.begun();
    this.#socket.onmessage = ({ data }) => this.#received(data);
    this.#socket.onclose = (event) => this.ended(closeReason(event), event.reason || `the WebSocket was closed (${event.code})`);
  }

  /** @param {unknown} data */
  #received(data) {
    if (!(data instanceof ArrayBuffer) || data.byteLength === 0) return;
    const bytes = new Uint8Array(data);
    const stream = bytes[0];
    if (stream === CONTROL || stream === STATE) this.onMessage(stream, bytes.subarray(1));
  }

  /** @override @param {number} stream @param {Uint8Array<ArrayBuffer>} bytes @param {boolean} [urgent] @returns {boolean} */
  send(stream, bytes, urgent = false) {
    if (this.state !== "open" || this.#socket.readyState !== WebSocket.OPEN) return false;
    if (stream === STATE && !urgent && !this.ready) return false;
    const frame = new Uint8Array(1 + bytes.length);
    frame[0] = stream;
    frame.set(bytes, 1);
    this.#socket.send(frame);
    return true;
  }

  /** @override */
  get ready() {
    return this.state === "open" && this.#socket.bufferedAmount <= MAX_BUFFERED_STATE_BYTES;
  }

  /** @override @returns {Promise<import("./transport.js").Rung | null>} */
  async rung() {
    return "websocket";
  }

  /** @override */
  release() {
    this.#socket.close();
  }
}
