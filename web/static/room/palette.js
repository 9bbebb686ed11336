/** Colours of people. Each id has one that it would like, the same on every screen; where two in a room would look alike, the later one gives way. */

/** Hues as far from each other as eyes see them, degrees: greens look alike, so there are few. */
const HUES = [6, 22, 36, 48, 64, 92, 138, 164, 182, 200, 216, 238, 262, 286, 312, 338];
export const COLOURS = HUES.length;
/** From one colour that is taken to the next to try: has no divisor in common with COLOURS, so all are tried. */
const STEP = 7;

export class Palette {
  /** @type {Map<number, number>} slot by peer, of those who are here */
  #slots = new Map();

  /** Who is here: newcomers get a colour, those who have left give theirs back. @param {Iterable<number>} peers */
  seat(peers) {
    const here = new Set(peers);
    for (const peer of this.#slots.keys()) if (!here.has(peer)) this.#slots.delete(peer);
    for (const peer of [...here].sort((a, b) => a - b)) if (!this.#slots.has(peer)) this.#slots.set(peer, this.#free(peer));
  }

  /** @param {number} peer */
  #free(peer) {
    const taken = new Set(this.#slots.values());
    const wanted = peer % COLOURS;
    for (let tries = 0; tries < COLOURS; tries++) {
      const slot = (wanted + tries * STEP) % COLOURS;
      if (!taken.has(slot)) return slot;
    }
    return wanted; // more people than colours
  }

  /** @param {number} peer */
  #slot(peer) {
    return this.#slots.get(peer) ?? peer % COLOURS;
  }

  /** @param {number} peer id @returns {number} degrees */
  hue(peer) {
    return HUES[this.#slot(peer)] ?? 0;
  }

  /** @param {number} peer id, 0 for nobody @returns {string} a CSS colour */
  colour(peer) {
    if (peer === 0) return "#9a94ad";
    const hue = this.hue(peer);
    // Blues and violets look darker than yellows at the same lightness; neighbours differ in lightness too.
    const middle = hue > 210 && hue < 320 ? 71 : hue > 40 && hue < 190 ? 54 : 64;
    const lightness = middle + (this.#slot(peer) % 2 === 0 ? 5 : -5);
    return `hsl(${hue} 80% ${lightness}%)`;
  }
}

/** The page's own: there is one room on it. */
export const palette = new Palette();

/** @param {number} peer id, 0 for nobody */
export const colourOf = (peer) => palette.colour(peer);
