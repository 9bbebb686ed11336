/** Strings of lights: over the page for beauty, over each room to show who is in. */

const NS = "http://www.w3.org/2000/svg";
/** Most bulbs on one string; larger rooms light them in proportion. */
export const MAX_BULBS = 16;

/**
 * How many bulbs a room's string has, and how many of them are lit: never none for somebody, never all while there is a place left.
 * @param {number} peers
 * @param {number} capacity
 * @returns {{bulbs: number, lit: number}}
 */
export function bulbsFor(peers, capacity) {
  const bulbs = Math.max(1, Math.min(capacity, MAX_BULBS));
  if (capacity <= MAX_BULBS) return { bulbs, lit: Math.min(peers, bulbs) };
  if (peers <= 0) return { bulbs, lit: 0 };
  if (peers >= capacity) return { bulbs, lit: bulbs };
  return { bulbs, lit: Math.min(bulbs - 1, Math.max(1, Math.round((peers / capacity) * bulbs))) };
}

/**
 * Where bulbs hang: evenly along a wire that sags.
 * @param {number} count
 * @param {number} width
 * @param {number} sag
 * @param {number} spans how many times the wire is held up, less one
 * @returns {{x: number, y: number}[]}
 */
export function hang(count, width, sag, spans = 1) {
  return Array.from({ length: count }, (_, i) => {
    const along = (i + 0.5) / count;
    const within = (along * spans) % 1;
    return { x: along * width, y: 4 * sag * within * (1 - within) };
  });
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function shape(tag, attributes) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * One string of lights. The page holds the gradients of their halos (templates/parts.html).
 * @param {{bulbs: number, lit: number, first?: number, width: number, sag: number, spans?: number, size?: number}} options
 *   first: the first lit bulb; size: of a bulb
 * @returns {SVGElement}
 */
export function garland({ bulbs, lit, first = 0, width, sag, spans = 1, size = 6 }) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${sag + size * 4}`, "aria-hidden": "true", class: "garland" });
  let wire = "M0 1";
  for (let i = 0; i < spans; i++) wire += `Q${((i + 0.5) * width) / spans} ${1 + 2 * sag} ${((i + 1) * width) / spans} 1`;
  svg.append(shape("path", { d: wire, class: "wire" }));
  hang(bulbs, width, sag, spans).forEach(({ x, y }, i) => {
    const bulb = shape("g", { class: i >= first && i < first + lit ? `bulb lit tint-${i % 4}` : "bulb", transform: `translate(${x.toFixed(1)} ${(y + 1).toFixed(1)})` });
    bulb.append(
      shape("circle", { cy: size * 1.7, r: size * 2.8, class: "halo" }),
      shape("rect", { x: -size * 0.34, y: -size * 0.1, width: size * 0.68, height: size * 0.75, rx: size * 0.2, class: "cap" }),
      shape("path", { d: pear(size), class: "glass" }),
    );
    svg.append(bulb);
  });
  return /** @type {SVGElement} */ (svg);
}

/** @param {number} size */
function pear(size) {
  const at = (/** @type {number} */ n) => (n * size).toFixed(2);
  return `M0 ${at(0.5)}C${at(0.75)} ${at(0.95)} ${at(0.85)} ${at(1.3)} ${at(0.85)} ${at(1.75)}A${at(0.85)} ${at(0.85)} 0 0 1 -${at(0.85)} ${at(1.75)}C-${at(0.85)} ${at(1.3)} -${at(0.75)} ${at(0.95)} 0 ${at(0.5)}Z`;
}
