/** Two negotiated data channels, introduced over the signalling WebSocket with trickled candidates (docs/PROTOCOL.md section 1.2). */

import { closeReason } from "./close_codes.js";
import { CONTROL, MAX_BUFFERED_STATE_BYTES, STATE, Transport } from "./transport.js";

/** Candidates of the relay that may come before its answer. */
const MAX_EARLY_CANDIDATES = 64;

/** Milliseconds after opening at which signalling ends: later candidates could not better the connection. */
const SIGNAL_LINGER_MS = 5000;

/** @returns {boolean} whether this place can do WebRTC at all */
export const canWebRtc = () => typeof RTCPeerConnection === "function";

export class WebRtcTransport extends Transport {
  /** @type {RTCPeerConnection} */
  #connection;
  /** @type {RTCDataChannel} */
  #control;
  /** @type {RTCDataChannel} */
  #state;
  /** @type {WebSocket} */
  #signal;
  #offered = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #lingering;
  /** @type {RTCIceCandidateInit[]} the relay's, until its answer is in */
  #early = [];
  /** @type {string[]} ours, until the offer is out */
  #waiting = [];

  /**
   * @param {string} signalUrl
   * @param {RTCIceServer[] | Promise<RTCIceServer[]>} iceServers
   * @param {() => string} token called when the offer goes out: the ticket once, then the resume token
   */
  constructor(signalUrl, iceServers, token) {
    super("webrtc");
    this.#connection = new RTCPeerConnection();
    this.#control = this.#channel("control", CONTROL, { ordered: true });
    this.#state = this.#channel("state", STATE, { ordered: false, maxRetransmits: 0 });
    this.#connection.onicecandidate = ({ candidate }) => this.#trickle(candidate);
    this.#connection.onconnectionstatechange = () => this.#connectionChanged();
    this.#signal = new WebSocket(signalUrl);
    this.#signal.onmessage = ({ data }) => this.#signalled(data).catch((error) => this.ended("lost", String(error)));
    this.#signal.onclose = (event) => {
      if (this.state === "new") this.ended(closeReason(event), event.reason || `the signalling socket was closed (${event.code})`);
    };
    const opened = new Promise((resolve) => (this.#signal.onopen = resolve));
    this.#offer(iceServers, opened, token).catch((error) => this.ended("lost", String(error)));
  }

  /** @param {string} label @param {number} id @param {RTCDataChannelInit} init @returns {RTCDataChannel} */
  #channel(label, id, init) {
    const channel = this.#connection.createDataChannel(label, { ...init, negotiated: true, id });
    channel.binaryType = "arraybuffer";
    channel.onopen = () => {
      if (this.#control.readyState !== "open" || this.#state.readyState !== "open") return;
      this.begun();
      this.#lingering = setTimeout(() => this.#signal.close(), SIGNAL_LINGER_MS);
    };
    channel.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.onMessage(id, new Uint8Array(data));
    };
    channel.onclose = () => this.ended("lost", "the data channel was closed");
    return channel;
  }

  /** @param {RTCIceServer[] | Promise<RTCIceServer[]>} iceServers @param {Promise<unknown>} socketOpened @param {() => string} token */
  async #offer(iceServers, socketOpened, token) {
    this.#connection.setConfiguration({ ...this.#connection.getConfiguration?.(), iceServers: await iceServers });
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    await socketOpened;
    if (this.state === "closed") return;
    this.#tell({ type: "offer", token: token(), sdp: this.#connection.localDescription?.sdp ?? "" });
    this.#offered = true;
    for (const text of this.#waiting.splice(0)) this.#signal.send(text);
  }

  /** @param {Record<string, unknown>} message */
  #tell(message) {
    this.#signal.send(JSON.stringify(message));
  }

  /** @param {RTCIceCandidate | null} candidate */
  #trickle(candidate) {
    const text = JSON.stringify({ type: "candidate", candidate: candidate?.candidate ?? "", mid: candidate?.sdpMid ?? "0" });
    if (!this.#offered) this.#waiting.push(text);
    else if (this.#signal.readyState === WebSocket.OPEN) this.#signal.send(text);
  }

  /** @param {unknown} text */
  async #signalled(text) {
    const message = JSON.parse(String(text));
    if (message.type === "answer") await this.#answered(String(message.sdp));
    else if (message.type === "candidate") await this.#candidate({ candidate: String(message.candidate), sdpMid: String(message.mid ?? "0") });
    else if (message.type === "closed") this.ended(String(message.reason || "lost"), "the relay closed the connection");
    else if (message.type === "error" && this.state === "new") this.ended(String(message.code), String(message.message));
  }

  /** @param {string} sdp */
  async #answered(sdp) {
    await this.#connection.setRemoteDescription({ type: "answer", sdp });
    for (const candidate of this.#early.splice(0)) await this.#connection.addIceCandidate(candidate);
  }

  /** @param {RTCIceCandidateInit} candidate */
  async #candidate(candidate) {
    if (this.#connection.remoteDescription) await this.#connection.addIceCandidate(candidate);
    else if (this.#early.length < MAX_EARLY_CANDIDATES) this.#early.push(candidate);
  }

  #connectionChanged() {
    const { connectionState } = this.#connection;
    if (connectionState === "failed" || connectionState === "closed") this.ended("lost", `the WebRTC connection ${connectionState}`);
  }

  /** @override @param {number} stream @param {Uint8Array<ArrayBuffer>} bytes @param {boolean} [urgent] @returns {boolean} */
  send(stream, bytes, urgent = false) {
    const channel = stream === CONTROL ? this.#control : this.#state;
    if (this.state !== "open" || channel.readyState !== "open") return false;
    if (stream === STATE && !urgent && !this.ready) return false;
    channel.send(bytes);
    return true;
  }

  /** @override */
  get ready() {
    return this.state === "open" && this.#state.bufferedAmount <= MAX_BUFFERED_STATE_BYTES;
  }

  /** @override @returns {Promise<import("./transport.js").Rung | null>} */
  async rung() {
    if (this.state !== "open") return null;
    const stats = await this.#connection.getStats();
    /** @type {Map<string, any>} */
    const byId = new Map();
    stats.forEach((report) => byId.set(report.id, report));
    const reports = [...byId.values()];
    const transport = reports.find((report) => report.type === "transport" && report.selectedCandidatePairId);
    const pair = transport
      ? byId.get(transport.selectedCandidatePairId)
      : reports.find((report) => report.type === "candidate-pair" && report.nominated && report.state === "succeeded");
    return pair ? rungOf(byId.get(pair.localCandidateId), byId.get(pair.remoteCandidateId)) : null;
  }

  /** @override */
  release() {
    clearTimeout(this.#lingering);
    this.#signal.close();
    this.#connection.close();
  }
}

/**
 * @param {{candidateType?: string, relayProtocol?: string} | undefined} local
 * @param {{candidateType?: string} | undefined} remote the relay's
 * @returns {import("./transport.js").Rung}
 */
export function rungOf(local, remote) {
  if (local?.candidateType === "relay") return local.relayProtocol === "udp" ? "turn-udp" : "turn-tcp";
  if (remote?.candidateType === "relay") return "turn-udp";
  // It is the relay that is reached, so its candidate tells direct from STUN: a client behind a NAT reaches a public relay directly.
  return remote?.candidateType === "srflx" ? "stun" : "direct";
}
