/** Codes of the protocol in plain words. Pure. */

/** @type {Readonly<Record<string, string>>} */
const RUNGS = {
  direct: "direct UDP",
  stun: "UDP through your router",
  "turn-udp": "relayed UDP (TURN)",
  "turn-tcp": "relayed over TCP (TURN)",
  websocket: "WebSocket",
};

/**
 * @param {string | null | undefined} rung
 * @param {string | null} [wanted] the transport that the page's address asks for
 */
export function rungWords(rung, wanted = null) {
  if (!rung) return "connecting…";
  if (rung === "websocket" && wanted !== "websocket") return "WebSocket: UDP seems blocked";
  return RUNGS[rung] ?? rung;
}

/** @type {Readonly<Record<string, string>>} */
const REFUSALS = {
  stale: "Somebody was faster. Look who has it now, and try again.",
  rule: "Its rule is deny: it cannot be asked for.",
  denied: "Its master said no.",
  timeout: "Its master did not answer in time.",
  "no-master": "Its master is away, so nobody can answer.",
  busy: "Too many people are asking for it already.",
  owner: "You own it already.",
  "not-owner": "Only its owner may do that.",
  "not-master": "Only its master may do that.",
  "unknown-entity": "It is gone.",
  "unknown-peer": "That person is gone.",
  "unknown-ticket": "That question was settled already.",
  "attach-rule": "It takes no riders.",
  cycle: "A thing cannot ride in itself.",
  depth: "Too many things ride in each other.",
  "too-large": "That is too large.",
  "too-many": "There are too many things here already.",
  rate: "That was too fast: slow down a little.",
  speed: "It moved faster than this room allows.",
};

/** @param {string} reason @returns {string} */
export function refusalWords(reason) {
  return REFUSALS[reason] ?? `The relay said no (${reason}).`;
}

/**
 * Why the stay is over.
 * @param {string} reason
 * @param {string} [message] of the server
 * @param {boolean} [byMe] whether one has closed the room oneself
 * @returns {{title: string, text: string, again: boolean}} again: whether coming back may work
 */
export function closingWords(reason, message = "", byMe = false) {
  if (reason === "closed" && byMe) return { title: "You closed the room", text: "Everybody was sent home.", again: false };
  const known = {
    kicked: { title: "The host showed you out", text: message || "You were removed from this room.", again: false },
    closed: { title: "The room has closed", text: "Its host closed it, or it stood empty for too long.", again: false },
    shutdown: { title: "The server stopped", text: "Come back in a moment: it may be up again.", again: true },
    superseded: { title: "You are here in another tab", text: "The other tab took over. Come back here to continue in this one.", again: true },
    bye: { title: "You left the room", text: "Until next time.", again: true },
    version: { title: "This page is out of date", text: "The server speaks a newer version. Reload the page.", again: true },
    "session-gone": { title: "Your place was given up", text: "You were away for too long, or the server has restarted. You can come in again as somebody new.", again: true },
    "unknown-room": { title: "The room is gone", text: "It closed while the connection was lost, or the server has restarted. Open another one in the lobby.", again: false },
    timeout: { title: "The connection was lost", text: "The server was silent for too long.", again: true },
  };
  return known[/** @type {keyof typeof known} */ (reason)] ?? { title: "The connection ended", text: message || `The server said: ${reason}.`, again: true };
}

/**
 * Why nobody was let in.
 * @param {string} code
 * @param {string} message of the server
 * @returns {{title: string, text: string, ask: "password" | "name" | null, again: boolean}} ask: what to type to be let in
 */
export function doorWords(code, message) {
  /** @type {(title: string, text?: string, rest?: {ask?: "password" | "name", again?: boolean}) => ReturnType<typeof doorWords>} */
  const words = (title, text = message, { ask, again = true } = {}) => ({ title, text, ask: ask ?? null, again });
  switch (code) {
    case "password-needed":
      return words("This room asks for a password", "Whoever invited you knows it.", { ask: "password" });
    case "wrong-password":
      return words("This room asks for a password", "That password is wrong. Try again.", { ask: "password" });
    case "room-full":
      return words("The room is full");
    case "room-locked":
    case "locked":
      return words("The host has locked the door", "Nobody new may come in just now.");
    case "unknown-room":
    case "not-found":
      return words("No such room", "It has closed, or the link is off by a letter.", { again: false });
    case "server-full":
      return words("The server is full");
    case "rate":
      return words("Too many tries", "Wait a moment, then try again.");
    case "shutdown":
      return words("The server is about to stop");
    case "unreachable":
      return words("The server does not answer", "It may be restarting, or your connection is down.");
    case "unavailable":
      return words("No way through", "Neither UDP nor a WebSocket reaches the server from here.");
    default:
      return words("You could not come in", message || `The server said: ${code}.`);
  }
}

/** @type {Readonly<Record<string, string>>} */
const CAUSES = {
  request: "took",
  answer: "got",
  assign: "got",
  release: "got back",
  lapse: "got back",
  left: "got back",
  resume: "has again",
  adopt: "inherited",
};

/**
 * A change of owner as a sentence.
 * @param {string | undefined} cause
 * @param {string} owner the new owner's name, or "You"
 * @param {string} thing
 */
export function grantWords(cause, owner, thing) {
  const told = CAUSES[cause ?? ""] ?? "has";
  return `${owner} ${owner === "You" ? told.replace(/^has\b/u, "have") : told} ${thing}`;
}

export const RULE_WORDS = Object.freeze({ ask: "ask: the master decides", allow: "allow: anybody may take it", deny: "deny: nobody may ask" });

export const LIFETIME_WORDS = Object.freeze({
  "with-master": "goes when its master leaves",
  "with-room": "stays while the room does",
  persistent: "waits for its master to come back",
});

/** A rate or a duration, short. @param {number} value @param {string} unit */
export function figure(value, unit) {
  if (!Number.isFinite(value)) return "–";
  const shown = value >= 100 || Number.isInteger(value) ? Math.round(value) : value >= 10 ? value.toFixed(0) : value.toFixed(1);
  return `${shown} ${unit}`;
}

/** A share as per cent. @param {number} share 0 to 1 */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}
