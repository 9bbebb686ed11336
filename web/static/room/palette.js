/** Colours of people: the same for everybody, since they follow from the peer's id alone. */

/** Golden angle, degrees: neighbouring ids get hues far apart. */
const GOLDEN_ANGLE = 137.508;

/** @param {number} peer id @returns {number} degrees */
export function hueOf(peer) {
  return Math.round((peer * GOLDEN_ANGLE) % 360);
}

/** @param {number} peer id, 0 for nobody @returns {string} a CSS colour */
export function colourOf(peer) {
  if (peer === 0) return "#9a94ad";
  const hue = hueOf(peer);
  // Blues and violets look darker than yellows at the same lightness.
  const middle = hue > 220 && hue < 320 ? 70 : hue > 40 && hue < 190 ? 55 : 64;
  const lightness = middle + 9 * ((peer % 3) - 1);
  return `hsl(${hue} 78% ${lightness}%)`;
}
