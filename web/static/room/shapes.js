/** What each kind looks like from above, its front towards the top. */

/** Metres from the middle to the edge. @type {Readonly<Record<string, number>>} */
const RADII = { avatar: 0.45, ball: 0.35, box: 0.55, vehicle: 1.7, sign: 0.45 };
/** Nothing is drawn smaller, pixels: it must be seen and hit. */
export const LEAST_PX = 6;

/** @param {string} kind @param {number} scale pixels for one metre @returns {number} pixels */
export function radiusOf(kind, scale) {
  return Math.max(LEAST_PX, (RADII[kind] ?? 0.4) * scale);
}

/**
 * The outline of the ring around a thing.
 * @param {CanvasRenderingContext2D} context as for drawShape
 * @param {string} kind
 * @param {number} r pixels
 */
export function ringShape(context, kind, r) {
  if (kind === "vehicle") context.roundRect(-r * 0.46 - 6, -r * 0.96 - 6, r * 0.92 + 12, r * 1.92 + 12, r * 0.26 + 6);
  else context.arc(0, 0, r + 4, 0, 2 * Math.PI);
}

/**
 * @param {CanvasRenderingContext2D} context at the middle of the thing and turned with it, styles set
 * @param {string} kind
 * @param {number} r pixels
 * @param {string} light colour of faces, windows and boards
 */
export function drawShape(context, kind, r, light) {
  const fill = context.fillStyle;
  const paint = (/** @type {string | CanvasGradient | CanvasPattern} */ style) => {
    context.fillStyle = style;
    context.fill();
    context.stroke();
  };
  context.beginPath();
  switch (kind) {
    case "avatar":
      context.moveTo(0, -r * 1.55);
      context.lineTo(r * 0.62, -r * 0.72);
      context.arc(0, 0, r, -0.86, Math.PI + 0.86);
      context.closePath();
      paint(fill);
      context.beginPath();
      context.arc(0, 0, r * 0.42, 0, 2 * Math.PI);
      paint(light);
      break;
    case "ball":
      context.arc(0, 0, r, 0, 2 * Math.PI);
      paint(fill);
      context.beginPath();
      context.arc(-r * 0.3, -r * 0.3, r * 0.28, 0, 2 * Math.PI);
      context.fillStyle = "rgb(255 255 255 / 65%)";
      context.fill();
      break;
    case "box":
      context.roundRect(-r * 0.75, -r * 0.75, r * 1.5, r * 1.5, r * 0.16);
      paint(fill);
      context.beginPath();
      context.moveTo(-r * 0.75, 0);
      context.lineTo(r * 0.75, 0);
      context.stroke();
      break;
    case "vehicle":
      context.roundRect(-r * 0.46, -r * 0.96, r * 0.92, r * 1.92, r * 0.26);
      paint(fill);
      context.beginPath();
      context.roundRect(-r * 0.33, -r * 0.48, r * 0.66, r * 0.3, r * 0.08);
      paint(light);
      context.beginPath();
      context.roundRect(-r * 0.33, r * 0.5, r * 0.66, r * 0.2, r * 0.06);
      paint(light);
      break;
    case "sign":
      context.roundRect(-r, -r * 0.62, r * 2, r * 1.1, r * 0.12);
      paint(fill);
      context.beginPath();
      context.moveTo(-r * 0.6, -r * 0.25);
      context.lineTo(r * 0.6, -r * 0.25);
      context.moveTo(-r * 0.6, r * 0.12);
      context.lineTo(r * 0.25, r * 0.12);
      context.stroke();
      break;
    default:
      context.moveTo(0, -r);
      context.lineTo(r, 0);
      context.lineTo(0, r);
      context.lineTo(-r, 0);
      context.closePath();
      paint(fill);
  }
}
