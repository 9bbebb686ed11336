/** Pointers on the map: one taps, drags or pans, two pinch, the wheel zooms. */

/** Pixels that a pointer may stray and still tap. */
const TAP_PX = 6;

/**
 * @typedef {object} Hands
 * @property {(px: number, py: number) => void} tap
 * @property {(px: number, py: number) => boolean} grab whether something is taken along from here
 * @property {(px: number, py: number) => void} carry
 * @property {() => void} drop
 * @property {(dx: number, dy: number) => void} pan pixels
 * @property {(factor: number, px: number, py: number) => void} zoom
 */

export class Gestures {
  /** @type {Map<number, {x: number, y: number}>} */
  #pointers = new Map();
  /** @type {"none" | "press" | "carry" | "pan" | "pinch"} */
  #mode = "none";
  #start = { x: 0, y: 0 };
  #hands;

  /** @param {HTMLElement} surface @param {Hands} hands */
  constructor(surface, hands) {
    this.#hands = hands;
    surface.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 && event.pointerType === "mouse") return;
      surface.setPointerCapture(event.pointerId);
      this.#down(event);
    });
    surface.addEventListener("pointermove", (event) => this.#move(event));
    surface.addEventListener("pointerup", (event) => this.#up(event, true));
    surface.addEventListener("pointercancel", (event) => this.#up(event, false));
    surface.addEventListener("wheel", (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
      this.#hands.zoom(Math.exp(-Math.max(-120, Math.min(120, pixels)) / 400), event.offsetX, event.offsetY);
    }, { passive: false });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const at = { x: event.offsetX, y: event.offsetY };
    this.#pointers.set(event.pointerId, at);
    if (this.#pointers.size === 2) {
      if (this.#mode === "carry") this.#hands.drop();
      this.#mode = "pinch";
    } else if (this.#pointers.size === 1) {
      this.#start = at;
      this.#mode = "press";
    }
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const at = { x: event.offsetX, y: event.offsetY };
    if (this.#mode === "pinch") this.#pinch(event.pointerId, before, at);
    this.#pointers.set(event.pointerId, at);
    if (this.#mode === "press" && Math.hypot(at.x - this.#start.x, at.y - this.#start.y) > TAP_PX) {
      this.#mode = this.#hands.grab(this.#start.x, this.#start.y) ? "carry" : "pan";
      if (this.#mode === "pan") this.#hands.pan(at.x - this.#start.x, at.y - this.#start.y);
    } else if (this.#mode === "pan") this.#hands.pan(at.x - before.x, at.y - before.y);
    if (this.#mode === "carry") this.#hands.carry(at.x, at.y);
  }

  /** @param {number} id @param {{x: number, y: number}} before @param {{x: number, y: number}} at */
  #pinch(id, before, at) {
    const other = [...this.#pointers].find(([pointer]) => pointer !== id)?.[1];
    if (!other) return;
    const apart = (/** @type {{x: number, y: number}} */ point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    this.#hands.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    this.#hands.zoom(apart(at) / apart(before), (at.x + other.x) / 2, (at.y + other.y) / 2);
  }

  /** @param {PointerEvent} event @param {boolean} lifted */
  #up(event, lifted) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#pointers.size > 0) {
      this.#mode = this.#mode === "pinch" ? "pan" : this.#mode;
      return;
    }
    if (this.#mode === "press" && lifted) this.#hands.tap(this.#start.x, this.#start.y);
    if (this.#mode === "carry") this.#hands.drop();
    this.#mode = "none";
  }
}
