/**
 * Playback of somebody else's entity: what is shown of it between the samples that come, a little in the past (docs/BROWSER.md, "Smooth motion").
 * Pure: samples and `now` (local monotonic seconds) in, poses out.
 *
 * The Python SDK has the same in `interpolation.py`; both run tests/vectors/interpolation.json.
 */

import { between, COAST_S, inward, leaps, onward, outward, resting, turning } from "./motion.js";
import { IDENTITY, inverse, multiply, slerp } from "./rotation.js";

/** @typedef {import("./motion.js").Pose} Pose */
/** @typedef {import("./motion.js").Sample} Sample */
/** @typedef {import("./quantise.js").Vector3} Vector3 */
/** @typedef {import("./quantise.js").Quaternion} Quaternion */
/** @typedef {(id: number) => Pose | null} PoseOf where in the world the entity of this id is shown now, null if it is not here */

/** Samples kept of one entity. */
export const MAX_SAMPLES = 32;
/** How far behind it is played before anything was measured, and within what bounds then, seconds. */
export const FIRST_DELAY_S = 0.1;
export const MIN_DELAY_S = 0.05;
export const MAX_DELAY_S = 1;
/** The delay is the mean gap and so many mean deviations of it. */
const DEVIATIONS = 2;
const GAP_GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
/** A gap counts as at most so much longer than the mean, seconds: one outage is no new pace. */
const OUTLIER_S = 0.25;
const FIRST_INTERVAL_S = 0.05;
/** The turn of a course is measured over so long at least, seconds: velocities are rounded. */
const COURSE_S = 0.2;
/** Dead reckoning goes on at full speed for so many of the usual intervals at least: over one lost sample. */
const COAST_INTERVALS = 1.5;
/** A thing at rest that is heard of again after more than so many intervals moved only during the last one. */
const LONG_REST = 2;
/** Playback runs at most so much faster or slower than time, to come to where it should be. */
export const SLEW = 0.1;
/** It comes nearer to where it should be by as large a share of the way as the time passed is of this. */
const SETTLE_S = 0.5;
/** Farther away than this from where it should be it goes there at once, seconds. */
const RESYNC_S = 1;
/** In so long a difference between what was shown and what is now known is made up, seconds. */
export const BRIDGE_S = 0.3;
/** Farther away than this the thing is shown where it is at once, metres. */
export const BRIDGE_MAX_M = 32;
/** Who has not looked for so long sees no jump, seconds. */
const SEEN_S = 0.5;

/** @typedef {{now: number, parent: number, local: Pose, world: Pose}} Shown what was shown last */
/** @typedef {{since: number, away: Vector3, turn: Quaternion}} Bridge from what is known to what was shown, relative to the parent of the moment */

export class Playback {
  /**
   * How far behind the relay's clock it should be played, seconds: what usually passes from the time of a sample to the arrival of the next
   * one, so that there is one on either side. Interval, travel and jitter are all in that gap.
   */
  delayS = FIRST_DELAY_S;

  /** The time on the relay's clock that was played last, seconds. */
  playedS = -Infinity;

  /** @type {Sample[]} oldest first */
  #samples;
  /** @type {number | null} */
  #gapS = null;
  #deviationS = 0;
  #intervalS = FIRST_INTERVAL_S;
  /** @type {Shown | null} */
  #shown = null;
  /** What is shown next need not follow from what was shown last. */
  #broken = false;
  /** @type {Bridge | null} */
  #bridge = null;
  /** Whether it was shown where it certainly is, as what is our own. */
  #owned = false;

  /** @param {Sample} first */
  constructor(first) {
    this.#samples = [first];
  }

  /** Samples that are kept. */
  get size() {
    return this.#samples.length;
  }

  /**
   * @param {Sample} sample those kept that are not older than it were not true, and are dropped
   * @param {number | null} arrivedS the relay's clock when it came; null for what says nothing of the pace (spawned, parent_set)
   */
  add(sample, arrivedS) {
    const samples = this.#samples;
    const last = /** @type {Sample} */ (samples.at(-1));
    if (alike(sample, last) && (resting(sample) || sample.at <= last.at)) return;
    if (this.playedS >= Math.min(last.at, sample.at)) this.#broken = true;
    while (samples.length && /** @type {Sample} */ (samples.at(-1)).at >= sample.at) samples.pop();
    const before = samples.at(-1);
    if (before && before.parent === sample.parent) this.#follow(before, sample, arrivedS);
    else this.#append({ ...sample, jump: false });
  }

