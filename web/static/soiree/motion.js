/**
 * How a thing moves between two samples of it, and past the last one. Pure: metres, m/s, seconds on the relay's clock.
 *
 * The Python SDK has the same in `motion.py`; both run tests/vectors/interpolation.json.
 */

import { inverse, multiply, rotate, slerp } from "./rotation.js";

/** @typedef {import("./quantise.js").Vector3} Vector3 */
/** @typedef {import("./quantise.js").Quaternion} Quaternion */
/** @typedef {{position: Vector3, rotation: Quaternion, velocity: Vector3}} Pose where something is and how it moves */

/**
 * @typedef {object} Sample where a thing was at a time
 * @property {number} at seconds: (frame tick − age) / 60
 * @property {number} parent id of the entity that the rest is relative to, 0 for the world
 * @property {Vector3} position
 * @property {Quaternion} rotation
 * @property {Vector3} velocity
 * @property {boolean} jump not to be interpolated to from the sample before it
 */

/** A tangent is at most so many chords long: with more, a curve that ends at rest runs past its end and comes back (Fritsch and Carlson 1980). */
const STEEPEST = 3;
/** So long at least a thing of which nothing new is heard goes on at full speed, seconds, */
export const COAST_S = 0.25;
/** and in so long it then slows down to a stop. */
export const BRAKE_S = 0.5;
/** A smaller turn is none, radians. */
const STRAIGHT_RAD = 1e-6;
/** A sample marked as a jump is one if it is so much farther away than twice what the speeds explain, metres. */
const JUMP_M = 1;
const STILL = /** @type {Vector3} */ ([0, 0, 0]);

/** @param {{velocity: Vector3}} sample @returns {boolean} whether its owner says that it stands still */
export const resting = ({ velocity }) => velocity[0] === 0 && velocity[1] === 0 && velocity[2] === 0;

/** @param {Vector3} a @returns {number} */
const lengthOf = ([x, y, z]) => Math.sqrt(x * x + y * y + z * z);

/**
 * Whether the mark of a jump is to be believed: owners also mark what merely follows a jump that may have got lost.
 * @param {Sample} before @param {Sample} after
 */
export function leaps(before, after) {
  if (!after.jump) return false;
  const [x, y, z] = after.position;
  const explainedM = 2 * Math.max(lengthOf(before.velocity), lengthOf(after.velocity)) * (after.at - before.at);
  return lengthOf([x - before.position[0], y - before.position[1], z - before.position[2]]) > explainedM + JUMP_M;
}

/**
 * On the cubic Hermite curve that has place and velocity of both samples, rotating at an even pace. Where both say that they do not move along
 * an axis, it moves evenly along that axis: many owners tell no velocity, and UPRIGHT has no vertical one.
 * @param {Sample} before @param {Sample} after @param {number} at @returns {Pose}
 */
export function between(before, after, at) {
  const span = after.at - before.at;
  const s = (at - before.at) / span;
  const [ax, ay, az] = before.position;
  const [bx, by, bz] = after.position;
  const cx = bx - ax;
  const cy = by - ay;
  const cz = bz - az;
  const longest = STEEPEST * Math.sqrt(cx * cx + cy * cy + cz * cz);
  const [ux, uy, uz] = before.velocity;
  const [wx, wy, wz] = after.velocity;
  const evenX = ux === 0 && wx === 0;
  const evenY = uy === 0 && wy === 0;
  const evenZ = uz === 0 && wz === 0;
  const sx = evenX ? cx : ux * span;
  const sy = evenY ? cy : uy * span;
  const sz = evenZ ? cz : uz * span;
  const ex = evenX ? cx : wx * span;
  const ey = evenY ? cy : wy * span;
  const ez = evenZ ? cz : wz * span;
  const ofStart = limit(sx, sy, sz, longest);
  const ofEnd = limit(ex, ey, ez, longest);
  const rest = 1 - s;
  const start = s * rest * rest * ofStart;
  const chord = s * s * (3 - 2 * s);
  const end = -s * s * rest * ofEnd;
  const startPace = (rest * (1 - 3 * s) * ofStart) / span;
  const chordPace = (6 * s * rest) / span;
  const endPace = (s * (3 * s - 2) * ofEnd) / span;
  return {
    position: [ax + start * sx + chord * cx + end * ex, ay + start * sy + chord * cy + end * ey, az + start * sz + chord * cz + end * ez],
    rotation: slerp(before.rotation, after.rotation, s),
    velocity: [
      startPace * sx + chordPace * cx + endPace * ex, startPace * sy + chordPace * cy + endPace * ey, startPace * sz + chordPace * cz + endPace * ez,
    ],
  };
}

