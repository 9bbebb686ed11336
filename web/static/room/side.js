import { find } from "../parts/dom.js";

/** The side with people, things and chat: always there on a wide screen, a sheet that two buttons open on a narrow one. */
export class Side {
  #side = find("#side", HTMLElement);
  #people = find("#btn-people", HTMLButtonElement);
  #chat = find("#btn-chat", HTMLButtonElement);
  #wide = matchMedia("(min-width: 60rem)");
  #onShown;

  /** @param {(part: "people" | "chat" | null) => void} onShown */
  constructor(onShown) {
    this.#onShown = onShown;
    this.#people.addEventListener("click", () => this.toggle("people"));
    this.#chat.addEventListener("click", () => this.toggle("chat"));
    for (const close of this.#side.querySelectorAll("[data-side-close]")) close.addEventListener("click", () => this.#shut());
    this.#side.addEventListener("keydown", (event) => event.key === "Escape" && this.#shut());
    this.#wide.addEventListener("change", () => this.#draw());
    this.#draw();
  }

  get isWide() {
    return this.#wide.matches;
  }

  /** @param {"people" | "chat" | null} part shown on a narrow screen; the same again: none */
  toggle(part) {
    const shown = this.#side.dataset["part"];
    const next = part === shown ? null : part;
    if (next) this.#side.dataset["part"] = next;
    else delete this.#side.dataset["part"];
    this.#draw();
    this.#onShown(next);
    if (next === "chat" && !this.isWide) find("#chat-input", HTMLInputElement).focus();
  }

  /** Back to the button that opened it. */
  #shut() {
    const opener = this.#side.dataset["part"] === "chat" ? this.#chat : this.#people;
    this.toggle(null);
    if (!this.isWide) opener.focus();
    else find("#map", HTMLElement).focus({ preventScroll: true });
  }

  #draw() {
    const { part } = this.#side.dataset;
    this.#people.setAttribute("aria-expanded", String(this.isWide || part === "people"));
    this.#chat.setAttribute("aria-expanded", String(this.isWide || part === "chat"));
  }
}
