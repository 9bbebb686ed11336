import { find } from "../parts/dom.js";
import { guest, tidyName } from "../parts/keepsakes.js";

/** The visitor's name, asked once and kept. */
export class NameForm {
  #input = find("#your-name", HTMLInputElement);
  #wrong = find("#your-name-wrong", HTMLElement);

  constructor() {
    this.#input.value = guest.name();
    this.#input.addEventListener("input", () => this.#complain(""));
    this.#input.addEventListener("change", () => this.#keep());
    this.#input.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.require()) this.#input.blur();
    });
    // Links straight into a room need no name here: the room's door asks for it.
    addEventListener("pagehide", () => this.#keep());
  }

  /** @returns {boolean} whether there is a name; otherwise it is asked for */
  require() {
    this.#keep();
    if (this.#input.value) return true;
    this.#complain("Say what people may call you first.");
    this.#input.focus();
    return false;
  }

  #keep() {
    this.#input.value = tidyName(this.#input.value);
    if (this.#input.value) guest.rename(this.#input.value);
  }

  /** @param {string} words */
  #complain(words) {
    this.#wrong.textContent = words;
    this.#input.setAttribute("aria-invalid", String(words !== ""));
  }
}
