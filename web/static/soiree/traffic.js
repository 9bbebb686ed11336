/** Bytes and frames of one direction, and their rate over the last seconds. Pure: `now` in seconds is passed in. */

/** Seconds over which the rate is taken; one bucket each. */
const WINDOW_S = 4;

export class Traffic {
  constructor() {
    this.bytes = 0;
    this.frames = 0;
    /** @type {{second: number, bytes: number}[]} the newest WINDOW_S + 1 seconds in which something passed */
    this.buckets = [];
    /** @type {number | null} */
    this.since = null;
  }

  /** @param {number} bytes @param {number} now */
  add(bytes, now) {
    this.bytes += bytes;
    this.frames++;
    this.since ??= now;
    const second = Math.floor(now);
    const last = this.buckets.at(-1);
    if (last?.second === second) last.bytes += bytes;
    else this.buckets.push({ second, bytes });
    if (this.buckets.length > WINDOW_S + 1) this.buckets.shift();
  }

  /** @param {number} now @returns {number} kbit/s, without headers of IP, UDP or TCP */
  kbitS(now) {
    if (this.since === null) return 0;
    const from = Math.floor(now) - WINDOW_S;
    const bytes = this.buckets.reduce((sum, bucket) => (bucket.second >= from ? sum + bucket.bytes : sum), 0);
    return (bytes * 8) / 1000 / Math.max(1, Math.min(now - from, now - this.since));
  }
}