  /** Somebody else goes on with it from here: what came before says nothing of what comes. @param {Sample} sample */
  restart(sample) {
    this.#samples = [sample];
    this.#broken = true;
  }

  /** It goes on in the same frame of reference. @param {Sample} last @param {Sample} sample @param {number | null} arrivedS */
  #follow(last, sample, arrivedS) {
    const jump = leaps(last, sample);
    const spacing = sample.at - last.at;
    const lastRests = resting(last);
    const dragged = lastRests && resting(sample) && spacing <= MAX_DELAY_S;
    if (arrivedS !== null && (dragged || !lastRests)) this.#measure(arrivedS - last.at, spacing);
    if (lastRests && spacing > LONG_REST * this.#intervalS && !jump) this.#append({ ...last, at: sample.at - this.#intervalS, jump: false });
    if (jump && this.playedS >= sample.at) {
      this.#broken = false;
      this.#bridge = null;
    }
    this.#append({ ...sample, jump });
  }

  /** @param {Sample} sample */
  #append(sample) {
    const samples = this.#samples;
    if (samples.length === MAX_SAMPLES) {
      const { at } = /** @type {Sample} */ (samples[1]);
      if (this.playedS < at) {
        this.playedS = at;
        this.#broken = true;
      }
      samples.shift();
    }
    samples.push(sample);
  }

  /** A sample came. @param {number} gap seconds from the time of the one before it to its arrival @param {number} spacing from time to time */
  #measure(gap, spacing) {
    if (this.#gapS === null) {
      this.#gapS = gap;
      this.#deviationS = gap / 4;
      this.#intervalS = spacing;
    } else {
      const off = Math.min(gap - this.#gapS, OUTLIER_S);
      this.#gapS += GAP_GAIN * off;
      this.#deviationS += DEVIATION_GAIN * (Math.abs(off) - this.#deviationS);
      this.#intervalS += GAP_GAIN * (spacing - this.#intervalS);
    }
    this.#intervalS = Math.min(this.#intervalS, MAX_DELAY_S);
    this.delayS = Math.min(Math.max(this.#gapS + DEVIATIONS * this.#deviationS, MIN_DELAY_S), MAX_DELAY_S);
  }

  /**
   * Where to show it.
   * @param {number} now
   * @param {number} relayS the relay's clock, as estimated for `now`
   * @param {PoseOf} poseOf
   * @returns {Pose} in the world
   */
  play(now, relayS, poseOf) {
    const before = this.#shown;
    const passed = before ? Math.max(0, now - before.now) : 0;
    const since = this.playedS;
    this.playedS = this.#time(relayS - this.delayS, passed);
    if (this.#owned) this.#broken = true;
    this.#owned = false;
    return this.#at(since, before, passed, now, poseOf);
  }

  /**
   * Where it certainly is, as what is our own.
   * @param {number} now
   * @param {number} parent
   * @param {Pose} local
   * @param {PoseOf} poseOf
   * @returns {Pose} in the world
   */
  place(now, parent, local, poseOf) {
    const before = this.#shown;
    const passed = before ? Math.max(0, now - before.now) : 0;
    const frame = parent ? poseOf(parent) : null;
    if (before && (!this.#owned || before.parent !== parent)) {
      this.#bridge = passed < SEEN_S ? bridge(before, passed, now, parent, local, frame) : null;
    }
    this.#owned = true;
    return this.#show(now, parent, local, frame);
  }

  /** Near `target`, without running noticeably faster or slower than time itself. @param {number} target @param {number} passed @returns {number} */
  #time(target, passed) {
    const on = this.playedS + passed;
    if (!(Math.abs(target - on) <= RESYNC_S)) {
      this.#broken = true;
      return target;
    }
    const nearer = (target - on) * Math.min(passed / SETTLE_S, 1);
    return on + Math.min(Math.max(nearer, -SLEW * passed), SLEW * passed);
  }

  /**
   * @param {number} since what was played last
   * @param {Shown | null} before @param {number} passed @param {number} now @param {PoseOf} poseOf
   * @returns {Pose}
   */
  #at(since, before, passed, now, poseOf) {
    const samples = this.#samples;
    const at = this.playedS;
    let index = samples.length - 1;
    while (index > 0 && /** @type {Sample} */ (samples[index]).at > at) index--;
    let sample = /** @type {Sample} */ (samples[index]);
    let frame = sample.parent ? poseOf(sample.parent) : null;
    while (!frame && sample.parent && index + 1 < samples.length) {
      // What it rode in is gone before it was seen to get off.
      sample = /** @type {Sample} */ (samples[++index]);
      frame = sample.parent ? poseOf(sample.parent) : null;
    }
    const after = samples[index + 1];
    const alone = !after || after.jump || after.parent !== sample.parent || at < sample.at;
    const local = alone ? onward(sample, at, Math.max(COAST_S, COAST_INTERVALS * this.#intervalS), this.#turning(index, at)) : between(sample, after, at);
    if (this.#jumped(since, at)) this.#bridge = null;
    else if (before && (this.#broken || sample.parent !== before.parent)) {
      this.#bridge = passed < SEEN_S ? bridge(before, passed, now, sample.parent, local, frame) : null;
    }
    this.#broken = false;
    return this.#show(now, sample.parent, local, frame);
  }

  /** @param {number} now @param {number} parent @param {Pose} known @param {Pose | null} frame of the parent @returns {Pose} in the world */
  #show(now, parent, known, frame) {
    const local = this.#bridged(known, now);
    const world = frame ? outward(frame, local) : local;
    this.#shown = { now, parent, local, world };
    return world;
  }

  /** @param {number} since @param {number} at @returns {boolean} whether a jump lies between */
  #jumped(since, at) {
    if (since >= /** @type {Sample} */ (this.#samples.at(-1)).at) return false;
    for (const { jump, at: when } of this.#samples) if (jump && since < when && when <= at) return true;
    return false;
  }

  /** How its course turns at a sample, over a while: between samples close together that is noise. @param {number} index @param {number} at @returns {number} rad/s */
  #turning(index, at) {
    const samples = this.#samples;
    const last = /** @type {Sample} */ (samples[index]);
    if (resting(last) || at < last.at) return 0;
    for (let earlier = index - 1; earlier >= 0; earlier--) {
      const before = /** @type {Sample} */ (samples[earlier]);
      if (before.parent !== last.parent || samples[earlier + 1]?.jump || resting(before)) break;
      if (last.at - before.at >= COURSE_S) return turning(before, last);
    }
    return 0;
  }

  /** Shown nearer to where it was than it is, less and less so. @param {Pose} local @param {number} now @returns {Pose} */
  #bridged(local, now) {
    if (!this.#bridge) return local;
    const { since, away, turn } = this.#bridge;
    const share = Math.max(0, now - since) / BRIDGE_S;
    if (share >= 1) {
      this.#bridge = null;
      return local;
    }
    const left = 1 - share * share * (3 - 2 * share);
    const [x, y, z] = local.position;
    return {
      position: [x + left * away[0], y + left * away[1], z + left * away[2]],
      rotation: multiply(slerp(IDENTITY, turn, left), local.rotation),
      velocity: local.velocity,
    };
  }
}

/** @param {Sample} a @param {Sample} b @returns {boolean} whether both say the same, at whatever time */
export function alike(a, b) {
  return a.parent === b.parent && same(a.position, b.position) && same(a.rotation, b.rotation) && same(a.velocity, b.velocity);
}

/** @param {readonly number[]} a @param {readonly number[]} b */
const same = (a, b) => a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];

/**
 * From where it would be by what was shown last, to where it is: in the same frame of reference, or else by way of the world.
 * @param {Shown} before @param {number} passed seconds since @param {number} now @param {number} parent @param {Pose} local @param {Pose | null} frame
 * @returns {Bridge | null} null: too far
 */
function bridge(before, passed, now, parent, local, frame) {
  const riding = parent === before.parent;
  const moved = onwards(riding ? before.local : before.world, passed);
  const expected = riding || !frame ? moved : inward(frame, moved);
  const x = expected.position[0] - local.position[0];
  const y = expected.position[1] - local.position[1];
  const z = expected.position[2] - local.position[2];
  if (Math.sqrt(x * x + y * y + z * z) > BRIDGE_MAX_M) return null;
  return { since: now, away: [x, y, z], turn: multiply(expected.rotation, inverse(local.rotation)) };
}

/** @param {Pose} pose @param {number} passed seconds @returns {Pose} */
function onwards({ position, rotation, velocity }, passed) {
  return {
    position: [position[0] + passed * velocity[0], position[1] + passed * velocity[1], position[2] + passed * velocity[2]], rotation, velocity,
  };
}
