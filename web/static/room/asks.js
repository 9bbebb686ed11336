import { find, make } from "../parts/dom.js";

/** @typedef {import("../soiree/ask.js").Ask} Ask */

/** Most questions on the screen; the relay lets at most 8 wait for each entity. */
export const MAX_SHOWN = 6;

/** Questions to a master: who wants what, with the time that is left to answer. They never take the focus. */
export class Asks {
  #region = find("#asks", HTMLElement);
  /** @type {Map<Ask, {card: HTMLElement, end: () => void}>} */
  #open = new Map();
  #onRefused;

  /** @param {(error: unknown) => void} onRefused the answer came too late */
  constructor(onRefused) {
    this.#onRefused = onRefused;
  }

  /** @param {Ask} ask */
  add(ask) {
    if (this.#open.size >= MAX_SHOWN) this.#close([...this.#open.keys()][0]);
    const allow = make("button", { type: "button", class: "glowing", "data-testid": "ask-allow", "aria-keyshortcuts": "Y" }, "Allow ", make("kbd", { "aria-hidden": "true" }, "Y"));
    const deny = make("button", { type: "button", "data-testid": "ask-deny", "aria-keyshortcuts": "N" }, "Deny ", make("kbd", { "aria-hidden": "true" }, "N"));
    allow.addEventListener("click", () => this.#answer(ask, true));
    deny.addEventListener("click", () => this.#answer(ask, false));
    const time = make("div", { class: "time", "aria-hidden": "true" });
    const words = make("p", {}, make("b", { dir: "auto" }, ask.peer.name), ` asks for your ${ask.entity.kind} ${ask.entity.id}.`);
    const card = make("div", { class: "ask", role: "group", "aria-label": `${ask.peer.name} asks for your ${ask.entity.kind}`, "data-testid": "ask-toast" }, words);
    if (ask.note) card.append(make("blockquote", { dir: "auto" }, ask.note));
    card.append(make("div", { class: "row right" }, deny, allow), time);
    this.#region.append(card);
    const leftMs = Math.max(0, ask.deadlineMs - Date.now());
    const shrink = time.animate([{ transform: "scaleX(1)" }, { transform: "scaleX(0)" }], { duration: leftMs, fill: "forwards" });
    const timer = setTimeout(() => this.#close(ask), leftMs);
    this.#open.set(ask, {
      card,
      end: () => {
        clearTimeout(timer);
        shrink.cancel();
      },
    });
  }

  /** By the keyboard: the oldest question. @param {boolean} allow @returns {boolean} whether there was one */
  answerOldest(allow) {
    const oldest = this.#open.keys().next().value;
    if (!oldest) return false;
    this.#answer(oldest, allow);
    return true;
  }

  /** An entity is gone or has another owner: nothing is left to be answered. @param {number} entity */
  settle(entity) {
    for (const ask of [...this.#open.keys()]) if (ask.entity.id === entity) this.#close(ask);
  }

  clear() {
    for (const ask of [...this.#open.keys()]) this.#close(ask);
  }

  /** @param {Ask} ask @param {boolean} allow */
  async #answer(ask, allow) {
    this.#close(ask);
    try {
      await (allow ? ask.allow() : ask.deny());
    } catch (error) {
      this.#onRefused(error);
    }
  }

  /** @param {Ask | undefined} ask */
  #close(ask) {
    const shown = ask && this.#open.get(ask);
    if (!shown) return;
    shown.end();
    shown.card.remove();
    this.#open.delete(ask);
  }
}
