/** Which STATE frames of the other side have come: the newest number and a mask of the 32 before it (docs/PROTOCOL.md section 5.1). */

const WINDOW = 32;

/** @param {number} a @param {number} b u16 @returns {number} how far a is ahead of b, −32768…32767 */
export const ahead16 = (a, b) => ((a - b) << 16) >> 16;

export class ReceivedFrames {
  constructor() {
    /** @type {number | null} */
    this.newest = null;
    this.mask = 0;
    /** Frames that came. */
    this.received = 0;
    /** Frames that were sent, as far as the numbers tell. */
    this.expected = 0;
  }

  /** @param {number} seq u16 @returns {boolean} false for one that came before, or is too old to tell */
  add(seq) {
    if (this.newest === null) return this.#first(seq);
    const ahead = ahead16(seq, this.newest);
    if (ahead > 0) {
      this.mask = (ahead > WINDOW ? 0 : (ahead === WINDOW ? 0 : this.mask << ahead) | (1 << (ahead - 1))) >>> 0;
      this.newest = seq;
      this.expected += ahead;
      this.received++;
      return true;
    }
    const bit = -ahead - 1;
    if (ahead === 0 || bit >= WINDOW || (this.mask >>> bit) & 1) return false;
    this.mask = (this.mask | (1 << bit)) >>> 0;
    this.received++;
    return true;
  }

  /** @param {number} seq @returns {true} */
  #first(seq) {
    this.newest = seq;
    this.expected = 1;
    this.received = 1;
    return true;
  }

  /** @returns {{seq: number, mask: number} | null} for a frame's header */
  ack() {
    return this.newest === null ? null : { seq: this.newest, mask: this.mask };
  }
}

/** @param {{seq: number, mask: number}} ack @returns {number[]} the numbers that it says have come, newest first */
export function acknowledged({ seq, mask }) {
  const numbers = [seq];
  for (let bit = 0; bit < WINDOW; bit++) if ((mask >>> bit) & 1) numbers.push((seq - 1 - bit) & 0xffff);
  return numbers;
}
