/** Which plates of words are drawn where many would lie over each other. Pure. */

/** Most plates drawn at once. */
export const MAX_PLATES = 120;
export const PLATE_HEIGHT_PX = 22;

/**
 * @typedef {object} Plate
 * @property {string} words
 * @property {number} px its middle
 * @property {number} py
 * @property {number} width pixels
 * @property {string | null} colour of a dot before the words
 * @property {number} weight the heavier stays where two collide
 */

/**
 * The heaviest that do not overlap.
 * @param {Plate[]} plates
 * @returns {Plate[]}
 */
export function choosePlates(plates) {
  /** @type {Plate[]} */
  const chosen = [];
  for (const plate of [...plates].sort((a, b) => b.weight - a.weight)) {
    if (chosen.length >= MAX_PLATES) break;
    const collides = chosen.some(
      (other) => Math.abs(other.px - plate.px) < (other.width + plate.width) / 2 && Math.abs(other.py - plate.py) < PLATE_HEIGHT_PX,
    );
    if (!collides) chosen.push(plate);
  }
  return chosen;
}
