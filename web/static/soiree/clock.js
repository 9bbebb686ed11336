/** The relay's clock, as far as a client can tell (docs/PROTOCOL.md section 6). Pure: `now` is local monotonic time in seconds. */

export const TICK_HZ = 60;
const MICROS = 1e6;
/** Pings, one a second, among which the least delayed is believed. */
const SAMPLES = 8;
/** Samples are taken at least so much of a tick away from where dates change; timers and estimates are off by less. */
const EVEN = 0.25;

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
    /** Of a tick: how far dates lie behind. */
    this.phase = 0;
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

  /**
   * By which tick to date a sample: whole, as frames count, and never ahead of the relay's. What is sampled each time when the tick is about to
   * change would be dated now by the one and now by the other, and be shown going fast and slow; so dates change between such times.
   * @param {number} now seconds @returns {number}
   */
  date(now) {
    const at = this.tickAt(now);
    const past = (((at - this.phase) % 1) + 1) % 1;
    if (past < EVEN || past > 1 - EVEN) this.phase = (((at - 0.5) % 1) + 1) % 1;
    return Math.max(0, Math.floor(at - this.phase));
  }
}
