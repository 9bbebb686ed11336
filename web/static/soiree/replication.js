/**
 * The owner's side of state: what to tell the relay, and again until it has it (docs/PROTOCOL.md section 5.3). Pure: `now` is passed in.
 *
 * Per entity and slot it keeps the newest record, which version of it was sent and which was acknowledged. A record is due when it changed
 * since it was last sent, once more 1 and 3 flushes later if it has not changed again, and then whenever the retransmission time has passed.
 */

import { acknowledged } from "./acks.js";
import { MAX_FRAME_BYTES } from "./limits.js";
import { baseAt, CHILD, MOVE, reaches, recordBytes, REST } from "./sections.js";
import { encodeState, STATE_HEADER_BYTES } from "./state.js";

/** @typedef {import("./sections.js").StateRecord} StateRecord */
/** @typedef {import("./sections.js").Base} Base */

/** Seconds until what is not acknowledged is sent again, or twice the round trip if that is longer. */
export const RETRANSMISSION_S = 0.15;
/** Frames of one flush: at 20 Hz well below the 240 a second that the relay takes. What does not fit waits for the next flush. */
export const MAX_FRAMES_PER_FLUSH = 8;
/** Frames whose contents are remembered until they are acknowledged; an acknowledgement reaches 33 back. */
export const MAX_FRAMES_REMEMBERED = 256;
/** Flushes after the first sending at which a record that rests is sent again. */
const REPEATS = [1, 3];
const MAX_AGE_TICKS = 127;
const MAX_RECORDS_PER_SECTION = 255;
/** @type {Base} */
const ORIGIN = { cx: 0, cz: 0, y: 0 };

/**
 * @typedef {object} Entry one slot of one entity
 * @property {StateRecord} record
 * @property {number} tick when it was sampled
 * @property {number} version counts its changes
 * @property {number} sent newest version sent
 * @property {number} acked newest version acknowledged
 * @property {number} teleport version of the last teleport: its flag is repeated until that is acknowledged
 * @property {number} sentAt seconds
 * @property {number} firstFlush flush at which the newest version was first sent
 */

/**
 * @typedef {object} Flush
 * @property {number} now seconds
 * @property {number} tick relay's tick as estimated now
 * @property {number} rttS round trip, 0 if unknown
 * @property {{seq: number, mask: number} | null} ack
 * @property {number} controlApplied
 */

export class Replication {
  constructor() {
    /** @type {Map<number, Map<string, Entry>>} entity → slot → entry */
    this.entities = new Map();
    /** Number of the next STATE frame. */
    this.seq = 0;
    this.flushes = 0;
    /** STATE frames made, and of those how many were acknowledged or given up on. */
    this.framesAcked = 0;
    this.framesLost = 0;
    /** @type {Map<number, {entry: Entry, version: number}[]>} frames not yet acknowledged, oldest first */
    this.inFlight = new Map();
  }

  /** Whether anything waits to be acknowledged. */
  get settled() {
    for (const slots of this.entities.values()) for (const entry of slots.values()) if (entry.acked < entry.version) return false;
    return true;
  }

  /**
   * The owner changed something.
   * @param {StateRecord} record its age is filled in when it is sent
   * @param {number} tick relay tick of the sample
   */
  set(record, tick) {
    let slots = this.entities.get(record.entity);
    if (!slots) this.entities.set(record.entity, (slots = new Map()));
    let entry = slots.get(record.slot);
    if (!entry) {
      entry = { record, tick, version: 0, sent: 0, acked: 0, teleport: 0, sentAt: -Infinity, firstFlush: 0 };
      slots.set(record.slot, entry);
    }
    if (entry.version && same(entry.record, record)) return;
    entry.record = record;
    entry.tick = tick;
    entry.version++;
    if (record.slot === "transform" && record.teleport) entry.teleport = entry.version;
  }

  /**
   * Tells a slot anew, acknowledged or not: the relay had its frame and dropped what it said.
   * @param {number} entity @param {"transform" | "pose" | "props"} slot a transform goes as a teleport, since its way there was too fast
   */
  again(entity, slot) {
    const entry = this.entities.get(entity)?.get(slot);
    if (!entry) return;
    entry.version++;
    if (slot === "transform") entry.teleport = entry.version;
  }

  /** It is no longer ours, or gone. @param {number} entity @param {string} [slot] only that one */
  forget(entity, slot) {
    if (slot) this.entities.get(entity)?.delete(slot);
    else this.entities.delete(entity);
  }

  /** @param {{seq: number, mask: number}} ack what the relay says it has received */
  acknowledge(ack) {
    for (const seq of acknowledged(ack)) {
      const contents = this.inFlight.get(seq);
      if (!contents) continue;
      this.inFlight.delete(seq);
      this.framesAcked++;
      for (const { entry, version } of contents) entry.acked = Math.max(entry.acked, version);
    }
    for (const seq of this.inFlight.keys()) {
      const behind = (ack.seq - seq) & 0xffff;
      if (behind <= 32 || behind >= 0x8000) break;
      this.inFlight.delete(seq);
      this.framesLost++;
    }
  }

