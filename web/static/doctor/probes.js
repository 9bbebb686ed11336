/** The doctor's hands: each probe tries one thing for real, and tells how it went. */

import { call, ApiError } from "../parts/api.js";
import { join } from "../soiree/index.js";

/** @typedef {import("./findings.js").Finding} Finding */
/** @typedef {{room: {id: string, code: string}, host_key: string}} MadeRoom */

const RTT_TRIES = 3;
/** Milliseconds for a way into the room; WebRTC may take its time before it gives up. */
const JOIN_TIMEOUT_MS = 12000;
const GATHER_TIMEOUT_MS = 6000;
const ECHO_TIMEOUT_MS = 4000;
/** Milliseconds in which the relay has pinged at least once, so that a round trip is known. */
const PING_TIMEOUT_MS = 3000;

/** @returns {Promise<Finding>} whether the server answers, and how fast */
export async function probeHttp() {
  const times = [];
  try {
    for (let turn = 0; turn < RTT_TRIES; turn++) {
      const begun = performance.now();
      const answer = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(ECHO_TIMEOUT_MS) });
      if (!answer.ok) return { check: "http", outcome: "fails", code: `http-${answer.status}` };
      times.push(performance.now() - begun);
    }
  } catch {
    return { check: "http", outcome: "fails", code: "unreachable" };
  }
  return { check: "http", outcome: "works", rttMs: Math.min(...times) };
}

/** @returns {Promise<{finding: Finding, room: MadeRoom | null}>} an unlisted room of its own */
export async function makeRoom() {
  try {
    const room = await call("POST", "/rooms", { body: { name: "Examination", capacity: 4, public: false } });
    return { finding: { check: "join", outcome: "works" }, room };
  } catch (error) {
    return { finding: { check: "join", outcome: "fails", code: error instanceof ApiError ? error.code : "unreachable" }, room: null };
  }
}

/** @param {MadeRoom} room @returns {Promise<void>} */
export async function closeRoom({ room, host_key }) {
  await call("DELETE", `/rooms/${room.id}`, { hostKey: host_key }).catch(() => null);
}

/**
 * What the server hands out to somebody who joins.
 * @param {MadeRoom} room
 * @returns {Promise<{ice_servers: RTCIceServer[], transports: string[]}>}
 */
export const admission = ({ room }) => call("POST", `/rooms/${room.id}/join`, { body: { name: "Doctor" } });

/**
 * A real stay in the room.
 * @param {MadeRoom} room
 * @param {"webrtc" | "websocket"} transport
 * @returns {Promise<Finding>}
 */
export async function probeStay({ room }, transport) {
  if (transport === "webrtc" && typeof RTCPeerConnection !== "function") return { check: transport, outcome: "fails", code: "no-webrtc" };
  const begun = performance.now();
  const joining = join({ room: room.id, name: "Doctor", transport });
  try {
    const joined = await within(joining, JOIN_TIMEOUT_MS);
    const tookMs = performance.now() - begun;
    const rttMs = await pinged(joined);
    const { rung } = joined;
    await joined.leave();
    if (transport === "webrtc" && rung !== "direct" && rung !== "stun") return { check: transport, outcome: "fails", code: `only-${rung}`, rttMs };
    return { check: transport, outcome: "works", rttMs, detail: `in after ${Math.round(tookMs)} ms` };
  } catch (error) {
    joining.then((late) => late.leave(), () => null);
    return { check: transport, outcome: "fails", code: error instanceof Error && "code" in error ? String(error.code) : "timeout" };
  }
}

/** @param {any} room @returns {Promise<number | null>} */
async function pinged(room) {
  const until = performance.now() + PING_TIMEOUT_MS;
  while (performance.now() < until) {
    const { rttMs } = room.stats();
    if (typeof rttMs === "number" && rttMs > 0) return rttMs;
    await pause(100);
  }
  return null;
}

/**
 * The address that a STUN or TURN server sees.
 * @param {RTCIceServer[]} servers
 * @returns {Promise<Finding>}
 */
