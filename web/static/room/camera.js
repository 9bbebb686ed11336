/** Metres of the world to pixels of the map and back, seen from above: x to the right, z (south) down. */

/** Pixels for one metre. */
export const MIN_SCALE = 1;
export const MAX_SCALE = 200;
export const FIRST_SCALE = 36;
/** The same where there is a city to be seen. */
export const CITY_SCALE = 12;

export class Camera {
  /** Middle of the view, metres. */
  x = 0;
  z = 0;
  /** Pixels for one metre. */
  scale = FIRST_SCALE;
  width = 1;
  height = 1;
  /** The pixel under which the middle of the view lies: off the canvas's own middle where panels cover it. */
  #middle = { x: 0, y: 0 };

  /**
   * @param {number} width of the canvas, CSS pixels
   * @param {number} height
   * @param {{left?: number, right?: number, top?: number, bottom?: number}} [covered] pixels hidden by panels at the edges
   */
  resize(width, height, { left = 0, right = 0, top = 0, bottom = 0 } = {}) {
    this.width = width;
    this.height = height;
    this.#middle = { x: (left + width - right) / 2, y: (top + height - bottom) / 2 };
  }

  /** @param {number} x metres @returns {number} pixels */
  screenX(x) {
    return this.#middle.x + (x - this.x) * this.scale;
  }

  /** @param {number} z metres @returns {number} pixels */
  screenY(z) {
    return this.#middle.y + (z - this.z) * this.scale;
  }

  /** @param {number} px @param {number} py pixels @returns {{x: number, z: number}} metres */
  world(px, py) {
    return { x: this.x + (px - this.#middle.x) / this.scale, z: this.z + (py - this.#middle.y) / this.scale };
  }

  /** Moves the world under the view, as a hand on paper does. @param {number} dx @param {number} dy pixels */
  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.z -= dy / this.scale;
  }

  /** Zooms so that what lies under a pixel stays there. @param {number} factor @param {number} [px] @param {number} [py] */
  zoom(factor, px = this.#middle.x, py = this.#middle.y) {
    const before = this.world(px, py);
    this.scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, this.scale * factor));
    const after = this.world(px, py);
    this.x += before.x - after.x;
    this.z += before.z - after.z;
  }

  /** @param {number} x @param {number} z metres */
  centre(x, z) {
    this.x = x;
    this.z = z;
  }

  /**
   * Follows a point that walks out of the middle of the view.
   * @param {number} x @param {number} z metres
   * @param {number} slackPx how far from the middle it may be
   */
  keepNear(x, z, slackPx) {
    const slack = slackPx / this.scale;
    this.x = Math.min(x + slack, Math.max(x - slack, this.x));
    this.z = Math.min(z + slack, Math.max(z - slack, this.z));
  }

  /** @param {number} x @param {number} z metres @param {number} marginPx @returns {boolean} whether it may be seen */
  sees(x, z, marginPx) {
    const px = this.screenX(x);
    const py = this.screenY(z);
    return px > -marginPx && py > -marginPx && px < this.width + marginPx && py < this.height + marginPx;
  }

  /**
   * Moves the view as little as needed for a place to lie in a part of the screen.
   * @param {number} x @param {number} z metres
   * @param {{left: number, top: number, right: number, bottom: number}} part pixels
   */
  bring(x, z, { left, top, right, bottom }) {
    const px = this.screenX(x);
    const py = this.screenY(z);
    const inside = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ to) => (from > to ? (from + to) / 2 : Math.min(to, Math.max(from, at)));
    this.pan(inside(px, left, right) - px, inside(py, top, bottom) - py);
  }

  /** Metres visible from the middle to the far corner. */
  get radiusM() {
    return Math.hypot(this.width, this.height) / 2 / this.scale;
  }
}

/**
 * The largest of 1, 2, 5 × 10ⁿ that is not more.
 * @param {number} most
 */
export function roundLength(most) {
  const ten = 10 ** Math.floor(Math.log10(most));
  const step = most / ten;
  return (step >= 5 ? 5 : step >= 2 ? 2 : 1) * ten;
}

/**
 * The scale bar.
 * @param {number} scale pixels for one metre
 * @param {number} mostPx longest it may be
 * @returns {{px: number, label: string}}
 */
export function scaleBar(scale, mostPx) {
  const metres = roundLength(mostPx / scale);
  const label = metres >= 1000 ? `${metres / 1000} km` : metres >= 1 ? `${metres} m` : `${Math.round(metres * 100)} cm`;
  return { px: metres * scale, label };
}
