import { find, icon, make } from "./dom.js";

/** Most toasts on the screen at once: the oldest makes room. */
export const MAX_TOASTS = 4;

/** Short words at the foot of the page that go away by themselves. */
export class Toasts {
  #region = find("#toasts", HTMLElement);

  /** @param {string} words */
  say(words) {
    this.#show(words, "", 4500);
  }

  /** @param {string} words what went wrong */
  warn(words) {
    this.#show(words, "bad", 7000);
  }

  /**
   * @param {string} words
   * @param {string} tone
   * @param {number} lifeMs
   */
  #show(words, tone, lifeMs) {
    for (const old of this.#region.children) if (old.firstChild?.textContent === words) old.remove();
    while (this.#region.children.length >= MAX_TOASTS) this.#region.firstElementChild?.remove();
    const close = make("button", { type: "button", class: "plain", "aria-label": "Dismiss" }, icon("M6 6l12 12M18 6L6 18"));
    const toast = make("div", { class: `toast ${tone}`, "data-testid": "toast" }, make("span", {}, words), close);
    close.addEventListener("click", () => toast.remove());
    this.#region.append(toast);
    setTimeout(() => toast.remove(), lifeMs);
  }
}
