import { ApiError, call } from "../parts/api.js";
import { find } from "../parts/dom.js";
import { codeFrom } from "./directory.js";

/** Into a room by its code, or by its whole link. */
export class JoinForm {
  #form = find("#join-form", HTMLFormElement);
  #code = find("#code", HTMLInputElement);
  #wrong = find("#code-wrong", HTMLElement);
  #name;

  /** @param {import("./name_form.js").NameForm} name */
  constructor(name) {
    this.#name = name;
    this.#code.addEventListener("input", () => this.#complain(""));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go();
    });
  }

  async #go() {
    const code = codeFrom(this.#code.value);
    if (!code) return this.#complain("Type the code that you were given.");
    if (!this.#name.require()) return;
    try {
      const room = await call("GET", `/rooms/${encodeURIComponent(code)}`);
      location.assign(`/r/${encodeURIComponent(room.code ?? room.room?.code ?? code)}`);
    } catch (error) {
      const unknown = error instanceof ApiError && !["unreachable", "rate"].includes(error.code);
      this.#complain(unknown ? "No room has this code. It may have closed, or a letter is off." : /** @type {Error} */ (error).message);
    }
  }

  /** @param {string} words */
  #complain(words) {
    this.#wrong.textContent = words;
    this.#code.setAttribute("aria-invalid", String(words !== ""));
    if (words) this.#code.focus();
  }
}
