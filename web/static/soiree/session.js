/**
 * Exactly once, in order, over one connection after another (docs/PROTOCOL.md section 3). Pure: bytes in, bytes out.
 *
 * Each side of a session holds one. It numbers what is sent, keeps it until the other side has applied it, says what to send again on a
 * new connection, and tells for each number received whether to apply it.
 */

import { ahead16 } from "./acks.js";
import { encodeControl } from "./control.js";
import { SoireeError } from "./errors.js";
import { MAX_UNAPPLIED_BYTES, MAX_UNAPPLIED_MESSAGES } from "./limits.js";

/** @typedef {import("./control.js").ControlMessage} ControlMessage */

export class ControlSession {
  constructor() {
    /** Number of the last message of the other side that was applied. */
    this.applied = 0;
    /** Number of the last message that was numbered. */
    this.lastSent = 0;
    /** Number of the last message that the other side is known to have applied. */
    this.lastApplied = 0;
    /** Whether a hello and welcome have ever met: until then a client's hello is fresh. */
    this.established = false;
    /** @type {Uint8Array<ArrayBuffer>[]} messages lastApplied + 1 … lastSent */
    this.unapplied = [];
    this.unappliedBytes = 0;
    /** Whether a connection is there that carries the session. */
    this.carried = false;
    /** Numbers that came again. */
    this.repeated = 0;
    /** @type {Uint8Array<ArrayBuffer>[]} */
    this.outgoing = [];
  }

  /**
   * Numbers a message and has it sent, at once or on the next connection.
   * @param {{type: string} & Record<string, unknown>} message
   * @returns {number} its number
   * @throws {WireError} when it cannot be encoded
   * @throws {SoireeError} `backlog` when too much waits already
   */
  send(message) {
    const n = this.lastSent + 1;
    const bytes = encodeControl({ ...message, n });
    if (this.unapplied.length >= MAX_UNAPPLIED_MESSAGES || this.unappliedBytes + bytes.length > MAX_UNAPPLIED_BYTES) {
      throw new SoireeError("backlog", "too many commands wait for the relay");
    }
    this.lastSent = n;
    this.unapplied.push(bytes);
    this.unappliedBytes += bytes.length;
    if (this.carried) this.outgoing.push(bytes);
    return n;
  }

  /** @returns {Uint8Array<ArrayBuffer>[]} what to put on the connection now, in order */
  takeOutgoing() {
    const outgoing = this.outgoing;
    this.outgoing = [];
    return outgoing;
  }

  /**
   * The other side said (in hello or welcome) how far it has come, on a new connection: what it lacks is sent again, before anything new.
   * @param {number} applied
   * @throws {SoireeError} `protocol` when it claims what was never sent, or has forgotten what it had applied
   */
  carry(applied) {
    if (applied > this.lastSent || applied < this.lastApplied) throw new SoireeError("protocol", "the other side lost count of the messages");
    this.#forget(applied);
    this.outgoing = [...this.unapplied];
    this.carried = true;
    this.established = true;
  }

  /** The connection is gone; what waited for it waits for the next. */
  detach() {
    this.carried = false;
    this.outgoing = [];
  }

  /**
   * A numbered message has come.
   * @param {number} n
   * @returns {boolean} whether to apply it: false for a repetition
   * @throws {SoireeError} `protocol` when numbers are missing before it
   */
  receive(n) {
    if (n <= this.applied) {
      this.repeated++;
      return false;
    }
    if (n !== this.applied + 1) throw new SoireeError("protocol", `message ${n} came after ${this.applied}`);
    this.applied = n;
    return true;
  }

  /** @param {number} low `control_applied` of a frame: the last applied number modulo 2¹⁶; frames come in any order, so it may be an old one */
  acknowledge(low) {
    const applied = this.lastApplied + ahead16(low, this.lastApplied & 0xffff);
    if (applied > this.lastApplied && applied <= this.lastSent) this.#forget(applied);
  }

  /** @param {number} applied */
  #forget(applied) {
    for (const bytes of this.unapplied.splice(0, applied - this.lastApplied)) this.unappliedBytes -= bytes.length;
    this.lastApplied = applied;
  }
}