  /**
   * @param {Flush} flush
   * @returns {Uint8Array<ArrayBuffer>[]} the frames to send now; none when nothing is due
   */
  frames(flush) {
    this.flushes++;
    const bins = this.#pack(this.#due(flush));
    return bins.map(({ base, entries }) => this.#frame(flush, base, entries));
  }

  /** @param {Flush} flush @returns {Uint8Array<ArrayBuffer>} one without records, for its acknowledgements */
  emptyFrame(flush) {
    return this.#frame(flush, ORIGIN, []);
  }

  /** @param {Flush} flush @returns {Entry[]} longest unsent first */
  #due({ now, rttS }) {
    const retransmissionS = Math.max(RETRANSMISSION_S, 2 * rttS);
    const due = [];
    for (const slots of this.entities.values()) {
      for (const entry of slots.values()) {
        if (entry.acked >= entry.version) continue;
        const again = REPEATS.includes(this.flushes - entry.firstFlush) || now - entry.sentAt >= retransmissionS;
        if (entry.sent < entry.version || again) due.push(entry);
      }
    }
    return due.sort((a, b) => a.sentAt - b.sentAt);
  }

  /** @param {Entry[]} due @returns {{base: Base, entries: Entry[]}[]} */
  #pack(due) {
    /** @type {{base: Base, based: boolean, entries: Entry[], bytes: number, counts: Map<number, number>}[]} */
    const bins = [];
    for (const entry of due) {
      const record = this.#asSent(entry);
      const placed = record.slot === "transform" && record.section !== CHILD;
      let bin = bins.find((open) => (!placed || !open.based || reaches(open.base, record)) && fits(open, record));
      if (!bin) {
        if (bins.length === MAX_FRAMES_PER_FLUSH) continue;
        bin = { base: ORIGIN, based: false, entries: [], bytes: STATE_HEADER_BYTES, counts: new Map() };
        bins.push(bin);
      }
      if (placed && !bin.based) Object.assign(bin, { base: baseAt(record.position), based: true });
      const count = bin.counts.get(record.section) ?? 0;
      bin.bytes += recordBytes(record) + (count === 0 ? 2 : 0);
      bin.counts.set(record.section, count + 1);
      bin.entries.push(entry);
    }
    return bins;
  }

  /** @param {Flush} flush @param {Base} base @param {Entry[]} entries @returns {Uint8Array<ArrayBuffer>} */
  #frame(flush, base, entries) {
    const { now, tick, ack, controlApplied } = flush;
    const seq = this.seq;
    this.seq = (seq + 1) & 0xffff;
    const records = entries.map((entry) => this.#aged(entry, tick));
    this.inFlight.set(seq, entries.map((entry) => ({ entry, version: entry.version })));
    if (this.inFlight.size > MAX_FRAMES_REMEMBERED) this.inFlight.delete(/** @type {number} */ (this.inFlight.keys().next().value));
    for (const entry of entries) {
      if (entry.sent < entry.version) entry.firstFlush = this.flushes;
      entry.sent = entry.version;
      entry.sentAt = now;
    }
    return encodeState({ seq, tick: tick >>> 0, base, ack, controlApplied }, records);
  }

  /** A teleport is told until it has arrived, even by a record that rests. @param {Entry} entry @returns {StateRecord} */
  #asSent({ record, teleport, acked }) {
    if (record.slot !== "transform") return record;
    const teleported = teleport > acked;
    return { ...record, teleport: teleported, section: teleported && record.section === REST ? MOVE : record.section };
  }

  /** @param {Entry} entry @param {number} tick @returns {StateRecord} */
  #aged(entry, tick) {
    const record = this.#asSent(entry);
    if (record.slot !== "transform") return record;
    return { ...record, age: Math.max(0, Math.min(MAX_AGE_TICKS, Math.floor(tick - entry.tick))) };
  }
}

/** @param {{bytes: number, counts: Map<number, number>}} bin @param {StateRecord} record @returns {boolean} */
function fits({ bytes, counts }, record) {
  const count = counts.get(record.section) ?? 0;
  return count < MAX_RECORDS_PER_SECTION && bytes + recordBytes(record) + (count === 0 ? 2 : 0) <= MAX_FRAME_BYTES;
}

/** @param {StateRecord} a @param {StateRecord} b @returns {boolean} whether b says nothing that a did not */
function same(a, b) {
  if (a.slot !== "transform" || b.slot !== "transform" || b.teleport || a.section !== b.section || a.attach !== b.attach) return false;
  const numbers = [...b.position, ...b.rotation, ...b.velocity];
  return [...a.position, ...a.rotation, ...a.velocity].every((value, i) => value === numbers[i]);
}
