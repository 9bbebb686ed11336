/** What the doctor's page finds out, what that means, and what to do: words alone, no page. */

/** @typedef {"works" | "fails" | "absent" | "skipped"} Outcome absent: the server does not offer it */

/**
 * @typedef {object} Finding
 * @property {string} check one of CHECKS
 * @property {Outcome} outcome
 * @property {number | null} [rttMs] there and back
 * @property {string} [detail] for people; may hold addresses
 * @property {string} [code] why it failed
 */

/** Every check, in its order, as people read it. */
export const CHECKS = Object.freeze({
  http: "The server answers",
  join: "A place in a room",
  websocket: "WebSocket",
  webrtc: "WebRTC, directly",
  stun: "Your address, seen from outside",
  "turn-udp": "Through TURN, over UDP",
  "turn-tcp": "Through TURN, over TCP",
  "turn-tls": "Through TURN, over TLS",
});

/** Those that are a way into a room, best first. */
const WAYS = ["webrtc", "turn-udp", "turn-tcp", "turn-tls", "websocket"];

/** @type {Record<string, string>} what to do about a failure, by check, or by check and code */
const ADVICE = {
  http: "The server does not answer. Are you online? Otherwise its host has to look after it.",
  join: "No room could be made for the examination.",
  "join rate": "Many rooms were made from your network just now. Wait a minute, then examine again.",
  "join too-many-rooms": "The server has as many rooms as it takes. Come back later.",
  "join server-full": "The server has as many people as it takes. Come back later.",
  websocket: "Pages arrive and WebSockets do not: a proxy, a filter or a virus scanner in between takes them apart. Try https://, or another network; the server's host may have to let its proxy pass them on.",
  webrtc: "UDP does not get through to the server: your network blocks it, or the server's UDP port is closed to the outside. You still get in another way if one works below, only less promptly.",
  "webrtc no-webrtc": "This browser has no WebRTC, or an extension has switched it off.",
  stun: "No answer came from outside over UDP: your network seems to block it.",
  "turn-udp": "The TURN server does not answer over UDP: your network blocks UDP, or the server's host has to open its port.",
  "turn-tcp": "The TURN server does not answer over TCP: the server's host has to open its port, or your network lets out the web's ports alone.",
  "turn-tls": "The TURN server does not answer over TLS: its host has to look at its port and certificate.",
};

/**
 * @param {Finding} finding
 * @returns {string | null} what to do, null where nothing is wrong
 */
export function adviceFor({ check, outcome, code }) {
  if (outcome !== "fails") return null;
  return ADVICE[`${check} ${code}`] ?? ADVICE[check] ?? null;
}

/**
 * @param {Finding[]} findings of a whole examination
 * @returns {{canGetIn: boolean, words: string}} in a sentence
 */
export function verdict(findings) {
  const found = new Map(findings.map((finding) => [finding.check, finding]));
  for (const needed of ["http", "join"]) {
    if (found.get(needed)?.outcome === "fails") return { canGetIn: false, words: needed === "http" ? "The server cannot be reached from here." : "The server answers, but lets nobody in now." };
  }
  // A TURN server that works leads in only if the stay itself went through it.
  const through = found.get("webrtc")?.code;
  const best = WAYS.map((way) => found.get(way)).find((finding) => finding?.outcome === "works" && (!finding.check.startsWith("turn-") || through === `only-${finding.check}`));
  if (!best) return { canGetIn: false, words: "You cannot get in from here." };
  const how = { webrtc: "directly over UDP", "turn-udp": "through TURN over UDP", "turn-tcp": "through TURN over TCP", "turn-tls": "through TURN over TLS", websocket: "over the WebSocket" }[best.check];
  const time = typeof best.rttMs === "number" ? `, ${inMs(best.rttMs)} there and back` : "";
  return { canGetIn: true, words: `You get in from here, ${how}${time}.` };
}

/** @param {number} ms @returns {string} */
export const inMs = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

const ADDRESS = /\b(?:\d{1,3}\.){3}\d{1,3}\b|\[[0-9a-f:]+\]|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,}/gi;

/**
 * The findings as text, to be sent to who runs the server.
 * @param {Finding[]} findings
 * @param {{addresses: boolean, browser: string, at: string}} about addresses: whether the text may hold them
 * @returns {string}
 */
export function reportOf(findings, { addresses, browser, at }) {
  const lines = findings.map(({ check, outcome, rttMs, detail, code }) => {
    const more = [typeof rttMs === "number" ? inMs(rttMs) : "", code ?? "", detail ?? ""].filter(Boolean).join(", ");
    return `${CHECKS[/** @type {keyof typeof CHECKS} */ (check)] ?? check}: ${outcome}${more ? ` (${more})` : ""}`;
  });
  const text = [`Soirée, examined ${at}`, browser, ...lines, verdict(findings).words].join("\n");
  return addresses ? text : text.replace(ADDRESS, "(address)");
}
