/** The relay's clock, as far as a client can tell (docs/PROTOCOL.md section 6). Pure: `now` is local monotonic time in seconds. */

export const TICK_HZ = 60;
const MICROS = 1e6;
/** Pings, one a second, among which the least delayed is believed. */
const SAMPLES = 8;

export class RelayClock {
  constructor() {
    /** Relay tick that the anchor time belongs to. */
    this.tick = 0;
    /** Relay time of that tick, microseconds. */
    this.tickUs = 0;
    /** Round trip in seconds as the relay measures it, 0 before it has. */
    this.rttS = 0;
    /** @type {number[]} relay time minus local time, microseconds: delay only ever makes it smaller */
    this.offsets = [];
  }

  /** @param {number} tick of the welcome @param {number} now seconds */
  onWelcome(tick, now) {
    if (this.offsets.length) return;
    this.tick = tick;
    this.tickUs = now * MICROS;
  }

  /** @param {{tick: number, relayUs: number, rttUs: number}} ping @param {number} now seconds, when it came */
  onPing({ tick, relayUs, rttUs }, now) {
    this.rttS = rttUs / MICROS;
    this.tick = tick;
    this.tickUs = relayUs;
    this.offsets.push(relayUs + rttUs / 2 - now * MICROS);
    if (this.offsets.length > SAMPLES) this.offsets.shift();
  }

  /** @param {number} now seconds @returns {number} relay time in microseconds */
  relayUs(now) {
    return now * MICROS + (this.offsets.length ? Math.max(...this.offsets) : 0);
  }

  /** @param {number} now seconds @returns {number} the relay's tick, with its fraction */
  tickAt(now) {
    return Math.max(0, this.tick + ((this.relayUs(now) - this.tickUs) * TICK_HZ) / MICROS);
  }
}
