/** Reasons that a WebSocket closes for (docs/PROTOCOL.md section 9). */

/** @type {Readonly<Record<number, string>>} */
export const CLOSE_REASONS = Object.freeze({
  1000: "bye",
  1001: "shutdown",
  4000: "malformed",
  4001: "unauthorized",
  4002: "session-gone",
  4003: "superseded",
  4004: "version",
  4005: "backlog",
  4006: "oversized",
  4007: "rate",
  4008: "kicked",
  4009: "closed",
  4010: "timeout",
  4011: "protocol",
  4012: "unavailable",
});

/** The connection ended without a reason given: a fault of the network. */
export const LOST = "lost";

/** @param {{code: number}} event @returns {string} */
export const closeReason = ({ code }) => CLOSE_REASONS[code] ?? LOST;