/** @param {number} x @param {number} y @param {number} z tangent @param {number} longest @returns {number} what it must be multiplied with */
function limit(x, y, z, longest) {
  const length = Math.sqrt(x * x + y * y + z * z);
  return length > longest ? longest / length : 1;
}

/** How fast its course turns about +Y from sample to sample: a vehicle on a bend stays on it. @param {Sample} before @param {Sample} after @returns {number} rad/s */
export function turning(before, after) {
  const [u, , w] = before.velocity;
  const [x, , z] = after.velocity;
  return Math.atan2(w * x - u * z, u * x + w * z) / (after.at - before.at);
}

/**
 * Dead reckoning: on with its velocity, then braking. Before the time of the sample it stands there.
 * @param {Sample} last
 * @param {number} at
 * @param {number} [coastS] for how long at full speed
 * @param {number} [turnRadS] how its course turns meanwhile
 * @returns {Pose}
 */
export function onward(last, at, coastS = COAST_S, turnRadS = 0) {
  const { position, rotation, velocity } = last;
  const late = at - last.at;
  if (late < 0 || resting(last)) return { position, rotation, velocity: STILL };
  const braking = Math.min(Math.max(0, late - coastS), BRAKE_S);
  const reach = Math.min(late, coastS) + braking - (braking * braking) / (2 * BRAKE_S);
  const speed = 1 - braking / BRAKE_S;
  const [u, v, w] = velocity;
  const turned = turnRadS * reach;
  const straight = Math.abs(turned) < STRAIGHT_RAD;
  const ahead = straight ? reach : Math.sin(turned) / turnRadS;
  const aside = straight ? 0 : (1 - Math.cos(turned)) / turnRadS;
  const cos = Math.cos(turned);
  const sin = Math.sin(turned);
  return {
    position: [position[0] + ahead * u + aside * w, position[1] + reach * v, position[2] + ahead * w - aside * u],
    rotation: straight ? rotation : multiply([0, Math.sin(turned / 2), 0, Math.cos(turned / 2)], rotation),
    velocity: [speed * (cos * u + sin * w), speed * v, speed * (cos * w - sin * u)],
  };
}

/** What `local` in the frame of `parent` is in the frame that `parent` is in. @param {Pose} parent @param {Pose} local @returns {Pose} */
export function outward(parent, local) {
  const [dx, dy, dz] = rotate(parent.rotation, local.position);
  const [ux, uy, uz] = rotate(parent.rotation, local.velocity);
  const { position: at, velocity: v } = parent;
  return {
    position: [at[0] + dx, at[1] + dy, at[2] + dz],
    rotation: multiply(parent.rotation, local.rotation),
    velocity: [v[0] + ux, v[1] + uy, v[2] + uz],
  };
}

/** The reverse: `outer` seen from `parent`. @param {Pose} parent @param {Pose} outer @returns {Pose} */
export function inward(parent, { position, rotation, velocity }) {
  const back = inverse(parent.rotation);
  const { position: at, velocity: v } = parent;
  return {
    position: rotate(back, [position[0] - at[0], position[1] - at[1], position[2] - at[2]]),
    rotation: multiply(back, rotation),
    velocity: rotate(back, [velocity[0] - v[0], velocity[1] - v[1], velocity[2] - v[2]]),
  };
}
