/** Getting in over REST (docs/PROTOCOL.md section 1.1). */

import { JoinError } from "./errors.js";

/** Milliseconds to wait for the server's answer. */
const TIMEOUT_MS = 10000;

/**
 * @typedef {object} Admission a *join* of PROTOCOL 1.1
 * @property {number} peer_id
 * @property {string} session
 * @property {string | null} ticket
 * @property {string} resume
 * @property {string} identity
 * @property {{id: string, code: string, name: string} & Record<string, unknown>} room
 * @property {boolean} host
 * @property {RTCIceServer[]} ice_servers
 * @property {("webrtc" | "websocket")[]} transports
 * @property {string} data_url
 * @property {string} signal_url
 */

/**
 * @typedef {object} JoinRequest
 * @property {string} name
 * @property {string} [password]
 * @property {string} [identity]
 * @property {string} [resume]
 */

/**
 * @param {string} url origin of the server, and a path before /api if it has one
 * @param {string} room id or code
 * @param {JoinRequest} request
 * @param {string} [hostKey]
 * @returns {Promise<Admission>}
 * @throws {JoinError} what the server answered, or `unreachable`
 */
export async function requestAdmission(url, room, request, hostKey) {
  const address = `${url.replace(/\/+$/, "")}/api/v1/rooms/${encodeURIComponent(room)}/join`;
  const response = await ask(address, JSON.stringify(request), hostKey);
  const body = await response.json().catch(() => null);
  if (response.ok && body && typeof body.peer_id === "number") return body;
  const error = body?.error ?? {};
  throw new JoinError(
    String(error.code ?? "unreachable"), String(error.message ?? `the server answered ${response.status}`), response.status, error.field ?? null,
  );
}

/** @param {string} address @param {string} body @param {string} [hostKey] @returns {Promise<Response>} */
async function ask(address, body, hostKey) {
  const headers = { "content-type": "application/json", ...(hostKey ? { authorization: `Bearer ${hostKey}` } : {}) };
  try {
    return await fetch(address, {
      method: "POST", headers, body, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new JoinError("unreachable", `the server cannot be reached (${error instanceof Error ? error.message : error})`);
  }
}