export async function probeStun(servers) {
  const usable = servers.flatMap(({ urls, ...credential }) => urlsOf({ urls })
    .filter((url) => url.startsWith("stun") || (url.startsWith("turn:") && !url.endsWith("transport=tcp")))
    .map((url) => ({ urls: url, ...credential })));
  if (!usable.length) return { check: "stun", outcome: "absent" };
  const connection = new RTCPeerConnection({ iceServers: usable });
  try {
    const seen = await within(gathered(connection, ({ type, candidate }) => type === "srflx" || (type === "relay" && candidate.includes("raddr"))), GATHER_TIMEOUT_MS);
    return { check: "stun", outcome: "works", detail: `${seen.type === "srflx" ? seen.address : seen.relatedAddress ?? "seen"}` };
  } catch {
    return { check: "stun", outcome: "fails", code: "silent" };
  } finally {
    connection.close();
  }
}

/**
 * A packet there and back through one TURN URL: two connections of this page, each by a relayed address of its own.
 * @param {string} check
 * @param {RTCIceServer[]} servers
 * @param {(url: string) => boolean} wanted
 * @returns {Promise<Finding>}
 */
export async function probeTurn(check, servers, wanted) {
  const iceServers = servers.flatMap(({ urls, ...credential }) => urlsOf({ urls }).filter(wanted).map((url) => ({ urls: url, ...credential })));
  if (!iceServers.length) return { check, outcome: "absent" };
  /** @type {RTCConfiguration} */
  const configuration = { iceServers: iceServers.slice(0, 1), iceTransportPolicy: "relay" };
  const ends = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  try {
    await within(introduce(ends[0], ends[1]), GATHER_TIMEOUT_MS);
    return { check, outcome: "works", rttMs: await within(echoed(ends[0], ends[1]), ECHO_TIMEOUT_MS) };
  } catch (error) {
    return { check, outcome: "fails", code: error instanceof TimeoutError ? "timeout" : "refused" };
  } finally {
    for (const end of ends) end.close();
  }
}

/** @param {RTCPeerConnection} one @param {RTCPeerConnection} other */
async function introduce(one, other) {
  for (const [from, to] of [[one, other], [other, one]]) {
    from.addEventListener("icecandidate", ({ candidate }) => candidate && to.addIceCandidate(candidate).catch(() => null));
  }
  one.createDataChannel("echo", { negotiated: true, id: 1 });
  await one.setLocalDescription();
  await other.setRemoteDescription(/** @type {RTCSessionDescription} */ (one.localDescription));
  await other.setLocalDescription();
  await one.setRemoteDescription(/** @type {RTCSessionDescription} */ (other.localDescription));
}

/** @param {RTCPeerConnection} one @param {RTCPeerConnection} other @returns {Promise<number>} ms */
async function echoed(one, other) {
  const options = { negotiated: true, id: 3, ordered: false, maxRetransmits: 0 };
  const [near, far] = [one, other].map((end) => end.createDataChannel("probe", options));
  far.onmessage = ({ data }) => far.send(data);
  await Promise.all([near, far].map((channel) => channel.readyState === "open" || new Promise((resolve) => channel.addEventListener("open", resolve))));
  const times = [];
  for (let turn = 0; turn < RTT_TRIES; turn++) {
    const begun = performance.now();
    near.send(String(turn));
    await new Promise((resolve) => near.addEventListener("message", resolve, { once: true }));
    times.push((performance.now() - begun) / 2); // there are two ends on the way, each by its relayed address
  }
  return Math.min(...times);
}

/** @param {RTCPeerConnection} connection @param {(candidate: RTCIceCandidate) => boolean} wanted @returns {Promise<RTCIceCandidate>} */
async function gathered(connection, wanted) {
  connection.createDataChannel("probe");
  const found = new Promise((resolve, reject) => {
    connection.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate === null) reject(new Error("gathering ended"));
      else if (candidate.candidate && wanted(candidate)) resolve(candidate);
    });
  });
  await connection.setLocalDescription();
  return found;
}

class TimeoutError extends Error {}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} ms
 * @returns {Promise<T>}
 */
function within(promise, ms) {
  return Promise.race([promise, pause(ms).then(() => Promise.reject(new TimeoutError(`not within ${ms} ms`)))]);
}

/** @param {number} ms @returns {Promise<void>} */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {{urls: string | string[]}} server @returns {string[]} */
const urlsOf = ({ urls }) => (typeof urls === "string" ? [urls] : urls);
