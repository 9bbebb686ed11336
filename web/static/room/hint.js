import { find } from "../parts/dom.js";
import { hints } from "../parts/keepsakes.js";
import { DIRECTIONS } from "./walking.js";

/** How to walk, said once: gone with the first step or tap, and for good. */
export class WalkingHint {
  #hint = find("#walk-hint", HTMLElement);

  /** @param {HTMLElement} map */
  constructor(map) {
    if (hints.seen("walk")) return;
    this.#hint.hidden = false;
    const done = new AbortController();
    const go = () => {
      done.abort();
      this.#hint.hidden = true;
      hints.keep("walk");
    };
    map.addEventListener("pointerdown", go, { signal: done.signal });
    document.addEventListener("keydown", ({ code, target }) => code in DIRECTIONS && !(target instanceof HTMLInputElement) && go(), { signal: done.signal });
    find("button", HTMLButtonElement, this.#hint).addEventListener("click", go, { signal: done.signal });
  }
}
