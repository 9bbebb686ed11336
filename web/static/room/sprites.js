/** Pictures of things, drawn once for each look and size and then copied: a copy costs a tenth of the drawing. */

import { drawShape, ringShape } from "./shapes.js";

/** Most pictures remembered. */
export const MAX_SPRITES = 600;
/** Two sizes that share a picture differ by at most this factor. */
const STEP = 1.08;
/** What is larger is drawn itself: few such things fit a screen, pixels. */
export const LARGEST_PX = 44;
/** Pixels about the shape for ring and line. */
const MARGIN_PX = 9;
/** Of smaller things a full line would leave no colour, pixels. */
const SMALL_PX = 9;
/** An avatar's nose is the farthest that a shape reaches, in radii. */
const REACH = 1.6;

/**
 * @typedef {object} Look
 * @property {string} kind
 * @property {string} colour of its owner
 * @property {string | null} ring colour of its master, null: none
 * @property {boolean} dashed whether it has no master
 * @property {string} ink
 * @property {string} light
 */

/** @typedef {{canvas: HTMLCanvasElement, r: number, half: number}} Sprite half: from its middle to its edge, pixels, as drawn for radius r */

export class Sprites {
  /** @type {Map<string, Sprite>} */
  #sprites = new Map();
  #ratio = 1;

  /** Pictures remembered. */
  get size() {
    return this.#sprites.size;
  }

  /** Pixels of the screen for each of the page's; the pictures of before are of no use. @param {number} [ratio] */
  clear(ratio = this.#ratio) {
    this.#ratio = ratio;
    this.#sprites.clear();
  }

  /** @param {Look} look @param {number} r wanted radius, pixels @returns {Sprite} of about that size: to be drawn enlarged by its r to that */
  of(look, r) {
    const size = Math.round(Math.log(r) / Math.log(STEP));
    const key = `${look.kind}|${size}|${look.colour}|${look.ring}`;
    const known = this.#sprites.get(key);
    if (known) return known;
    const sprite = this.#draw(look, STEP ** size);
    if (this.#sprites.size >= MAX_SPRITES) this.#sprites.clear();
    this.#sprites.set(key, sprite);
    return sprite;
  }

  /** @param {Look} look @param {number} r @returns {Sprite} */
  #draw(look, r) {
    const half = Math.ceil(r * REACH + MARGIN_PX);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.ceil(2 * half * this.#ratio);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(this.#ratio, this.#ratio);
    context.translate(half, half);
    drawThing(context, look, r);
    return { canvas, r, half };
  }
}

/** A thing in its owner's colour, ringed in its master's. @param {CanvasRenderingContext2D} context at its middle, turned with it @param {Look} look @param {number} r pixels */
export function drawThing(context, { kind, colour, ring, dashed, ink, light }, r) {
  if (ring !== null) {
    context.beginPath();
    ringShape(context, kind, r);
    context.lineWidth = 3;
    context.strokeStyle = ring;
    if (dashed) context.setLineDash([3, 4]);
    context.stroke();
    context.setLineDash([]);
  }
  context.lineWidth = r < SMALL_PX ? 0.8 : 1.5;
  context.strokeStyle = ink;
  context.fillStyle = colour;
  drawShape(context, kind, r, light);
}
