/** The errors of the SDK: one tree, each with a code to act on and words to show. */

/** Whatever goes wrong in Soiree. */
export class SoireeError extends Error {
  /**
   * @param {string} code for programs, as docs/PROTOCOL.md names it
   * @param {string} message for people
   */
  constructor(code, message) {
    super(message);
    this.name = new.target.name;
    /** @type {string} */
    this.code = code;
  }
}

/** Bytes that are not what docs/PROTOCOL.md describes, or values that it has no bytes for. Decoders throw nothing else. */
export class WireError extends SoireeError {
  /** @param {string} message */
  constructor(message) {
    super("malformed", message);
  }
}

/** The server did not let us in: `room-full`, `wrong-password`, `session-gone`, …, or `unreachable` when it cannot be asked. */
export class JoinError extends SoireeError {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} status HTTP status, 0 when there was no answer
   * @param {string | null} field the input at fault, if one is
   */
  constructor(code, message, status = 0, field = null) {
    super(code, message);
    /** @type {number} */
    this.status = status;
    /** @type {string | null} */
    this.field = field;
  }
}

/** Words for the reasons of PROTOCOL section 9. @type {Readonly<Record<string, string>>} */
export const REFUSALS = Object.freeze({
  stale: "somebody was faster: it has another owner or epoch by now",
  rule: "its rule denies requests",
  denied: "its master said no",
  timeout: "its master did not answer in time",
  "no-master": "its master is away",
  busy: "too many are asking for it already",
  owner: "you own it already",
  "not-owner": "only its owner may do that",
  "not-master": "only its master may do that",
  "unknown-entity": "there is no such entity",
  "unknown-peer": "there is no such peer in the room",
  "unknown-ticket": "that question is no longer open",
  "attach-rule": "the parent does not let it ride",
  cycle: "it would be its own parent",
  depth: "too many parents above it",
  "too-large": "it is too large",
  "too-many": "there are too many of them",
  rate: "too much, too fast",
  state: "its position cannot be used",
  speed: "it moved faster than the room allows",
  malformed: "the relay could not read it",
});

/** The relay refused a command, and says why. */
export class RefusedError extends SoireeError {
  /**
   * @param {string} reason one of PROTOCOL section 9
   * @param {number} entity id of what it was about, 0 for nothing
   * @param {number} owner its owner now, 0 for nobody
   * @param {number} epoch its epoch now
   */
  constructor(reason, entity = 0, owner = 0, epoch = 0) {
    super(reason, `refused: ${REFUSALS[reason] ?? reason}`);
    /** @type {string} */
    this.reason = reason;
    /** @type {number} */
    this.entity = entity;
    /** @type {number} */
    this.owner = owner;
    /** @type {number} */
    this.epoch = epoch;
  }
}

/** The room is closed to us, for good; what was still under way will not be answered. */
export class ClosedError extends SoireeError {
  /**
   * @param {string} reason as in the "closed" event
   * @param {string} message
   */
  constructor(reason, message) {
    super(reason, message);
    /** @type {string} */
    this.reason = reason;
  }
}
