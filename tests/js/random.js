/** Seeded random numbers, so that a failure comes back with its seed (mulberry32). */
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** 0 ≤ x < 1 */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** low ≤ n ≤ high */
  integer(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  bytes(length) {
    return Uint8Array.from({ length }, () => this.integer(0, 255));
  }

  pick(items) {
    return items[this.integer(0, items.length - 1)];
  }
}
