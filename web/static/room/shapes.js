/** What each kind looks like from above, its front towards the top. */

/** @typedef {import("../soiree/entity.js").Entity} Entity */

/** Metres from the middle to the edge. @type {Readonly<Record<string, number>>} */
const RADII = { avatar: 0.45, person: 0.4, ball: 0.35, box: 0.55, vehicle: 1.7, cabin: 1, sign: 0.45 };
/** Of a box: its side for each metre of its radius. */
const BOX_SIDE = 1.5;
/** A thing cannot make itself larger than this by its properties, metres. */
const LARGEST_M = 100;
/** Nothing that can be taken is drawn smaller, pixels: it must be seen and hit. */
export const LEAST_PX = 6;

/** What is drawn over what: the larger below, people on top. @type {Readonly<Record<string, number>>} */
const LAYERS = { house: 0, bench: 0, lamp: 0, tree: 0, vehicle: 1, cabin: 2, box: 2, sign: 3, ball: 3, person: 4, avatar: 5 };
export const LAYER_COUNT = 6;

/** @param {string} kind @returns {number} 0 lowest */
export const layerOf = (kind) => LAYERS[kind] ?? 3;

/** @param {Pick<Entity, "kind" | "properties">} entity @returns {number} metres from its middle to its edge */
export function radiusM({ kind, properties }) {
  const size = metresOf(properties["size"]) ?? metresOf(properties["width"]);
  if (size === null) return RADII[kind] ?? 0.4;
  return kind === "box" ? size / BOX_SIDE : size / 2;
}

/** @param {Pick<Entity, "kind" | "properties">} entity @param {number} scale pixels for one metre @returns {number} pixels */
export const radiusOf = (entity, scale) => Math.max(LEAST_PX, radiusM(entity) * scale);

/** @param {unknown} value of a property @returns {number | null} a length that can be drawn */
export function metresOf(value) {
  return typeof value === "number" && value > 0 ? Math.min(value, LARGEST_M) : null;
}

/**
 * The outline of the ring around a thing.
 * @param {CanvasRenderingContext2D} context as for drawShape
 * @param {string} kind
 * @param {number} r pixels
 */
export function ringShape(context, kind, r) {
  if (kind === "vehicle") context.roundRect(-r * 0.46 - 6, -r * 0.96 - 6, r * 0.92 + 12, r * 1.92 + 12, r * 0.26 + 6);
  else if (kind === "cabin") context.roundRect(-r * 0.6 - 4, -r * 0.9 - 4, r * 1.2 + 8, r * 1.8 + 8, r * 0.2 + 4);
  else context.arc(0, 0, r + 4, 0, 2 * Math.PI);
}

/** @typedef {(context: CanvasRenderingContext2D, r: number, paint: (style?: string) => void, light: string) => void} Draw */

/** @type {Draw} */
function person(context, r, paint, light) {
  context.moveTo(0, -r * 1.55);
  context.lineTo(r * 0.62, -r * 0.72);
  context.arc(0, 0, r, -0.86, Math.PI + 0.86);
  context.closePath();
  paint();
  context.beginPath();
  context.arc(0, 0, r * 0.42, 0, 2 * Math.PI);
  paint(light);
}

/** @type {Readonly<Record<string, Draw>>} */
const SHAPES = {
  avatar: person,
  person,
  ball(context, r, paint) {
    context.arc(0, 0, r, 0, 2 * Math.PI);
    paint();
    context.beginPath();
    context.arc(-r * 0.3, -r * 0.3, r * 0.28, 0, 2 * Math.PI);
    context.fillStyle = "rgb(255 255 255 / 65%)";
    context.fill();
  },
  box(context, r, paint) {
    context.roundRect(-r * 0.75, -r * 0.75, r * 1.5, r * 1.5, r * 0.16);
    paint();
    context.beginPath();
    context.moveTo(-r * 0.75, 0);
    context.lineTo(r * 0.75, 0);
    context.stroke();
  },
  vehicle(context, r, paint, light) {
    context.roundRect(-r * 0.46, -r * 0.96, r * 0.92, r * 1.92, r * 0.26);
    paint();
    context.beginPath();
    context.roundRect(-r * 0.33, -r * 0.48, r * 0.66, r * 0.3, r * 0.08);
    paint(light);
    context.beginPath();
    context.roundRect(-r * 0.33, r * 0.5, r * 0.66, r * 0.2, r * 0.06);
    paint(light);
  },
  cabin(context, r, paint, light) {
    context.roundRect(-r * 0.6, -r * 0.9, r * 1.2, r * 1.8, r * 0.2);
    context.globalAlpha *= 0.55;
    paint(light);
    context.globalAlpha /= 0.55;
  },
  sign(context, r, paint) {
    context.roundRect(-r, -r * 0.62, r * 2, r * 1.1, r * 0.12);
    paint();
    context.beginPath();
    context.moveTo(-r * 0.6, -r * 0.25);
    context.lineTo(r * 0.6, -r * 0.25);
    context.moveTo(-r * 0.6, r * 0.12);
    context.lineTo(r * 0.25, r * 0.12);
    context.stroke();
  },
  tree(context, r, paint) {
    context.arc(0, 0, r, 0, 2 * Math.PI);
    paint();
    context.beginPath();
    context.arc(-r * 0.2, -r * 0.2, r * 0.5, 0, 2 * Math.PI);
    context.stroke();
  },
  lamp(context, r, paint, light) {
    context.arc(0, 0, r, 0, 2 * Math.PI);
    paint();
    context.beginPath();
    context.arc(0, 0, r * 0.5, 0, 2 * Math.PI);
    paint(light);
  },
  bench(context, r, paint) {
    context.rect(-r, -r * 0.33, r * 2, r * 0.66);
    paint();
  },
  house(context, r, paint) {
    context.rect(-r, -r * 0.8, r * 2, r * 1.6);
    paint();
    context.beginPath();
    context.moveTo(-r, 0);
    context.lineTo(r, 0);
    context.stroke();
  },
};

/** @type {Draw} */
function anything(context, r, paint) {
  context.moveTo(0, -r);
  context.lineTo(r, 0);
  context.lineTo(0, r);
  context.lineTo(-r, 0);
  context.closePath();
  paint();
}

/**
 * @param {CanvasRenderingContext2D} context at the middle of the thing and turned with it, styles set
 * @param {string} kind
 * @param {number} r pixels
 * @param {string} light colour of faces, windows and boards
 */
export function drawShape(context, kind, r, light) {
  const colour = context.fillStyle;
  context.beginPath();
  (SHAPES[kind] ?? anything)(context, r, (style) => {
    context.fillStyle = style ?? colour;
    context.fill();
    context.stroke();
  }, light);
}
