import { DIRECTIONS } from "./walking.js";

/** Pixels that the map pans for each press with Shift. */
const PAN_PX = 60;

/**
 * @typedef {object} Wishes what keys on the map may ask for
 * @property {(dx: number, dy: number) => void} pan pixels
 * @property {(factor: number) => void} zoom
 * @property {() => void} home
 * @property {(step: 1 | -1) => void} next thing to choose
 * @property {() => void} open the chosen thing's panel
 * @property {() => void} dismiss
 * @property {(allow: boolean) => void} answer
 * @property {() => void} chat
 * @property {() => void} board get in or out
 */

/** The keyboard on the map: walking, looking around, choosing, answering. */
export class Keys {
  /**
   * @param {HTMLElement} surface
   * @param {{press: (code: string) => void, release: (code: string) => void, stop: () => void}} walking
   * @param {Wishes} wishes
   */
  constructor(surface, walking, wishes) {
    // On a fresh page nothing has the focus: then the keys are the map's.
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || (event.target !== surface && event.target !== document.body)) return;
      if (this.#act(event, walking, wishes)) event.preventDefault();
    });
    document.addEventListener("keyup", (event) => walking.release(event.code));
    surface.addEventListener("blur", () => walking.stop());
    addEventListener("blur", () => walking.stop());
    document.addEventListener("visibilitychange", () => document.hidden && walking.stop());
  }

  /**
   * @param {KeyboardEvent} event
   * @param {{press: (code: string) => void}} walking
   * @param {Wishes} wishes
   * @returns {boolean} whether the key means something here
   */
  #act(event, walking, wishes) {
    const direction = DIRECTIONS[event.code];
    if (direction && event.shiftKey) wishes.pan(-direction[0] * PAN_PX, -direction[1] * PAN_PX);
    else if (direction) walking.press(event.code);
    else {
      const wish = {
        "+": () => wishes.zoom(1.25), "=": () => wishes.zoom(1.25), "-": () => wishes.zoom(0.8),
        c: wishes.home, ".": () => wishes.next(1), ",": () => wishes.next(-1), Enter: wishes.open, Escape: wishes.dismiss,
        y: () => wishes.answer(true), n: () => wishes.answer(false), t: wishes.chat, e: wishes.board,
      }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!wish) return false;
      wish();
    }
    return true;
  }
}
