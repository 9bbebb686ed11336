/** Where one stands on arrival: near the middle, and on nobody's feet. Pure. */

/** What is here already keeps so far from a newcomer, metres. */
export const CLEAR_M = 1.5;
/** Most places tried: a room that is fuller than that has no better one. */
export const MAX_TRIES = 200;
/** The angle after which a spiral never meets its own spokes, radians. */
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

/**
 * The nearest place to the start, along a spiral, that nothing stands on; after MAX_TRIES the last one tried.
 * @param {{x: number, z: number}} start metres
 * @param {{x: number, z: number}[]} taken metres
 * @returns {{x: number, z: number}}
 */
export function freeSpot(start, taken) {
  let spot = start;
  for (let i = 0; i < MAX_TRIES; i++) {
    const reach = 0.5 * Math.sqrt(i) * CLEAR_M;
    spot = { x: start.x + Math.cos(i * GOLDEN) * reach, z: start.z + Math.sin(i * GOLDEN) * reach };
    const { x, z } = spot;
    if (taken.every((other) => Math.hypot(other.x - x, other.z - z) >= CLEAR_M)) break;
  }
  return spot;
}
